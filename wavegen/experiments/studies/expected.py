"""Expected beside obtained: S/v, the share of the band's spread that is kept, and who is best."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from wavegen.analysis import BandSpectrum, condition_number, step_bound
from wavegen.bridges import judge, make_grid
from wavegen.core.errors import InputError
from wavegen.core.files import write_text
from wavegen.core.registry import build
from wavegen.core.types import PairSource
from wavegen.experiments.spec.ablation import Ablation
from wavegen.experiments.spec.comparison import Row, restored_by
from wavegen.experiments.spec.folders import Result, digest, model_hash, read_json, run_folder, write_json
from wavegen.experiments.spec.images import images_of
from wavegen.experiments.spec.noise_scale import residual_variance
from wavegen.experiments.spec.recipe import Recipe
from wavegen.experiments.spec.recipe_parts import Expectation
from wavegen.pipeline.pipeline import Pipeline
from wavegen.pipeline.units import intensity_of
from wavegen.reports.blocks import Table
from wavegen.reports.tables import label

IMAGES, DRAWS = 8, 4
FILE = "expected.json"
EPSILON = 0.1
LEAST = 1e-12
HIGHER = ("psnr", "ssim", "measured", "predicted")  # figures that are better when they are larger
COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("kappa", "κ", ".3g"),
    ("bound", "κ³/ε²", ".1e"),
    ("v", "v, linear", ".3f"),
    ("stated", "S/v stated", ".3g"),
    ("s_over_v", "S/v of the network", ".3g"),
    ("predicted", "spread kept, planner", ".3f"),
    ("measured", "spread kept, measured", ".3f"),
    ("error", "√(1 − kept), measured", ".3f"),
    ("theorem", "theorem 1: error over that of 1 call", ".3f"),
    ("psnr", "PSNR dB", ".2f"),
    ("lpips", "LPIPS", ".4f"),
    ("spread", "spread", ".4f"),
)


def expected(ready: Ablation, out: Path, results: Sequence[Result]) -> str:
    """The table in Markdown and a line for every expectation; also in ``expected.json`` and ``expected.md``.

    What was measured already is kept. Draws are those of each system's first seed that is done; scores are means over
    seeds.

    Raises:
        InputError: a damaged ``expected.json``.
    """
    file = out / FILE
    known = read_json(file, "delete it: it is measured again").get("measured", {})
    torch.set_num_threads(1)
    data: PairSource | None = None
    rows = []
    for row in ready.plan.rows:
        mine = [r for r in results if (r["system"], r["steps"], r.get("key")) == (row.system, row.steps, row.key())]
        if not mine:
            continue  # its runs have failed
        folder = run_folder(out.resolve(), row.system, min(r["seed"] for r in mine))
        key = digest({**row.model_dump(mode="json"), "model": model_hash(folder)})
        if key not in known:
            data = data or images_of(ready.plan)
            known[key] = band_share(Pipeline.from_pretrained(folder / "model"), data, row)
            write_json(file, {"measured": known})
        spec, band = ready.plan.systems[row.system], ready.bands[row.system]
        rows.append({**_expected(ready.recipe, row, spec, band), "measured": known[key], **_means(mine)})
    for figures in rows:
        figures["error"] = math.sqrt(max(0.0, 1 - figures["measured"]))
    text = table(rows) + "\n" + "\n".join(verdict(e, rows) for e in ready.recipe.expectations) + "\n"
    write_json(file, {"rows": rows, "measured": known})
    write_text(out / "expected.md", text)
    return text


def _expected(recipe: Recipe, row: Row, spec: Mapping[str, Any], band: BandSpectrum) -> Result:
    """What is known before training: of the data, the process and how it is sampled."""
    config = Pipeline.configure(spec)
    kappa = condition_number(band.power, band.modes)
    figures: Result = {
        "system": row.system,
        "steps": row.steps,
        "key": row.key(),
        "kappa": kappa,
        "bound": step_bound(kappa, EPSILON),
        "v": residual_variance(band),
        "theorem": row.steps**-0.5,  # T = O(kappa³ / eps²): eps falls with the root of T
    }
    if not build("bridge", config.bridge).one_step:
        figures["stated"] = recipe.ratio(row.system)
        figures["predicted"] = _predicted(config.bridge, row, band)
    return figures


def _predicted(bridge: Mapping[str, Any], row: Row, band: BandSpectrum) -> float | None:
    """The mean share of the band's spread that the planner foresees; None where the theory does not cover it."""
    if row.temperature not in (None, 1):
        return None
    given = dict(row.grid or {"name": "uniform"})
    times = make_grid(given.pop("name"), row.steps, bridge=build("bridge", bridge), **given)
    try:
        return judge(bridge, times, band.variances, band.weights, eta=row.eta, solver=row.solver or "generic").mean
    except InputError:  # a solver that the theory does not cover
        return None


def _means(rows: Sequence[Result]) -> Result:
    means: Result = {"seeds": len(rows)}
    for key in ("s_over_v", "psnr", "ssim", "lpips", "spread"):
        values = [row[key] for row in rows if row.get(key) is not None]
        if values:
            means[key] = statistics.fmean(values)
    return means


@torch.no_grad()
def band_share(pipe: Pipeline, data: PairSource, row: Row) -> float:
    """The variance of draws over that of the residual, in the coarsest band of the first images.

    With V the variance over draws and R the power of x0 minus their mean, the residual's variance is R - V / draws.
    """
    spread, residual = 0.0, 0.0
    for i in range(min(IMAGES, len(data))):
        pair = data[i]
        offset, scale = intensity_of(pair.y[None], pipe.config.intensity)
        drawn = torch.as_tensor(restored_by(pipe, row, pair.y[None], [i], DRAWS).samples).flatten(0, 1)
        low = pipe.norm.low(pipe.transform.forward((drawn - offset) / scale).ll, 0)
        true = pipe.norm.low(pipe.transform.forward(pipe.normalise(pair).x[None]).ll, 0)
        variance = float(low.var(dim=0).mean())
        spread += variance
        residual += max(float((true[0] - low.mean(dim=0)).square().mean()) - variance / DRAWS, LEAST)
    return spread / residual


def table(rows: Sequence[Result]) -> str:
    """Rows in Markdown; columns that no row fills are left out."""
    columns = [c for c in COLUMNS if any(row.get(c[0]) is not None for row in rows)]
    lines = [
        (label(row), *("–" if row.get(key) is None else format(row[key], form) for key, _, form in columns))
        for row in rows
    ]
    return Table(("system", *(title for _, title, _ in columns)), tuple(lines)).markdown()


def verdict(expectation: Expectation, rows: Sequence[Result]) -> str:
    """What was expected to be best by a figure, and what is; each system counts by its best row."""
    metric = expectation.metric
    sign = -1 if metric in HIGHER else 1
    figures: dict[str, float] = {}
    for row in rows:
        if row.get(metric) is not None:
            figures[row["system"]] = min(sign * row[metric], figures.get(row["system"], math.inf))
    order = sorted(figures, key=lambda name: figures[name])
    if not order:
        return f"expected: {expectation.text}; obtained: no system has {metric}"
    best = expectation.best
    if expectation.of is not None:
        known = {r["system"]: r[expectation.of] for r in rows if r.get(expectation.of) is not None}
        best = (min if best == "least" else max)(known, key=lambda name: known[name]) if known else "–"
    shown = ", ".join(f"{name} {sign * figures[name]:.4g}" for name in order[:4])
    place = f"place {order.index(best) + 1} of {len(order)}" if best in order else "not scored"
    answer = "as expected" if order[0] == best else f"not as expected: {best} has {place}"
    return f"expected: {expectation.text}; best by {metric}: {best}. Obtained, best first: {shown} ({answer})"
