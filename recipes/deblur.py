"""Deblurring: settings and options are in deblur.yaml."""

from run import main

main("deblur")
