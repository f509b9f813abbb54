"""The paper's claims 1, 3 and 4 on the simulated HeLa images: print the evidence, whatever it is.

    python recipes/claims.py --preset cpu --out out/claims

1. The pipeline without its networks loses nothing: transform, normalise, denormalise, inverse.
2. Gaussianity of low bands, sparsity of high ones: no training needed, ``wavegen analyze`` (docs/analysis.md).
3. A bridge whose network sees y, or y's LL band only, or not at all (the bridge still starts at y, and the
   head sees y's bands); and how quality falls as y gets darker.
4. Heads depend on the low band that they are given, and draw different bands for different noise.

``smoke`` takes seconds and means nothing; ``cpu`` trains four systems for 4 processor minutes each.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from wavegen.experiments import Comparison, Row, above_zero, claims, one_or_more, run_command

TINY: dict[str, Any] = {"name": "unet", "width": 8, "multipliers": [1, 2]}
TINY_JOINT: dict[str, Any] = {
    "network": {**TINY, "patch": 2},
    "head": {"name": "gan", "features": 4, "network": TINY},
}


def plan(preset: str, minutes: float) -> Comparison:
    """The systems whose difference each claim is about."""
    systems: dict[str, dict[str, Any]] = {
        "sees all of y": {"name": "mscgm-joint"},
        "sees y's LL": {"name": "mscgm-joint", "conditioning": "ll"},
        "does not see y": {"name": "mscgm-joint", "conditioning": "none"},
        "paper": {"name": "mscgm"},
    }
    common: dict[str, Any] = {"data": {"name": "hela"}, "classical": ()}
    if preset == "cpu":
        rows = [Row(system=name, steps=n) for name in systems for n in (1, 4)]
        return Comparison(training={"minutes": minutes}, systems=systems, rows=rows, test_images=32, **common)
    small = {name: {**spec, **(TINY_JOINT if name != "paper" else {"network": TINY})} for name, spec in systems.items()}
    small["paper"]["head"] = {"name": "gan", "network": TINY}
    training = {"steps": 4, "batch": 2, "crop": 32, "warmup": 1}
    rows = [Row(system=name, steps=1) for name in systems]
    return Comparison(training=training, systems=small, rows=rows, pool=2, test_images=2, size=64, **common)


def main() -> None:
    """Parse the command line, train what is missing and print the evidence."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=["smoke", "cpu"], default="smoke")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=above_zero, default=4.0, help="processor minutes of training per system")
    parser.add_argument("--jobs", type=one_or_more, default=2, help="trainings side by side, one thread each")
    arguments = parser.parse_args()
    evidence = claims(plan(arguments.preset, arguments.minutes), arguments.out, jobs=arguments.jobs)
    print(json.dumps(evidence, indent=1))


if __name__ == "__main__":
    run_command(main)
