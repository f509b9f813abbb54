"""Your own pairs: settings and options are in own_data.yaml."""

from run import main

main("own_data")
