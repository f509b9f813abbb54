"""One system against its rivals: trained alike, judged alike, and whether it leads by more than the seeds' scatter."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from wavegen.core.errors import InputError
from wavegen.core.files import write_text
from wavegen.experiments.band_spread import calibrated_temperature, spread_of_bands
from wavegen.experiments.command import above_zero, one_or_more, run_command
from wavegen.experiments.compare import images_of
from wavegen.experiments.plan import Comparison, Row
from wavegen.experiments.recipe import SMOKE
from wavegen.experiments.runs import compare
from wavegen.experiments.ship import Shipment, ship
from wavegen.experiments.small import small
from wavegen.experiments.train_systems import model_hash, run_folder
from wavegen.pipeline.pipeline import Pipeline
from wavegen.reports.intervals import difference
from wavegen.training.config import Training

Result = dict[str, Any]
MINUTES = {"cpu": 3.0, "ship": 20.0}
NAMES = ("system", "steps", "key", "seed", "model")  # what a row of spreads is known by


@dataclass(frozen=True)
class Contest:
    """Who competes, at which calls, and on which scores (True: larger is better).

    ``system`` and each of ``rivals`` are names of presets, sampled as ``rows`` says, one row for each. Where that draws
    samples, it is judged a second time at the temperature that calibrates its spread on validation images.
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
    parser.add_argument("--minutes", type=above_zero, help="processor minutes of training per system (cpu 3, ship 20)")
    parser.add_argument("--seeds", type=one_or_more, default=3, help="seeds of every system (cpu)")
    parser.add_argument("--jobs", type=one_or_more, default=2, help="trainings side by side, one thread each")
    parser.add_argument("--export", type=Path, help="folder that the ship preset writes its checkpoint to")
    given = parser.parse_args()
    if given.export is not None and given.preset != "ship":
        raise InputError("--export goes with --preset ship")
    plan = contest_plan(contest, given.preset, given.data, given.minutes, given.seeds)
    compare(plan, given.out, jobs=given.jobs, shown=plan.rows)
    heats = temperatures(plan, given.out)
    if heats:
        calibrated = [
            row.model_copy(update={"temperature": heats[row.system]}) for row in plan.rows if row.system in heats
        ]
        plan = plan.model_copy(update={"rows": [*plan.rows, *calibrated]})
        compare(plan, given.out, jobs=given.jobs, shown=plan.rows)
    spreads = band_spreads(plan, given.out)
    made = {"verdicts.md": verdicts(contest, plan.rows, given.out), "spreads.md": spread_table(spreads)}
    for name, text in made.items():
        if text:
            write_text(given.out / name, text)
            print(text)
    if given.export is not None:
        filled = {
            key: getattr(shipment, key).format(data=given.data, minutes=plan.training.minutes)
            for key in ("name", "purpose", "limits", "command")
        }
        ship(plan, given.out, contest.system, replace(shipment, **filled), given.export, heats.get(contest.system))


def verdicts(contest: Contest, rows: Sequence[Row], out: Path) -> str:
    """Score by score, each row of the system less each of a rival's over common seeds, and how many times faster it is.

    Markdown.
    """
    results = json.loads((out / "results.json").read_text())["rows"]
    times = {(t["system"], t["steps"]): t for t in json.loads((out / "times.json").read_text())["rows"]}
    lines = ["| row | against | score | difference | verdict |", "|---|---|---|---|---|"]

    def by_seed(row: Row, score: str) -> dict[int, float]:
        own = (row.system, row.steps, row.key())
        found = [r for r in results if (r["system"], r["steps"], r.get("key")) == own]
        return {r["seed"]: r[score] for r in found if r.get(score) is not None}

    for own, rival in product(rows, rows):
        if own.system != contest.system or rival.system not in contest.rivals:
            continue
        start = f"| {own.system}, {own.key()} | {rival.system}, {rival.key()} |"
        for score, larger in contest.scores.items():
            found = difference(by_seed(own, score), by_seed(rival, score), larger)
            if found is None:
                continue
            half = "" if found.half is None else f" ± {found.half:.4f}"
            lines.append(f"{start} {score} | {found.mean:+.4f}{half} | {found.verdict} |")
        ours, theirs = times.get((own.system, own.steps)), times.get((rival.system, rival.steps))
        if ours and theirs:
            ratios = [f"{theirs[k] / ours[k]:.1f}" for k in ("ms_batch_1", "ms_batch_8")]
            lines.append(f"{start} times faster, batch 1; 8 | {'; '.join(ratios)} | |")
    return "\n".join(lines) + "\n"


def temperatures(plan: Comparison, out: Path) -> dict[str, float]:
    """The temperature of each system that draws samples, from the first seed's model and validation images.

    Kept in ``temperatures.json``; see :func:`calibrated_temperature`.
    """
    file = out / "temperatures.json"
    kept: list[Result] = json.loads(file.read_text()) if file.exists() else []
    known = {tuple(r.get(name) for name in NAMES): r["temperature"] for r in kept}
    data = images_of(plan, "validation")
    rows: list[Result] = []
    for row in plan.rows:
        seed = plan.seeds_of(row.system)[0]
        model = model_hash(folder := run_folder(out, row.system, seed))
        if row.steps < 2 or not model:
            continue
        own = (row.system, row.steps, row.key(), seed, model)
        heat = known.get(own) or calibrated_temperature(Pipeline.from_pretrained(folder / "model"), row, data)
        rows.append(dict(zip(NAMES, own, strict=True)) | {"temperature": heat})
        write_text(file, json.dumps(rows, indent=1) + "\n")
    return {row["system"]: row["temperature"] for row in rows}


def band_spreads(plan: Comparison, out: Path) -> list[Result]:
    """:func:`spread_of_bands` of every row and seed that draws samples; kept in ``spreads.json``."""
    file = out / "spreads.json"
    kept: list[Result] = json.loads(file.read_text()) if file.exists() else []
    known = {tuple(r.get(name) for name in NAMES): r for r in kept}
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


def spread_table(rows: Sequence[Result]) -> str:
    """Means over seeds, in Markdown."""
    if not rows:
        return ""
    bands = [key for key in rows[0] if key not in NAMES]
    lines = ["| spread / residual | " + " | ".join(bands) + " |", "|---" * (len(bands) + 1) + "|"]
    for own in dict.fromkeys((row["system"], row["steps"], row["key"]) for row in rows):
        members = [row for row in rows if (row["system"], row["steps"], row["key"]) == own]
        means = [f"{sum(m[band] for m in members) / len(members):.2f}" for band in bands]
        lines.append(f"| {own[0]}, {own[1]} calls, {own[2]} | " + " | ".join(means) + " |")
    return "\n".join(lines) + "\n"
