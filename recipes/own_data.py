"""Your own pairs: settings and options are in own_data.yaml."""

from run import main

if __name__ == "__main__":
    main("own_data")
