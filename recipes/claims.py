"""The paper's claims 1, 3 and 4 on the simulated HeLa images: print the evidence, whatever it is.

    python recipes/claims.py --preset cpu --out out/claims

1. The pipeline without its networks loses nothing: transform, normalise, denormalise, inverse.
2. Gaussianity of low bands, sparsity of high ones: no training needed, ``wavegen analyze``
   (docs/reference/analysis.md).
3. A bridge whose network sees y, or y's LL band only, or not at all (the bridge still starts at y, and the
   head sees y's bands); and how quality falls as y gets darker.
4. Heads depend on the low band that they are given, and draw different bands for different noise.

``smoke`` takes seconds and means nothing; ``cpu`` trains four systems for 4 processor minutes each.
"""

from __future__ import annotations

import json
from typing import Any

from wavegen.experiments import Comparison, Row, claims, recipe_options, run_command

TINY: dict[str, Any] = {"name": "unet", "width": 8, "multipliers": [1, 2]}
TINY_JOINT: dict[str, Any] = {
    "network": {**TINY, "patch": 2},
    "head": {"name": "gan", "features": 4, "network": TINY},
}


def plan(profile: str, minutes: float) -> Comparison:
    """The systems whose difference each claim is about."""
    systems: dict[str, dict[str, Any]] = {
        "sees all of y": {"name": "mscgm-joint"},
        "sees y's LL": {"name": "mscgm-joint", "conditioning": "ll"},
        "does not see y": {"name": "mscgm-joint", "conditioning": "none"},
        "paper": {"name": "mscgm"},
    }
    common: dict[str, Any] = {"data": {"name": "hela"}, "classical": ()}
    if profile == "cpu":
        rows = [Row(system=name, steps=n) for name in systems for n in (1, 4)]
        return Comparison(training={"minutes": minutes}, systems=systems, rows=rows, test_images=32, **common)
    small = {name: {**spec, **(TINY_JOINT if name != "paper" else {"network": TINY})} for name, spec in systems.items()}
    small["paper"]["head"] = {"name": "gan", "network": TINY}
    training = {"steps": 4, "batch": 2, "crop": 32, "warmup": 1}
    rows = [Row(system=name, steps=1) for name in systems]
    return Comparison(training=training, systems=small, rows=rows, pool=2, test_images=2, size=64, **common)


def main() -> None:
    """Train what is missing and print the evidence."""
    given = recipe_options(__doc__, ["smoke", "cpu"], minutes=4.0, more=("jobs",)).parse_args()
    print(json.dumps(claims(plan(given.profile, given.minutes), given.out, jobs=given.jobs), indent=1))


if __name__ == "__main__":
    run_command(main)
