"""Realism: settings and options are in realism.yaml."""

from run import main

if __name__ == "__main__":
    main("realism")
