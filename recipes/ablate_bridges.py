"""Which process: settings and options are in ablate_bridges.yaml."""

from run import main

if __name__ == "__main__":
    main("ablate_bridges")
