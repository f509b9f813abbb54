"""Inpainting: settings and options are in inpaint.yaml."""

from run import main

main("inpaint")
