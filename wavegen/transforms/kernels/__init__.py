"""The filter bank and Haar as compiled loops (numba), and when they are used."""
