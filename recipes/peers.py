"""Independent peers on the benchmark's pairs: ``python -m benchmarks peers`` by its older name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.__main__ import main

if __name__ == "__main__":
    main(["peers", *sys.argv[1:]])
