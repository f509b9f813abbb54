"""Low light: settings and options are in low_light.yaml."""

from run import main

main("low_light")
