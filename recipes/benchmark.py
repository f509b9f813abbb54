"""The fair benchmark: settings and options are in benchmark.yaml."""

from run import main

if __name__ == "__main__":
    main("benchmark")
