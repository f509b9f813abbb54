"""One system against its rivals: does it lead by more than the scatter over seeds, and do its samples spread enough?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

from wavegen.core.files import write_text
from wavegen.core.types import PairSource
from wavegen.experiments.engine.runs import compare
from wavegen.experiments.judge.band_spread import calibrated_temperature, spread_of_bands
from wavegen.experiments.spec.comparison import Comparison, Row
from wavegen.experiments.spec.folders import Result, model_hash, read_rows, run_folder, write_json
from wavegen.experiments.spec.images import images_of
from wavegen.experiments.spec.recipe_parts import Lead
from wavegen.pipeline.pipeline import Pipeline
from wavegen.reports.blocks import Table
from wavegen.reports.intervals import difference

NAMES = ("system", "steps", "key", "seed", "model")  # what a row of spreads is known by


def against_rivals(lead: Lead, plan: Comparison, out: Path, jobs: int = 2) -> dict[str, float]:
    """Judge the trained systems of ``out`` against each other; returns the temperature of each that draws samples.

    Rows that draw samples are judged a second time, at the temperature that calibrates their spread on validation
    images. Writes ``verdicts.md`` and, where there are samples, ``spreads.md``, and prints both.
    """
    heats = temperatures(plan, out)
    if heats:
        drawn = [row for row in plan.rows if row.system in heats]
        again = [row.model_copy(update={"temperature": heats[row.system]}) for row in drawn]
        plan = plan.model_copy(update={"rows": [*plan.rows, *again]})
        compare(plan, out, jobs=jobs, shown=plan.rows)
    texts = {"verdicts.md": verdicts(lead, plan.rows, out), "spreads.md": spread_table(band_spreads(plan, out))}
    for name, text in texts.items():
        if text:
            write_text(out / name, text)
            print(text)
    return heats


def verdicts(lead: Lead, rows: Sequence[Row], out: Path) -> str:
    """Score by score, each row of the system less each of a rival's over common seeds, and how many times faster it is.

    Markdown.
    """
    results = read_rows(out / "results.json")
    times = {(t["system"], t["steps"]): t for t in read_rows(out / "times.json")}
    lines: list[tuple[str, ...]] = []

    def by_seed(row: Row, score: str) -> dict[int, float]:
        of_row = (r for r in results if (r["system"], r["steps"], r.get("key")) == (row.system, row.steps, row.key()))
        return {r["seed"]: r[score] for r in of_row if r.get(score) is not None}

    for leader, rival in product(rows, rows):
        if leader.system != lead.system or rival.system not in lead.rivals:
            continue
        start = (f"{leader.system}, {leader.key()}", f"{rival.system}, {rival.key()}")
        for score, larger in lead.scores.items():
            gain = difference(by_seed(leader, score), by_seed(rival, score), larger)
            if gain is not None:
                half = "" if gain.half is None else f" ± {gain.half:.4f}"
                lines.append((*start, score, f"{gain.mean:+.4f}{half}", gain.verdict))
        ours, theirs = times.get((leader.system, leader.steps)), times.get((rival.system, rival.steps))
        if ours and theirs:
            ratios = [f"{theirs[k] / ours[k]:.1f}" for k in ("ms_batch_1", "ms_batch_8")]
            lines.append((*start, "times faster, batch 1; 8", "; ".join(ratios), ""))
    return Table(("row", "against", "score", "difference", "verdict"), tuple(lines)).markdown()


def temperatures(plan: Comparison, out: Path) -> dict[str, float]:
    """The temperature of each system that draws samples, from the first seed's model and validation images.

    Kept in ``temperatures.json``; see :func:`calibrated_temperature`.
    """

    def calibrated(pipe: Pipeline, row: Row, data: PairSource) -> dict[str, float]:
        return {"temperature": calibrated_temperature(pipe, row, data)}

    rows = _measured(plan, out / "temperatures.json", "validation", calibrated, first_seed=True)
    return {row["system"]: row["temperature"] for row in rows}


def band_spreads(plan: Comparison, out: Path) -> list[Result]:
    """:func:`spread_of_bands` of every row and seed that draws samples; kept in ``spreads.json``."""
    return _measured(plan, out / "spreads.json", "test", spread_of_bands)


def _measured(
    plan: Comparison,
    file: Path,
    split: str,
    measure: Callable[[Pipeline, Row, PairSource], dict[str, float]],
    first_seed: bool = False,
) -> list[Result]:
    """A measure of every trained row that draws samples; what ``file`` holds of the same model is not taken again."""
    kept = read_rows(file)
    known: dict[tuple[Any, ...], Result] = {tuple(r.get(name) for name in NAMES): r for r in kept}
    data, rows = images_of(plan, split), []
    for row in plan.rows:
        for seed in plan.seeds_of(row.system)[: 1 if first_seed else None]:
            folder = run_folder(file.parent, row.system, seed)
            model = model_hash(folder)
            if row.steps < 2 or not model:
                continue
            name = (row.system, row.steps, row.key(), seed, model)
            if name not in known:
                measures = measure(Pipeline.from_pretrained(folder / "model"), row, data)
                known[name] = dict(zip(NAMES, name, strict=True)) | measures
            rows.append(known[name])
            write_json(file, {"rows": rows})
    return rows


def spread_table(rows: Sequence[Result]) -> str:
    """Means over seeds, in Markdown."""
    if not rows:
        return ""
    bands = [key for key in rows[0] if key not in NAMES]
    seeds: dict[str, list[Result]] = {}
    for row in rows:
        seeds.setdefault(f"{row['system']}, {row['steps']} calls, {row['key']}", []).append(row)
    lines = [(name, *(f"{fmean(m[band] for m in members):.2f}" for band in bands)) for name, members in seeds.items()]
    return Table(("spread / residual", *bands), tuple(lines)).markdown()
