"""How many steps: settings and options are in ablate_steps.yaml."""

from run import main

main("ablate_steps")
