"""Inpainting: settings and options are in inpaint.yaml."""

from run import main

if __name__ == "__main__":
    main("inpaint")
