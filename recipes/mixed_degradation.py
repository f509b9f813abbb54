"""Mixed degradations: settings and options are in mixed_degradation.yaml."""

from run import main

main("mixed_degradation")
