"""Record anew what the tests of this folder compare with.

    python tests/unchanged/record.py [--revision REV]

Exports a revision (0.1.0 unless told otherwise), lets it restore and train with each of the arithmetics below, in
processes of their own one after another (a few minutes), and writes ``recorded.safetensors``. To be done where a
change of the results is meant: then in a commit of its own that says why.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from digest import FILE, benchmark, digest, trained
from safetensors.torch import load_file, save_file
from torch import Tensor

# Variables of the process. The first is what is recorded; the others say which entries depend on the arithmetic.
ARITHMETICS: dict[str, dict[str, str]] = {
    "default": {},
    "two threads": {"THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"},
    "without oneDNN": {"ONEDNN": "0"},
    "oneDNN of SSE4.1": {"ONEDNN_MAX_CPU_ISA": "SSE41"},
    "AVX2": {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "AVX2"},
    "no vectors": {"ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE"},
    "planes contiguous": {"CONTIGUOUS": "1"},  # weights and maps not in the order of channels_last
    "all at once": {
        "THREADS": "2",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_CBWR": "COMPATIBLE",
        "CONTIGUOUS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
    },
}


def compute(out: Path) -> None:
    """Run the version that is imported, in the arithmetic of this process."""
    record = benchmark("unchanged_record")
    torch.set_num_threads(int(os.environ.get("THREADS", "1")))
    torch.backends.mkldnn.enabled = os.environ.get("ONEDNN") != "0"
    if os.environ.get("CONTIGUOUS"):
        to = torch.nn.Module.to
        torch.nn.Module.to = lambda self, *a, memory_format=None, **k: to(self, *a, **k)  # type: ignore[method-assign,assignment]
    found: dict[str, Tensor] = {}
    for model in record.MODELS:
        found |= record.restorations(model)
    for preset in record.PRESETS:
        found |= {f"{preset}/{key}": value.contiguous() for key, value in trained(record, preset).items()}
    save_file(found, str(out))


def write(runs: list[dict[str, Tensor]], file: Path) -> None:
    """Keep the restorations of the first run, and the digest of its training."""
    record = benchmark("unchanged_record")
    kept = {key: value for key, value in runs[0].items() if key.split("/")[0] in record.MODELS}
    about = {}
    for preset in record.PRESETS:
        own = [
            {key.partition("/")[2]: value for key, value in run.items() if key.startswith(f"{preset}/")} for run in runs
        ]
        arrays, entries = digest(own)
        kept |= {f"{preset}/{part}": value for part, value in arrays.items()}
        about[preset] = json.dumps(entries)
        bare = sum(count == 0 for _, count in entries)
        print(f"{preset}: {len(arrays['at'])} entries of {len(entries)} arrays, {bare} without any")
    save_file(kept, str(file), about)


def main() -> None:
    """Parse the command line and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--revision")
    parser.add_argument("--compute", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.compute:
        compute(arguments.compute)
        return
    unchanged = benchmark("unchanged")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        commit = unchanged.resolve(unchanged.ROOT, arguments.revision)
        source = unchanged.export(unchanged.ROOT, commit, folder / "source")
        runs = []
        for number, (name, variables) in enumerate(ARITHMETICS.items()):
            print(name, file=sys.stderr)
            out = folder / f"{number}.safetensors"
            environment = unchanged.environment(source, int(variables.get("THREADS", "1"))) | variables
            command = [sys.executable, __file__, "--compute", str(out)]
            subprocess.run(command, env=environment, cwd=folder, check=True)
            runs.append(load_file(out))
        write(runs, FILE)


if __name__ == "__main__":
    main()
