"""Low light: settings and options are in low_light.yaml."""

from run import main

if __name__ == "__main__":
    main("low_light")
