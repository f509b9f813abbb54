"""Hybrid or one kind: settings and options are in ablate_heads.yaml."""

from run import main

if __name__ == "__main__":
    main("ablate_heads")
