"""Which process: settings and options are in ablate_bridges.yaml."""

from run import main

main("ablate_bridges")
