"""One question of the paper as a grid: noise scales at equal S/v, measured on the training pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wavegen.analysis import BandSpectrum
from wavegen.core.config import Spec
from wavegen.core.registry import build
from wavegen.core.types import Pair
from wavegen.experiments.spec.comparison import Comparison
from wavegen.experiments.spec.differences import differ
from wavegen.experiments.spec.grid import read_grid
from wavegen.experiments.spec.images import measuring_pairs
from wavegen.experiments.spec.noise_scale import coarsest, residual_variance, with_variance
from wavegen.experiments.spec.recipe import Recipe
from wavegen.experiments.spec.tiny import shrunk
from wavegen.pipeline.pipeline import Pipeline


@dataclass(frozen=True)
class Ablation:
    """A recipe made ready: its grid, the comparison that it stands for, and every system's coarsest band."""

    recipe: Recipe
    grid: Spec
    plan: Comparison
    bands: Mapping[str, BandSpectrum]


def ablation(
    recipe: Recipe,
    profile: str = "cpu",
    data: str | None = None,
    minutes: float | None = None,
    seeds: int | None = None,
) -> Ablation:
    """The grid of a profile: every bridge with a scale has total variance S = ``s_over_v`` v of its own band.

    Raises:
        InputError: an unknown profile or data set, configurations that cannot be built.
    """
    size, source = recipe.profile(profile), recipe.source(data or next(iter(recipe.data)))
    base = recipe.base or {}
    several = (recipe.seeds if seeds is None else seeds) if size.seeded else 1
    budget = recipe.budget(size, source, minutes)
    common = {"data": source.train["name"], "seeds": several, "timed": size.timed, **budget}
    specs = {name: differ(base, changes) for name, changes in recipe.systems.items()}
    if size.tiny:
        specs = {name: shrunk(spec) for name, spec in specs.items()}
    draft = read_grid({**common, "base": base, "systems": specs, "rows": [{"steps": 1}]}, recipe.name)
    bands = _bands(specs, measuring_pairs(draft))
    for name, band in bands.items():
        bridge = Pipeline.configure(specs[name]).bridge
        specs[name] = {**specs[name], "bridge": with_variance(bridge, recipe.ratio(name) * residual_variance(band))}
    templates = [row for row in recipe.rows if int(row["steps"]) <= (size.most_calls or int(row["steps"]))]
    rows = [row for template in templates for row in _rows(template, specs, bands)]
    grid = {**common, "base": base, "systems": specs, "rows": rows}
    return Ablation(recipe, grid, read_grid(grid, recipe.name), bands)


def _bands(specs: Mapping[str, Spec], pairs: Sequence[Pair]) -> dict[str, BandSpectrum]:
    """Coarsest bands; systems with one transform share the measurement."""
    measured: dict[str, BandSpectrum] = {}
    bands = {}
    for name, spec in specs.items():
        config = Pipeline.configure(spec)
        key = f"{config.transform} {config.intensity}"
        if key not in measured:
            measured[key] = coarsest(pairs, config)
        bands[name] = measured[key]
    return bands


def _rows(template: Spec, specs: Mapping[str, Spec], bands: Mapping[str, BandSpectrum]) -> list[Spec]:
    """A row for all systems; a planned one, at the times best for its own residual variances, for each with a plan."""
    row = {key: value for key, value in template.items() if key != "planned"}
    if not template.get("planned"):
        return [row]
    rows = []
    for name, band in bands.items():
        low, high = (float(f"{value:.4g}") for value in (min(band.variances), max(band.variances)))
        if not build("bridge", Pipeline.configure(specs[name]).bridge).one_step:
            grid = {"name": "planned", "low": low, "high": high}
            rows.append({**row, "system": name, "eta": 0.0, "solver": "multistep-start", "grid": grid})
    return rows
