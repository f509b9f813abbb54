"""What a report says of one study: tables, fronts, differences, strips, and how it was made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from wavegen.core.errors import InputError, near_matches
from wavegen.reports.blocks import Block, Code, Heading, Picture, Table, Text
from wavegen.reports.columns import Column, columns, shown_in
from wavegen.reports.intervals import Difference, difference
from wavegen.reports.pareto_plot import BATCHES, draw, fronts, timed
from wavegen.reports.study import Study
from wavegen.reports.tables import aggregate, label, number, table, with_spread_error

Result = dict[str, Any]
COST = ("nfe", "ms_batch_1", "ms_batch_8", "parameters", "minutes", "training_steps", "s", "s_over_v")
TRAINING = ("steps", "minutes", "batch", "crop", "learning_rate", "precision")


def groups(study: Study) -> list[tuple[int, list[Result]]]:
    """Aggregated rows by number of test images, most first: rows of other images do not compare."""
    rows = aggregate(study.rows, study.times, study.reference)
    counts = sorted({row["images"] for row in rows}, reverse=True)
    return [(count, [row for row in rows if row["images"] == count]) for count in counts]


def scores(study: Study) -> list[Block]:
    """A table of quality for each number of test images."""
    return [table(rows, COST) for _, rows in groups(study)]


def costs(study: Study) -> list[Block]:
    """A table of times, sizes and training for each number of test images."""
    return [table(rows, [column.key for column in columns() if column.key not in COST]) for _, rows in groups(study)]


def front_tables(study: Study) -> list[Block]:
    """For each number of test images, the batches at which each row is on each front."""
    made = [fronts(rows) for _, rows in _timed_groups(study)]
    return [Table(head, cells) for head, cells in made if cells]


def _timed_groups(study: Study) -> list[tuple[int, list[Result]]]:
    """Groups in which trained systems have times: without those a front would be that of the classical methods."""
    return [
        (count, rows)
        for count, rows in groups(study)
        if any(row["steps"] and row.get(f"ms_batch_{batch}") for row in rows for batch in BATCHES)
    ]


def plots(study: Study) -> list[Block]:
    """Quality against time, for each number of test images and each batch that has two rows or more."""
    made: list[Block] = []
    for count, rows in _timed_groups(study):
        for batch in BATCHES:
            if len(timed(rows, batch)) < 2:
                continue
            file = f"{slug(study.name)}-pareto-{count}-images-batch-{batch}.png"
            alt = f"{study.name}: quality against time at batch {batch}, {count} images"
            made.append(Picture(file, alt, draw(rows, batch), draw(rows, batch, "svg").decode()))
    return made


def differences(study: Study, against: str | None = None) -> list[Block]:
    """Each row less the row ``against``, over common seeds, by number of test images.

    ``against`` is a row as tables name it, by default the first of the rows with most seeds that are sampled; then
    rows of one common seed, which prove nothing, are left out.

    Raises:
        InputError: no row is called so.
    """
    made: list[Block] = []
    found = groups(study)
    if against is not None and not any(label(row) == against for _, rows in found for row in rows):
        raise InputError(
            f"no row {against!r} in {study.name}; "
            + near_matches(against, {label(row) for _, rows in found for row in rows})
        )
    for count, rows in found:
        sampled = [row for row in rows if row["steps"]]
        named = [row for row in rows if label(row) == against] if against else sampled
        if named and len(rows) > 1:
            base = max(named, key=lambda row: int(row["seeds"]))
            table = _differences(study, count, rows, base, 1 if against else 2)
            made += [table] if table.rows else []
    return made


def _differences(study: Study, count: int, rows: Sequence[Result], base: Result, least: int) -> Table:
    """The rows that have ``least`` seeds in common with ``base``, less that."""
    members = [row for row in with_spread_error(study.rows, study.reference) if row["images"] == count]
    seeds = {m["seed"] for m in members if label(m) == label(base)}

    def by_seed(row: Result, key: str) -> dict[int, float]:
        if not row["steps"]:  # nothing is drawn: the same at every seed
            return {seed: row[key] for seed in seeds if row.get(key) is not None}
        return {m["seed"]: m[key] for m in members if label(m) == label(row) and m.get(key) is not None}

    shown = [
        column
        for column in shown_in("differences")
        if column.higher_is_better is not None and base.get(column.key) is not None
    ]
    times = [key for key in COST if key.startswith("ms_") and base.get(key)]
    lines = []
    for row in rows:
        if row is base:
            continue
        scored = [difference(by_seed(row, c.key), by_seed(base, c.key), bool(c.higher_is_better)) for c in shown]
        common = max((found.seeds for found in scored if found), default=0)
        if common < least:
            continue
        cells = [label(row), *map(_verdict, scored, shown)]
        lines.append((*cells, *(_times(row, base, key) for key in times), str(common)))
    titles = [column.title for column in shown] + [f"time, batch {key.removeprefix('ms_batch_')}" for key in times]
    return Table((f"less {label(base)}", *titles, "seeds"), tuple(lines))


def _verdict(found: Difference | None, column: Column) -> str:
    if found is None:
        return "–"
    half = "" if found.half is None else f" ± {number(found.half * column.factor, column.form)}"
    return f"{found.mean * column.factor:+{column.form}}{half} {found.verdict}"


def _times(row: Result, base: Result, key: str) -> str:
    """How many times as long a row takes."""
    if row["system"] == "input" or not row.get(key):
        return "–"
    ratio = row[key] / base[key]
    return f"{ratio:.{2 if ratio < 10 else 1 if ratio < 100 else 0}f}×"


def strips(study: Study) -> list[Block]:
    """The same images under several systems, where the runs drew them."""
    return [
        Picture(f"{slug(study.name)}-images{n or ''}.png", f"{study.name}: test images", strip.read_bytes())
        for n, strip in enumerate(study.strips)
    ]


def made_by(study: Study) -> list[Block]:
    """The command, machine, versions, date, seeds and data of each run."""
    made: list[Block] = []
    for record in study.about:
        plan = record["plan"]
        seeds = sorted({row["seed"] for row in study.rows if row["steps"]})
        facts = {
            "date": record.get("date"),
            "machine": f"{record.get('machine')}, {record.get('threads')} thread(s)",
            "versions": f"wavegen {record.get('wavegen')}, torch {record.get('torch')}, Python {record.get('python')}",
            "data": _compact(plan.get("data")),
            "test": _compact(plan.get("test") or "the test split of the data"),
            "scale of scores": plan.get("scale"),
            "training": _compact({k: v for k, v in plan.get("training", {}).items() if k in TRAINING}),
            "seeds": ", ".join(map(str, seeds)),
        }
        made.append(Code(record.get("command") or "# the command was not recorded", "sh"))
        made.append(Table(("made with", ""), tuple((k, str(v)) for k, v in facts.items() if v)))
    return made


def _compact(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def legend(study: Study) -> list[Block]:
    """How to read the tables."""
    ratio = f"the error of {study.reference}" if study.reference else "the error of the mean (spread/skill)"
    return [
        Text(
            "Means over seeds; ± is half of Student's 95 % interval of the mean, where there are two or more seeds. "
            "Scores are for one draw. KID uses EfficientNet-Lite0 features; LSD is the error of the radial power "
            "spectrum; spread is the rms standard deviation over draws; spread error is the absolute logarithm of "
            f"spread over {ratio}; 0 is ideal. Times (ms) are per image on one thread, the median of several runs; "
            "for methods without training, those of scoring."
        )
    ]


ON_FRONTS = (
    "A row is on the front if no other row is at least as fast and as good, and faster or better. Fronts use means "
    "over seeds and measured times. A column with several scores considers all of them together with time; a missing "
    "score counts as the worst; the fastest row is on every front. Filled points are on the front, better is up, and "
    "numbers are steps; the axes span the trained systems."
)
ON_DIFFERENCES = (
    "Row minus reference, seed by seed over the common seeds, with Student's 95 % interval of each difference (not "
    "corrected for the number of comparisons); rows with only one common seed are left out. The verdict is about the "
    "row; no difference means that zero lies within the interval. Time is the row's over the reference's."
)


def slug(name: str) -> str:
    """A name for files."""
    return "-".join("".join(c if c.isalnum() or c in "._-" else " " for c in name).split())


def report(study: Study, against: str | None = None) -> list[Block]:
    """All of it."""
    counts = sorted({row["images"] for row in study.rows}, reverse=True)
    seeds = sorted({row["seed"] for row in study.rows})
    several = [f"{n} {word}{'s' * (n > 1)}" for n, word in ((len(seeds), "seed"), (len(study.rows), "row"))]
    blocks: list[Block] = [Heading(study.name, 1)]
    blocks.append(Text(f"{' and '.join(map(str, counts))} test images, {', '.join(several)}."))
    parts: list[tuple[str, list[Block], str]] = [
        ("Scores", scores(study), ""),
        ("Cost", costs(study), ""),
        ("Fronts of quality and time", [*front_tables(study), *plots(study)], ON_FRONTS),
        ("Differences", differences(study, against), ON_DIFFERENCES),
        ("Images", strips(study), ""),
        ("How it was made", made_by(study), ""),
    ]
    for title, made, text in parts:
        if made:
            blocks += [Heading(title), *([Text(text)] if text else []), *made]
        if title == "Scores":
            blocks += legend(study)
    return blocks
