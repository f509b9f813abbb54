"""How many scales: settings and options are in ablate_scales.yaml."""

from run import main

main("ablate_scales")
