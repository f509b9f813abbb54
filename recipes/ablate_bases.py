"""Which wavelet: settings and options are in ablate_bases.yaml."""

from run import main

if __name__ == "__main__":
    main("ablate_bases")
