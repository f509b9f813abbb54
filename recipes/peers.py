"""Independent peers on the benchmark's pairs: ``python -m benchmarks peers`` by its older name."""

import runpy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

if __name__ == "__main__":
    sys.argv.insert(1, "peers")
    runpy.run_module("benchmarks", run_name="__main__", alter_sys=True)
