"""Shadow removal: settings and options are in shadow_removal.yaml."""

from run import main

main("shadow_removal")
