"""Realism: settings and options are in realism.yaml."""

from run import main

main("realism")
