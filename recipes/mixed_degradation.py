"""Mixed degradations: settings and options are in mixed_degradation.yaml."""

from run import main

if __name__ == "__main__":
    main("mixed_degradation")
