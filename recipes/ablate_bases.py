"""Which wavelet: settings and options are in ablate_bases.yaml."""

from run import main

main("ablate_bases")
