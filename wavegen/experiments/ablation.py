"""One question of the paper as a grid: noise scales at equal S/v, presets, and what was expected beside what came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wavegen.analysis import BandSpectrum
from wavegen.core.config import Spec
from wavegen.core.errors import InputError
from wavegen.core.registry import build
from wavegen.core.types import Pair
from wavegen.experiments.differences import differ
from wavegen.experiments.grid import read_grid
from wavegen.experiments.noise_scale import coarsest, measuring_pairs, residual_variance, with_variance
from wavegen.experiments.plan import Comparison
from wavegen.experiments.recipe import PAPER
from wavegen.experiments.small import small
from wavegen.pipeline.pipeline import Pipeline

PRESETS = ("smoke", "cpu", "paper")
DATA = ("nanobeads", "hela")
S_OVER_V = 0.55  # of the preset mscgm-joint: s = 0.1 on Haar's LL1 of both simulated sets
SMOKE: Spec = {"steps": 4, "batch": 2, "crop": 64, "warmup": 1}
SMOKE_CALLS = 4  # rows of more are left out


@dataclass(frozen=True)
class Expectation:
    """What is expected to be best, and by which figure.

    ``best`` is the system, or the one with the ``least`` or ``most`` of an expected figure (``v``, ``predicted``).
    """

    text: str
    metric: str
    best: str
    of: str | None = None


@dataclass(frozen=True)
class Ablation:
    """A question: systems that differ from a base in one thing, how they are sampled, and what is expected.

    ``s_over_v`` is what every bridge is scaled to, or those of the named systems; where it is None the base's scale
    stays. Rows may be ``planned``: at the times that are best for the system's own residual variances.
    """

    systems: Mapping[str, Spec]
    rows: tuple[Spec, ...]
    expectations: tuple[Expectation, ...]
    s_over_v: float | Mapping[str, float] = S_OVER_V
    base: Spec = field(default_factory=lambda: {"name": "mscgm-joint"})

    def ratio(self, system: str) -> float:
        """The stated S/v of a system."""
        return self.s_over_v if isinstance(self.s_over_v, float) else self.s_over_v[system]


@dataclass(frozen=True)
class Asked:
    """An ablation made ready: its grid, the comparison that it stands for, and every system's coarsest band."""

    grid: Spec
    plan: Comparison
    bands: Mapping[str, BandSpectrum]


def asked(ablation: Ablation, data: str, preset: str, minutes: float, seeds: int) -> Asked:
    """The grid of a preset, with noise scales measured on the training pairs.

    Raises:
        InputError: an unknown preset or data, or configurations that cannot be built.
    """
    if preset not in PRESETS:
        raise InputError(f"preset {preset!r}; known: {', '.join(PRESETS)}")
    common = _common(preset, data, minutes, seeds)
    specs = {name: differ(ablation.base, changes) for name, changes in ablation.systems.items()}
    if preset == "smoke":
        specs = {name: small(spec) for name, spec in specs.items()}
    draft = read_grid({**common, "base": ablation.base, "systems": specs, "rows": [{"steps": 1}]}, "ablation")
    pairs = measuring_pairs(draft)
    bands = _bands(specs, pairs)
    for name, band in bands.items():
        bridge = Pipeline.configure(specs[name]).bridge
        scaled = with_variance(bridge, ablation.ratio(name) * residual_variance(band))
        specs[name] = {**specs[name], "bridge": scaled}
    calls = [row for row in ablation.rows if preset != "smoke" or int(row["steps"]) <= SMOKE_CALLS]
    rows = [row for given in calls for row in _rows(given, specs, bands)]
    grid = {**common, "base": ablation.base, "systems": specs, "rows": rows}
    return Asked(grid, read_grid(grid, "ablation"), bands)


def _bands(specs: Mapping[str, Spec], pairs: list[Pair]) -> dict[str, BandSpectrum]:
    """Coarsest bands; systems with one transform share the measurement."""
    found: dict[str, BandSpectrum] = {}
    made: dict[str, BandSpectrum] = {}
    for name, spec in specs.items():
        config = Pipeline.configure(spec)
        key = f"{config.transform} {config.intensity}"
        if key not in made:
            made[key] = coarsest(pairs, config)
        found[name] = made[key]
    return found


def _rows(given: Spec, specs: Mapping[str, Spec], bands: Mapping[str, BandSpectrum]) -> list[Spec]:
    """A row for all systems; a planned one for each that can be planned for."""
    row = {key: value for key, value in given.items() if key != "planned"}
    if not given.get("planned"):
        return [row]
    made = []
    for name, band in bands.items():
        low, high = (float(f"{value:.4g}") for value in (min(band.variances), max(band.variances)))
        if not build("bridge", Pipeline.configure(specs[name]).bridge).one_step:
            grid = {"name": "planned", "low": low, "high": high}
            made.append({**row, "system": name, "eta": 0.0, "solver": "multistep-start", "grid": grid})
    return made


def _common(preset: str, data: str, minutes: float, seeds: int) -> dict[str, Any]:
    if data not in DATA:
        raise InputError(f"data {data!r}; known: {', '.join(DATA)}")
    if preset == "smoke":
        tiny = {"pool": 4, "test_images": 2, "size": 64, "timed": False}
        return {"data": data, "training": SMOKE, "seeds": 1, **tiny}
    if preset == "paper":
        return {"data": data, "training": PAPER, "seeds": seeds, "pool": 4096}
    return {"data": data, "training": {"minutes": minutes}, "seeds": seeds, "test_images": 32}
