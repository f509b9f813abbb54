"""Denoising: settings and options are in denoise.yaml."""

from run import main

main("denoise")
