"""How many steps: settings and options are in ablate_steps.yaml."""

from run import main

if __name__ == "__main__":
    main("ablate_steps")
