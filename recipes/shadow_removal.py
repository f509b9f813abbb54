"""Shadow removal: settings and options are in shadow_removal.yaml."""

from run import main

if __name__ == "__main__":
    main("shadow_removal")
