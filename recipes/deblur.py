"""Deblurring: settings and options are in deblur.yaml."""

from run import main

if __name__ == "__main__":
    main("deblur")
