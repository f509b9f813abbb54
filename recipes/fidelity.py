"""Fidelity: settings and options are in fidelity.yaml."""

from run import main

main("fidelity")
