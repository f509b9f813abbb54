"""What a report says of one study: tables, fronts, differences, strips, and how it was made."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from wavegen.core.errors import InputError, near_matches
from wavegen.metrics.means import left_out_lines
from wavegen.reports.blocks import Block, Code, Heading, Picture, Table, Text, kept
from wavegen.reports.columns import Column, columns, ranked
from wavegen.reports.fronts import BATCHES, fronts, timed
from wavegen.reports.intervals import Difference, difference
from wavegen.reports.pareto_plot import draw
from wavegen.reports.study import Study
from wavegen.reports.tables import aggregate, label, number, table, with_spread_error

Result = dict[str, Any]
COST = ("nfe", "ms_batch_1", "ms_batch_8", "parameters", "minutes", "training_steps", "s", "s_over_v")
TRAINING = ("steps", "minutes", "batch", "crop", "optimizer", "learning_rate", "precision")


def groups(study: Study) -> list[tuple[int, list[Result]]]:
    """Aggregated rows by number of test images, most first: rows of other images do not compare."""
    rows = aggregate(study.rows, study.times, study.reference)
    counts = sorted({row["images"] for row in rows}, reverse=True)
    return [(count, [row for row in rows if row["images"] == count]) for count in counts]


def scores(study: Study) -> list[Block]:
    """A table of quality for each number of test images, and what its means leave out."""
    return [*(table(rows, COST) for _, rows in groups(study)), *_left_out(study)]


def _left_out(study: Study) -> list[Block]:
    """A paragraph for each row and set of images whose scores are not finite; the same for several seeds once."""
    lines = [f"{label(row)}: {line}." for row in study.rows for line in left_out_lines(row)]
    return [Text(line) for line in dict.fromkeys(lines)]


def costs(study: Study) -> list[Block]:
    """A table of times, sizes and training for each number of test images."""
    return [table(rows, [column.key for column in columns() if column.key not in COST]) for _, rows in groups(study)]


def front_tables(study: Study) -> list[Block]:
    """For each number of test images, the batches at which each row is on each front."""
    return [table for _, rows in _timed_groups(study) if (table := fronts(rows)).rows]


def _timed_groups(study: Study) -> list[tuple[int, list[Result]]]:
    """Groups in which trained systems have times: without those a front would be that of the classical methods."""
    return [
        (count, rows)
        for count, rows in groups(study)
        if any(row["steps"] and row.get(f"ms_batch_{batch}") for row in rows for batch in BATCHES)
    ]


def plots(study: Study) -> list[Block]:
    """Quality against time, for each number of test images and each batch that has two rows or more."""
    pictures: list[Block] = []
    for count, rows in _timed_groups(study):
        for batch in BATCHES:
            if len(timed(rows, batch)) < 2:
                continue
            file = f"{slug(study.name)}-pareto-{count}-images-batch-{batch}.png"
            alt = f"{study.name}: quality against time at batch {batch}, {count} images"
            pictures.append(Picture(file, alt, partial(draw, rows, batch), vector=True))
    return pictures


def differences(study: Study, against: str | None = None) -> list[Block]:
    """Each row less the row ``against``, over common seeds, by number of test images.

    ``against`` is a row as tables name it, by default the first of the rows with most seeds that are sampled; then
    rows of one common seed, which prove nothing, are left out.

    Raises:
        InputError: no row is called so.
    """
    tables: list[Block] = []
    by_images = groups(study)
    names = {label(row) for _, rows in by_images for row in rows}
    if against is not None and against not in names:
        raise InputError(f"no row {against!r} in {study.name}; {near_matches(against, names)}")
    all_rows = with_spread_error(study.rows, study.reference)
    for count, rows in by_images:
        candidates = [row for row in rows if (label(row) == against if against else row["steps"])]
        if candidates:
            base = max(candidates, key=lambda row: int(row["seeds"]))
            members = [row for row in all_rows if row["images"] == count]
            table = _difference_table(members, rows, base, least=1 if against else 2)
            tables += [table] if table.rows else []
    return tables


def _difference_table(members: Sequence[Result], rows: Sequence[Result], base: Result, least: int) -> Table:
    """The aggregated rows that share ``least`` seeds with ``base``, less that; ``members`` are the rows by seed."""
    seeds = {member["seed"] for member in members if label(member) == label(base)}
    base_by_seed = _by_seed(members, base, seeds)
    shown = [column for column in ranked("differences") if base.get(column.key) is not None]
    times = [key for key in COST if key.startswith("ms_") and base.get(key)]
    lines = []
    for row in (row for row in rows if row is not base):
        compared = _compare(_by_seed(members, row, seeds), base_by_seed, shown)
        common = max((result.seeds for result in compared if result), default=0)
        if common >= least:
            cells = [label(row), *map(_verdict, compared, shown), *(_times(row, base, key) for key in times)]
            lines.append((*cells, str(common)))
    return Table((f"less {label(base)}", *_titles(shown, times), "seeds"), tuple(lines))


def _titles(shown: Sequence[Column], times: Sequence[str]) -> list[str]:
    return [column.title for column in shown] + [f"time, batch {key.removeprefix('ms_batch_')}" for key in times]


def _compare(
    rows: Mapping[int, Result], base: Mapping[int, Result], shown: Sequence[Column]
) -> list[Difference | None]:
    """The difference of two sets of rows by seed, for each column."""
    return [difference(_values(rows, c.key), _values(base, c.key), bool(c.higher_is_better)) for c in shown]


def _by_seed(members: Sequence[Result], row: Result, seeds: Collection[int]) -> dict[int, Result]:
    """The rows of one seed each behind an aggregated row; a method without steps is the same at every seed."""
    if not row["steps"]:
        return dict.fromkeys(seeds, row)
    return {member["seed"]: member for member in members if label(member) == label(row)}


def _values(rows: Mapping[int, Result], key: str) -> dict[int, float]:
    return {seed: row[key] for seed, row in rows.items() if row.get(key) is not None}


def _verdict(result: Difference | None, column: Column) -> str:
    if result is None:
        return "–"
    half = "" if result.half is None else f" ± {number(result.half * column.factor, column.form)}"
    return f"{result.mean * column.factor:+{column.form}}{half} {result.verdict}"


def _times(row: Result, base: Result, key: str) -> str:
    """How many times as long a row takes."""
    if row["system"] == "input" or not row.get(key):
        return "–"
    ratio = row[key] / base[key]
    return f"{ratio:.{2 if ratio < 10 else 1 if ratio < 100 else 0}f}×"


def strips(study: Study) -> list[Block]:
    """The same images under several systems, where the runs drew them."""
    return [
        Picture(
            f"{slug(study.name)}-images{n or ''}.png", f"{study.name}: test images", partial(kept, strip.read_bytes())
        )
        for n, strip in enumerate(study.strips)
    ]


def made_by(study: Study) -> list[Block]:
    """The command, machine, versions, date, seeds and data of each run."""
    blocks: list[Block] = []
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
        blocks.append(Code(record.get("command") or "# the command was not recorded", "sh"))
        blocks.append(Table(("made with", ""), tuple((k, str(v)) for k, v in facts.items() if v)))
    return blocks


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
    """All parts, those that a study can fill, with headings and a legend."""
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
    for title, content, text in parts:
        if content:
            blocks += [Heading(title), *([Text(text)] if text else []), *content]
        if title == "Scores":
            blocks += legend(study)
    return blocks
