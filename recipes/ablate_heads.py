"""Hybrid or one kind: settings and options are in ablate_heads.yaml."""

from run import main

main("ablate_heads")
