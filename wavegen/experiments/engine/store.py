"""Which rows of which runs have been scored: each run keeps its own scores beside its model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wavegen.data import is_simulator
from wavegen.experiments.engine.keys import fingerprint
from wavegen.experiments.spec.comparison import Comparison, Row
from wavegen.experiments.spec.folders import Result, digest, model_hash, read_json, run_folder, safe_name, write_json
from wavegen.experiments.spec.images import images_of
from wavegen.metrics.catalogue import outside
from wavegen.version import __version__

DAMAGED = "delete it to have its run scored again: the training beside it is kept"
UNSCORED = {"system", "first_seed_only", "varied"}  # what of a row changes no score


@dataclass(frozen=True)
class Judge:
    """A comparison with the images that judge it; ``on`` is their hash, part of the key of every score."""

    plan: Comparison
    split: str
    on: str


def judge_of(plan: Comparison, split: str) -> Judge:
    """The judge of a split.

    Raises:
        InputError: images that cannot be had.
    """
    spec = plan.data if is_simulator(plan.data) else plan.test
    images = fingerprint(images_of(plan.model_copy(update={"levels": 0}), split))
    what = {"data": spec, "split": split, "size": plan.size, "scale": plan.scale, "levels": plan.levels, **images}
    if more := outside():  # of the standard metrics the version tells
        what["metrics"] = more
    return Judge(plan, split, digest({**what, "version": __version__}))


def score_key(judge: Judge, row: Row, model: str) -> str:
    """Under which a row's scores are kept."""
    images = row.images or judge.plan.test_images
    return digest({**row.model_dump(mode="json", exclude=UNSCORED), "images": images, "model": model, "on": judge.on})


def classical_key(judge: Judge, name: str) -> str:
    """Under which a method's scores are kept; it is tuned on other images than it is judged on."""
    plan = judge.plan
    return digest({"name": name, "images": plan.test_images, "known": plan.known, "tuned": plan.data, "on": judge.on})


def scores_file(out: Path, judge: Judge, system: str, seed: int | None) -> Path:
    """Where the scores of a run, or of a classical method (no seed), are kept."""
    name = "scores.json" if judge.split == "test" else f"scores-{judge.split}.json"
    return out / "classical" / safe_name(system) / name if seed is None else run_folder(out, system, seed) / name


def read_scores(file: Path) -> dict[str, Result]:
    """Scores by their keys; none where nothing is scored.

    Raises:
        InputError: a damaged file.
    """
    return read_json(file, DAMAGED)


def keep_score(file: Path, key: str, scores: Mapping[str, Any]) -> None:
    """Add the scores of one row to a run's file."""
    write_json(file, {**read_scores(file), key: dict(scores)})


def unscored(out: Path, judge: Judge, system: str, seed: int) -> list[Row]:
    """The rows of a run that have no scores yet; all where it is not trained."""
    model = model_hash(run_folder(out, system, seed))
    rows = judge.plan.rows_of(system, seed)
    if not model:
        return rows
    known = read_scores(scores_file(out, judge, system, seed))
    return [row for row in rows if score_key(judge, row, model) not in known]


def gather(out: Path, judge: Judge) -> list[Result]:
    """All scores that there are, in the order of the comparison: classical methods, then rows, then seeds.

    Raises:
        InputError: a damaged file of scores.
    """
    rows = []
    for name in judge.plan.classical:
        scores = read_scores(scores_file(out, judge, name, None)).get(classical_key(judge, name))
        rows += [scores] if scores is not None else []
    known: dict[Path, dict[str, Result]] = {}
    for row in judge.plan.rows:
        for seed in judge.plan.seeds_of(row.system)[: 1 if row.first_seed_only else None]:
            file = scores_file(out, judge, row.system, seed)
            if file not in known:
                known[file] = read_scores(file)
            scores = known[file].get(score_key(judge, row, model_hash(file.parent)))
            rows += [{**scores, "system": row.system, **row.varied}] if scores is not None else []
    return rows
