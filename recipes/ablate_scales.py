"""How many scales: settings and options are in ablate_scales.yaml."""

from run import main

if __name__ == "__main__":
    main("ablate_scales")
