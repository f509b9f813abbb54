"""The fair benchmark: settings and options are in benchmark.yaml."""

from run import main

main("benchmark")
