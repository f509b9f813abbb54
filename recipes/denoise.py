"""Denoising: settings and options are in denoise.yaml."""

from run import main

if __name__ == "__main__":
    main("denoise")
