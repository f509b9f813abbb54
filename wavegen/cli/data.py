"""``wavegen data``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wavegen.cli.output import Json, note, print_json
from wavegen.cli.specs import data_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

SIMULATED = 8  # items of a simulated set that are checked
SOME_BAD = 3  # exit code
WORST = 5  # pairs whose scales are shown

data = typer.Typer(name="data", help="Check data before training on it.", no_args_is_help=True)
Filter = Annotated[
    str | None, typer.Option(metavar="NAME", help="Only rows of the table with this value.", show_default=False)
]


@data.callback()
def _data() -> None:
    """Check data before training on it."""


@data.command()
def check(
    where: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER|CSV|NAME,OPTION=VALUE",
            help="A folder (with index.csv, two folders of matching names, or images), a table, or a data set.",
        ),
    ],
    split: Filter = None,
    dataset: Filter = None,
    task: Filter = None,
    max_shift: Annotated[
        float, typer.Option(metavar="PIXELS", min=0, help="Pairs shifted by more than this are bad.")
    ] = 3.0,
    images: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Only the first N items.", show_default="all")
    ] = None,
    as_json: Json = False,
) -> None:
    """Report counts, shapes, types, ranges, saturation, alignment and intensity scales of pairs, and what to do.

    The exit code is 3 if an image cannot be read or is constant, or if a pair is shifted or unrelated.
    """
    from wavegen.inference.advice import advice, scales
    from wavegen.inference.check import summary

    records = []
    for record in _records(where, {"split": split, "dataset": dataset, "task": task}, max_shift, images):
        records.append(record)
        for remark in record.get("remarks", ()):
            note(remark)
        if record["bad"]:
            note(f"{record['name']}: {record['reason']}")
    report = summary(records) | {"intensity": scales(records), "advice": advice(records, max_shift)}
    if as_json:
        print_json({"summary": report, "items": records})
    else:
        _print(report, records)
        _print_scales(report, records)
        for line in report["advice"]:
            print(f"advice  {line}")
    if report["bad"]:
        note(f"{report['bad']} of {report['items']} are bad: {', '.join(r['name'] for r in records if r['bad'])}")
        raise typer.Exit(SOME_BAD)


def _records(
    where: str, filters: dict[str, str | None], max_shift: float, images: int | None
) -> Iterator[dict[str, Any]]:
    from wavegen.core.registry import build, names
    from wavegen.inference.check import check_items, check_pairs, items_of, items_of_dataset

    if where.split(",")[0] in names("dataset"):
        source = build("dataset", data_spec(where, None, None) | {k: v for k, v in filters.items() if v is not None})
        items = items_of_dataset(source)
        if items is None:
            yield from check_pairs(source, min(images or SIMULATED, len(source)), max_shift)
            return
    else:
        items = items_of(Path(where), **filters)
    yield from check_items(items[:images], max_shift)


def _print(report: dict[str, Any], records: list[dict[str, Any]]) -> None:
    """Print the summary, and the ten most shifted pairs among those shifted by more than half a pixel."""
    print(f"{report['items']} items: " + ", ".join(f"{n} {verdict}" for verdict, n in report["verdicts"].items()))
    for side in ("target", "input"):
        facts = report.get(side)
        if facts:
            shapes = ", ".join(f"{shape} ({n})" for shape, n in list(facts["shapes"].items())[:4])
            more = f" and {len(facts['shapes']) - 4} more" if len(facts["shapes"]) > 4 else ""
            print(f"{side:7} {facts['images']} images, {', '.join(facts['dtypes'])}, {shapes}{more}")
            print(
                f"        values {facts['low']:g} to {facts['high']:g}, {100 * facts['saturated']:.2f} % saturated "
                f"({facts['saturated_images']} images beyond 0.1 %), {facts['constant']} constant"
            )
    if "median_correlation" in report:
        middle, farthest = report["median_correlation"], report["largest_shift"]
        print(f"pairs   median correlation {middle:.3f}, largest shift {farthest:.1f} px")
    pairs = [(record["name"], record["alignment"]) for record in records if "alignment" in record]
    by_shift = sorted(pairs, key=lambda pair: -abs(complex(pair[1]["shift_y"], pair[1]["shift_x"])))
    for name, found in [pair for pair in by_shift if abs(complex(pair[1]["shift_y"], pair[1]["shift_x"])) > 0.5][:10]:
        print(
            f"        {name}: y {found['shift_y']:+.1f}, x {found['shift_x']:+.1f} px, correlation "
            f"{found['correlation']:.3f} ({found['corrected']:.3f} once moved), {found['verdict']}"
        )


def _print_scales(report: dict[str, Any], records: list[dict[str, Any]]) -> None:
    """Print how targets are scaled against their inputs, and the pairs whose scales differ most."""
    if not report["intensity"]:
        return
    print(f"scales  {report['intensity']['line']}")
    lined = [(max(record["intensity"], key=lambda line: line["gap"]), record["name"]) for record in records
             if "intensity" in record]  # fmt: skip
    for line, name in sorted(lined, key=lambda pair: -pair[0]["gap"])[:WORST] if len(lined) > 1 else []:
        print(
            f"        {name}: target = {line['gain']:.3g} input {line['offset']:+.3g}, correlation "
            f"{line['correlation']:.3f}, blur {line['blur']:.1f} px"
        )
