"""Fidelity: settings and options are in fidelity.yaml."""

from run import main

if __name__ == "__main__":
    main("fidelity")
