"""MSCGM and its rivals on super-resolution, confocal -> STED and photographs x 4: train, judge, one table.

    python recipes/mscgm_sr.py --preset cpu --data hela --out out/hela
    python recipes/mscgm_sr.py --preset cpu --data set5 --root FOLDER --out out/set5

Data
    hela, nanobeads   simulated specimens: no files needed
    set5              photographs, bicubic x 4 (trained on the table's kodak24, judged on Set5's luma as usual);
                      ``--root`` is a folder with an ``index.csv``
    div2k             the published layout of DIV2K under ``--root``: its validation images judge

Presets
    smoke   seconds: does everything run?
    cpu     the comparison: 10 processor minutes of training for every system (``--minutes`` changes it),
            three seeds for four of them (``--seeds``).
    ship    the longer training that made the checkpoints in the package.
    choices settings of the hybrid against each other (absolute or residual bands, the critic's).
    paper   the settings of arXiv 2407.05259 where it states them; for a GPU. See PAPER below.

Everything that is trained or scored already in ``--out`` is not done again, so a run may be
interrupted and repeated. Results: ``results.json``, ``times.json``, ``table.md``, ``figure.png``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from wavegen.experiments import Comparison, Row, Shipment, above_zero, compare, one_or_more, run_command, ship

# Every system under the same data, optimiser and processor time, and about the same parameters. All but mscgm
# (the paper's own losses) share the regression loss; bbdm, bbdm-patch and mscgm-joint share the bridge; mscgm-joint's
# last quarter adds its critic. irsde is native in its process and steps; its target and loss are the others'.
SYSTEMS: dict[str, Any] = {
    name: {"name": name} for name in ("mscgm-joint", "unet", "bbdm", "bbdm-patch", "mscgm", "irsde")
}
SEVERAL_SEEDS = ("mscgm-joint", "unet", "bbdm", "bbdm-patch")
LONG = {"first_seed_only": True, "images": 16, "samples": 1}  # 100 calls and more: a stated subset
ROWS = [
    Row(system="unet", steps=1, samples=1),
    *(Row(system=s, steps=n, eta=e) for s in ("mscgm-joint", "bbdm") for n, e in ((1, 1.0), (4, 1.0), (4, 0.0))),
    *(Row(system="bbdm-patch", steps=n) for n in (1, 4)),
    *(Row(system="mscgm", steps=n) for n in (1, 4)),
    Row(system="irsde", steps=4),
    # The same 16 images for the hybrid, so that the rows of many calls have something to be compared with.
    *(Row(system="mscgm-joint", steps=n, images=16, first_seed_only=True) for n in (1, 4)),
    Row(system="bbdm", steps=200, eta=1.0, **LONG),
    Row(system="bbdm", steps=200, eta=0.0, **LONG),
    Row(system="irsde", steps=100, **LONG),
]
SHIPPED = ("mscgm-joint",)
PHOTOGRAPHS = ("mscgm-joint", "unet", "bbdm", "mscgm")  # and few calls only: the images are large
# Choices within the hybrid, to be made on the validation set (``--split validation``).
CHOICES: dict[str, dict[str, Any]] = {
    "absolute bands": {"name": "mscgm-joint"},
    "residual bands": {"name": "mscgm-joint", "head": {"output": "residual"}},
    "critic on the image": {"name": "mscgm-joint", "critic": {"on": "image"}},
    "critic without spectral norm, R1": {"name": "mscgm-joint", "critic": {"spectral_norm": False, "r1": 1.0}},
}

# What the paper states, and what had to be assumed.
PAPER: dict[str, Any] = {
    "learning_rate": 1e-4,  # stated (AdamW)
    "batch": 3,  # stated for the GANs; assumed for the bridge
    "steps": 200_000,  # assumed: 200 epochs are stated, the size of an epoch is not
    "crop": 256,  # assumed
    "warmup": 0,  # assumed
    "final_rate": 1.0,  # assumed: no schedule is stated
}
PAPER_MSCGM: dict[str, Any] = {
    "name": "mscgm",
    "transform": {"name": "haar", "levels": 2},  # Haar stated, S = 2 assumed (a sister project's code)
    "bridge": {"name": "bbdp", "s": 1.0},  # BBDP stated, s = 1 assumed (BBDM's default)
    "sampler": {"steps": 200},  # assumed (BBDM's default)
    # Loss L2 + SSIM + Wasserstein stated; weights 20, .5, .1 and one critic step in four assumed.
    "critic": {"on": "image", "loss": "wasserstein", "every": 4, "learning_rate": 1e-5},
}


def sources(data: str, root: Path) -> dict[str, Any]:
    """What trains and what judges: the parts of a comparison that depend on the data."""
    if data == "set5":
        bicubic = {"name": "downsample", "factor": 4, "restore_size": True}
        table = {"index": str(root / "index.csv")}
        train = {"name": "simulated", **table, "dataset": "kodak24", "split": "train", "degradation": bicubic}
        test = {"name": "pairs", **table, "dataset": "set5", "grid": "target"}
        return {"data": train | {"scale": "none", "multiple": 4}, "test": test}
    if data == "div2k":
        layout = {"name": "div2k", "root": str(root), "scale": 4}
        return {"data": layout | {"split": "train"}, "test": layout | {"split": "valid"}}
    return {"data": {"name": data}}


def plan(preset: str, data: str, minutes: float | None, seeds: int, root: Path = Path()) -> Comparison:
    """The comparison that a preset stands for."""
    made = _plan(preset, sources(data, root), minutes, seeds)
    if made.test is None:
        return made
    colour = {"channels": 3, "intensity": {"mode": "fixed", "scale": 255.0}}
    systems = {name: {**made.systems[name], **colour} for name in PHOTOGRAPHS if name in made.systems}
    rows = [row for row in made.rows if row.system in systems and row.images is None]
    return made.model_copy(update={"systems": systems, "rows": rows, "scale": "luma", "classical": ("input",)})


def _plan(preset: str, data: dict[str, Any], minutes: float | None, seeds: int) -> Comparison:
    budget: dict[str, Any] = {"minutes": minutes or {"cpu": 10.0, "ship": 60.0}.get(preset, 10.0)}
    if preset == "cpu":
        several = {name: list(range(seeds)) for name in SEVERAL_SEEDS}
        return Comparison(**data, training=budget, systems=SYSTEMS, seeds=several, rows=ROWS)
    if preset == "choices":
        rows = [Row(system=name, steps=n) for name in CHOICES for n in (1, 4)]
        return Comparison(**data, training=budget, systems=CHOICES, rows=rows, test_images=32)
    if preset == "ship":
        rows = [r for r in ROWS if r.system in SHIPPED]
        systems = {name: {"name": name} for name in SHIPPED}
        return Comparison(**data, training=budget, systems=systems, rows=rows, pool=2048)
    if preset == "paper":
        rows = [Row(system="mscgm", steps=n) for n in (1, 4, 200)]
        return Comparison(**data, training=PAPER, systems={"mscgm": PAPER_MSCGM}, rows=rows, pool=4096)
    tiny = {"name": "unet", "width": 8, "multipliers": [1, 2]}
    heads = {"head": {"name": "gan", "network": tiny}}
    systems = {
        name: {"name": name, "network": {**tiny, "patch": 2 if name == "mscgm-joint" else 1}}
        | (heads if name.startswith("mscgm") else {})
        for name in SYSTEMS
    }
    return Comparison(
        **data,
        training={"steps": 6, "batch": 2, "crop": 32, "warmup": 2},
        systems=systems,
        rows=[row.model_copy(update={"images": None}) for row in ROWS if row.steps <= 4],
        pool=4,
        test_images=2,
        size=64,
        classical=(),
    )


def shipment(data: str, minutes: float | None) -> Shipment:
    """The card's own sentences."""
    return Shipment(
        name=f"mscgm-{data}",
        purpose=f"Restores simulated confocal images of {data} (250 nm) to STED resolution (60 nm), one channel.",
        limits="- Trained on simulation: 20 nm pixels and a 250 nm spot are assumed; resample other images first.",
        command=f"python recipes/mscgm_sr.py --preset ship --data {data} --minutes {minutes:g} --out OUT --export DIR",
    )


def main() -> None:
    """Parse the command line and run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=["smoke", "cpu", "choices", "ship", "paper"], default="smoke")
    parser.add_argument("--data", choices=["nanobeads", "hela", "set5", "div2k"], default="hela")
    parser.add_argument("--root", type=Path, default=Path(), help="folder of real images (default: this one)")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=above_zero, help="processor minutes of training per system (cpu, ship)")
    parser.add_argument(
        "--seeds", type=one_or_more, default=3, help="seeds of the four systems that are compared over seeds"
    )
    parser.add_argument("--split", choices=["validation", "test"], default="test", help="images to judge on")
    parser.add_argument("--jobs", type=one_or_more, default=2, help="trainings side by side, one thread each")
    parser.add_argument("--export", type=Path, help="folder that the ship preset writes its checkpoint to")
    arguments = parser.parse_args()
    chosen = plan(arguments.preset, arguments.data, arguments.minutes, arguments.seeds, arguments.root)
    compare(
        chosen,
        arguments.out,
        jobs=arguments.jobs,
        split=arguments.split,
        shown=[
            Row(system=s, steps=n)
            for s, n in (("unet", 1), ("bbdm", 4), ("mscgm", 4), ("mscgm-joint", 1), ("mscgm-joint", 4))
        ],
    )
    if arguments.preset == "ship" and arguments.export:
        for system in SHIPPED:
            ship(chosen, arguments.out, system, shipment(arguments.data, chosen.training.minutes), arguments.export)


if __name__ == "__main__":
    run_command(main)
