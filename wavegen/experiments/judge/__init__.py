"""What comes out: scores, times, classical methods, pictures. Imports ``spec`` only."""
