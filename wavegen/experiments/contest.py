"""One system against its rivals: trained alike, judged alike, and whether it leads by more than the seeds' scatter."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wavegen.checkpoint import write_text
from wavegen.config import Training
from wavegen.errors import InputError
from wavegen.experiments.command import run_command
from wavegen.experiments.compare import images_of
from wavegen.experiments.intervals import difference
from wavegen.experiments.plan import Comparison, Row, restored_by
from wavegen.experiments.recipe import SMOKE
from wavegen.experiments.runs import compare
from wavegen.experiments.ship import Shipment, ship
from wavegen.experiments.small import small
from wavegen.experiments.train_systems import model_hash, run_folder
from wavegen.inference.scales import scaled
from wavegen.pipeline import Pipeline
from wavegen.transforms import Haar
from wavegen.types import PairSource

Result = dict[str, Any]
IMAGES, DRAWS = 16, 4  # that the spread of bands is taken over
LEVELS = 2  # of the Haar bands in which all systems are compared
MINUTES = {"cpu": 3.0, "ship": 20.0}
NAMES = ("system", "steps", "key", "seed", "model")  # what a row of spreads is known by


@dataclass(frozen=True)
class Contest:
    """Who competes, at which calls, and on which scores (True: larger is better).

    ``system`` and each of ``rivals`` are names of presets, sampled as ``rows`` says, one row for each.
    """

    system: str
    rivals: tuple[str, ...]
    rows: tuple[Row, ...]
    scores: Mapping[str, bool]


def contest_plan(contest: Contest, preset: str, data: str, minutes: float | None, seeds: int) -> Comparison:
    """The comparison that a preset stands for; ``ship`` trains the system alone."""
    names = (contest.system, *(() if preset == "ship" else contest.rivals))
    common: dict[str, Any] = {"data": {"name": data}, "rows": [r for r in contest.rows if r.system in names]}
    if preset == "smoke":
        systems = {name: small({"name": name}) for name in names}
        few: dict[str, Any] = {"pool": 4, "test_images": 2, "size": 64, "classical": ()}
        return Comparison(**common, systems=systems, training=Training(**SMOKE), **few)
    budget = Training(minutes=minutes or MINUTES[preset])
    systems = {name: {"name": name} for name in names}
    if preset == "ship":
        return Comparison(**common, systems=systems, training=budget, pool=2048)
    return Comparison(**common, systems=systems, training=budget, seeds={n: list(range(seeds)) for n in names})


def run_contest(doc: str | None, contest: Contest, shipment: Shipment) -> None:
    """The command of a recipe: parse the options, train, judge, and print the table and the verdicts.

    Args:
        doc: the recipe's own text, shown by ``--help``.
        contest: who competes.
        shipment: the checkpoint of the ``ship`` preset; ``{data}`` and ``{minutes}`` in its texts are filled in.
    """
    run_command(lambda: _run(doc, contest, shipment))


def _run(doc: str | None, contest: Contest, shipment: Shipment) -> None:
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=["smoke", "cpu", "ship"], default="smoke")
    parser.add_argument("--data", choices=["nanobeads", "hela"], default="hela")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, help="processor minutes of training per system (cpu 3, ship 20)")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of every system (cpu)")
    parser.add_argument("--jobs", type=int, default=2, help="trainings side by side, one thread each")
    parser.add_argument("--export", type=Path, help="folder that the ship preset writes its checkpoint to")
    given = parser.parse_args()
    if given.export is not None and given.preset != "ship":
        raise InputError("--export goes with --preset ship")
    plan = contest_plan(contest, given.preset, given.data, given.minutes, given.seeds)
    compare(plan, given.out, jobs=given.jobs, shown=plan.rows)
    spreads = band_spreads(plan, given.out)
    text = "\n".join([verdicts(contest, given.out), spread_table(spreads)])
    write_text(given.out / "verdicts.md", text)
    print(text)
    if given.export is not None:
        filled = {
            key: getattr(shipment, key).format(data=given.data, minutes=plan.training.minutes)
            for key in ("name", "purpose", "limits", "command")
        }
        ship(plan, given.out, contest.system, replace(shipment, **filled), given.export)


def verdicts(contest: Contest, out: Path) -> str:
    """Score by score, the system less each rival over common seeds, and how many times faster it is; Markdown."""
    rows = json.loads((out / "results.json").read_text())["rows"]
    times = {(t["system"], t["steps"]): t for t in json.loads((out / "times.json").read_text())["rows"]}
    calls = {row.system: row.steps for row in contest.rows}
    lines = ["| against | score | difference | verdict |", "|---|---|---|---|"]

    def by_seed(system: str, score: str) -> dict[int, float]:
        found = [r for r in rows if r["system"] == system and r["steps"] == calls[system]]
        return {r["seed"]: r[score] for r in found if r.get(score) is not None}

    for rival in contest.rivals:
        for score, larger in contest.scores.items():
            found = difference(by_seed(contest.system, score), by_seed(rival, score), larger)
            if found is None:
                continue
            half = "" if found.half is None else f" ± {found.half:.4f}"
            lines.append(f"| {rival} | {score} | {found.mean:+.4f}{half} | {found.verdict} |")
        ours, theirs = times.get((contest.system, calls[contest.system])), times.get((rival, calls[rival]))
        if ours and theirs:
            ratios = [f"{theirs[k] / ours[k]:.1f}" for k in ("ms_batch_1", "ms_batch_8")]
            lines.append(f"| {rival} | times faster, batch 1; 8 | {'; '.join(ratios)} | |")
    return "\n".join(lines) + "\n"


def band_spreads(plan: Comparison, out: Path) -> list[Result]:
    """:func:`spread_of_bands` of every row and seed that draws samples; kept in ``spreads.json``."""
    file = out / "spreads.json"
    kept: list[Result] = json.loads(file.read_text()) if file.exists() else []
    known = {tuple(r[name] for name in NAMES): r for r in kept}
    data, rows = images_of(plan), []
    for row in plan.rows:
        for seed in plan.seeds_of(row.system):
            model = model_hash(folder := run_folder(out, row.system, seed))
            if row.steps < 2 or not model:
                continue
            own = (row.system, row.steps, row.key(), seed, model)
            if own not in known:
                found = spread_of_bands(Pipeline.from_pretrained(folder / "model"), row, data)
                known[own] = dict(zip(NAMES, own, strict=True)) | found
            rows.append(known[own])
            write_text(file, json.dumps(rows, indent=1) + "\n")
    return rows


def spread_of_bands(pipe: Pipeline, row: Row, data: PairSource, images: int = IMAGES) -> dict[str, float]:
    """Spread of whole restorations over their residual's, by Haar band (``ll2``, ``h2``, ..., ``d1``).

    sqrt(Var f / (E(x - f)² - Var f)) over draws f at one y, both summed over the images: 1 for draws of the
    posterior, 0 for a regression. Images are on the truth's scale, so that all weigh alike.
    """
    haar = Haar(levels=LEVELS)
    variance: dict[str, float] = {}
    error: dict[str, float] = {}
    for index in range(min(images, len(data))):
        pair = data[index]
        drawn = torch.as_tensor(restored_by(pipe, row, pair.y, [index], DRAWS).samples).float()
        draws, truth = scaled("target", drawn.reshape(DRAWS, *pair.x.shape), pair.x[None].expand(DRAWS, -1, -1, -1))
        for name, (f, x) in _bands(haar, draws, truth[:1]).items():
            of_draws = float(f.var(dim=0, correction=1).mean())
            variance[name] = variance.get(name, 0.0) + of_draws
            error[name] = error.get(name, 0.0) + float((f - x).square().mean()) - of_draws
    return {name: math.sqrt(variance[name] / max(error[name], 1e-12)) for name in variance}


def _bands(haar: Haar, *images: Tensor) -> dict[str, tuple[Tensor, ...]]:
    """Bands of several batches by name."""
    split = [haar.forward(image) for image in images]
    named = {f"ll{LEVELS}": tuple(s.ll for s in split)}
    for index in range(LEVELS):
        for band in ("h", "v", "d"):
            named[f"{band}{LEVELS - index}"] = tuple(getattr(s.details[index], band) for s in split)
    return named


def spread_table(rows: Sequence[Result]) -> str:
    """Means over seeds, in Markdown."""
    if not rows:
        return ""
    bands = [key for key in rows[0] if key not in NAMES]
    lines = ["| spread / residual | " + " | ".join(bands) + " |", "|---" * (len(bands) + 1) + "|"]
    for system, steps in dict.fromkeys((row["system"], row["steps"]) for row in rows):
        members = [row for row in rows if (row["system"], row["steps"]) == (system, steps)]
        means = [f"{sum(m[band] for m in members) / len(members):.2f}" for band in bands]
        lines.append(f"| {system}, {steps} calls | " + " | ".join(means) + " |")
    return "\n".join(lines) + "\n"
