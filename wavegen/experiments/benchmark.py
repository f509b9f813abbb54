"""The fair benchmark: every system on the same pairs, budget and scores, at its own settings and at matched calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wavegen.core.config import Spec, merge
from wavegen.core.errors import InputError, near_matches
from wavegen.experiments.bridges import native_row
from wavegen.experiments.plan import Comparison, Row
from wavegen.experiments.recipe import PAPER, SMOKE, Data
from wavegen.experiments.small import small
from wavegen.training.config import Training

SYSTEMS: dict[str, Spec] = {
    name: {"name": name}
    for name in (
        *("mscgm-joint", "unet", "bbdm", "irsde", "mscgm-fidelity", "mscgm-realism"),
        *("bbdm-gan", "bbdm-patch", "bbdm-patch-gan", "wavediff", "diffll", "latent", "mscgm"),
        *("cgan", "flow", "resshift", "refusion", "goub", "ddpm", "i2sb"),
    )
} | {"resshift-4": {"name": "resshift", "bridge": {"T": 4}, "sampler": {"steps": 4}}}  # its journal version's chain
SEVERAL_SEEDS = ("mscgm-joint", "unet", "bbdm", "irsde")
ONE_CALL = ("unet", "cgan", "mscgm-fidelity")
ODE = ("ddpm", "flow")  # at few calls these are walked without fresh noise, which is where they are better
PLANNED = ("mscgm-realism", "bbdm-gan", "bbdm-patch-gan")  # their own grid and solver, without fresh noise
MATCHED = (1, 4)
# Rows of at least so many calls are judged on a subset: (calls, images of 256 x 256, draws of each).
LONG = ((1000, 4, 1), (50, 8, 2))
# They stand beside the long rows, so that the fronts of quality and time hold who is fast.
COMPARED = ("unet", "bbdm", "mscgm-fidelity", "mscgm-joint", "mscgm-realism", "bbdm-patch", "diffll")
FILTERS = ("input", "gaussian", "total variation", "non-local means")
PRESETS = ("smoke", "cpu", "paper")
DATA = ("nanobeads", "hela", "w2s")


def benchmark_data(name: str, root: Path = Path()) -> Data:
    """One of :data:`DATA`: simulated confocal -> STED pairs, or the real exposures of W2S under ``root``.

    Raises:
        InputError: another name.
    """
    if name not in DATA:
        raise InputError(f"the benchmark has no data {name!r}; {near_matches(name, DATA)}")
    if name != "w2s":
        return Data({"name": name}, classical=("input", "richardson-lucy"))
    table = {"name": "pairs", "index": str(root / "index.csv"), "dataset": "w2s"}
    own = {"intensity": {"target": "own"}}
    return Data(table | {"split": "train"}, table | {"split": "test"}, "affine", own, FILTERS)


def native_rows() -> list[Row]:
    """Each system as its source samples it, where that is not a matched row already."""
    own = [
        Row(system="flow", steps=8, eta=0.0),
        Row(system="diffll", steps=10),
        native_row("resshift", "resshift"),
        native_row("ddpm", "ddim"),
        native_row("flow", "flow"),
        *(native_row(name, name) for name in ("irsde", "refusion", "goub")),
        *(native_row(name, "bbdp") for name in ("bbdm", "latent")),
        native_row("ddpm", "ddpm"),
        native_row("i2sb", "i2sb"),
    ]
    return [row for row in own if row.system in SYSTEMS]


def benchmark_rows(share: int = 1) -> list[Row]:
    """All rows; images of ``share`` times the area of 256 x 256 pixels make the subsets smaller by as much."""
    rows = [Row(system=name, samples=1) for name in ONE_CALL]
    for name in SYSTEMS:
        if name not in ONE_CALL:
            rows += [Row(system=name, steps=n, eta=0.0 if name in ODE + PLANNED else 1.0) for n in MATCHED]
    rows += [Row(system=name, steps=4, eta=0.0) for name in ("mscgm-joint", "bbdm")]
    for row in native_rows():
        rule = next((rule for rule in LONG if row.steps >= rule[0]), None)
        if rule is not None:
            _, images, draws = rule
            part = {"images": max(2, images // share), "samples": draws, "first_seed_only": True}
            row = row.model_copy(update=part)
        rows.append(row)
    # What the long rows are compared with, on their own images.
    beside = [row for row in rows if row.system in COMPARED and row.images is None and row.steps in MATCHED]
    for images in dict.fromkeys(row.images for row in rows if row.images):
        rows += [row.model_copy(update={"images": images, "first_seed_only": True}) for row in beside]
    return rows


def chosen(systems: str) -> list[str]:
    """Some systems by name, ``system,system``.

    Raises:
        InputError: an unknown name.
    """
    names = systems.split(",")
    for name in names:
        if name not in SYSTEMS:
            raise InputError(f"the benchmark has no system {name!r}; {near_matches(name, SYSTEMS)}")
    return names


def benchmark(
    data: str,
    kind: str = "cpu",
    *,
    root: Path = Path(),
    minutes: float = 4.0,
    seeds: int = 3,
    longest: int = 1000,
) -> Comparison:
    """The comparison that a preset stands for: ``smoke``, ``cpu`` or ``paper``.

    Args:
        data: one of :data:`DATA`.
        kind: the preset.
        root: folder of real images.
        minutes: processor minutes of each training (cpu).
        seeds: of the systems in :data:`SEVERAL_SEEDS`.
        longest: rows of more calls are left out.

    Raises:
        InputError: unknown data or preset, a number out of range.
    """
    if kind not in PRESETS:
        raise InputError(f"the benchmark has no preset {kind!r}; {near_matches(kind, PRESETS)}")
    if seeds < 1 or longest < 1 or not minutes > 0:
        raise InputError(f"seeds {seeds}, longest {longest}, minutes {minutes}: give 1 or more, and minutes above 0")
    source, names = benchmark_data(data, root), list(SYSTEMS)
    systems = {name: merge(SYSTEMS[name], source.settings) for name in names}
    share = 4 if data == "w2s" else 1  # its images have 512 x 512 pixels
    rows = [row for row in benchmark_rows(share) if row.system in systems and row.steps <= longest]
    common: dict[str, Any] = {
        "data": source.train,
        "test": source.test,
        "scale": source.scale,
        "classical": source.classical,
        "reference": "unet",
        "seeds": {name: list(range(seeds)) for name in SEVERAL_SEEDS if name in systems},
    }
    if kind == "cpu":
        return Comparison(**common, systems=systems, rows=rows, training=Training(minutes=minutes))
    if kind == "paper":
        whole = {(row.system, row.steps, row.key()): row.model_copy(update={"images": None}) for row in rows}
        training = Training(**PAPER)
        return Comparison(**common, systems=systems, rows=list(whole.values()), training=training, pool=4096)
    few = [row.model_copy(update={"samples": min(row.samples, 2), "spread_images": 1}) for row in rows]
    return Comparison(
        **(common | {"seeds": {}, "classical": ("input",)}),
        systems={name: small(spec) for name, spec in systems.items()},
        rows=[row for row in few if row.steps <= 15 and row.images is None],
        training=Training(**SMOKE),
        pool=4,
        test_images=2,
        size=64,
    )
