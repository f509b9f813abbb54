"""Which network? Settings and options are in ablate_networks.yaml."""

from run import main

if __name__ == "__main__":
    main("ablate_networks")
