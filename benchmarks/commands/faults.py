"""``wavegen bench faults``: kills and full disks."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from wavegen.cli.output import note

SIGNALS = ("SIGKILL", "SIGTERM", "SIGINT")
STARTS = 3  # tries in the first half second of a new interpreter


def faults(
    tries: Annotated[int, typer.Option(metavar="N", min=1, help="Random moments of each signal.")] = 20,
    sizes: Annotated[int, typer.Option(metavar="N", min=1, help="Sizes of the disk that fills up.")] = 6,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the moments.")] = 0,
    only: Annotated[
        str, typer.Option(metavar="TEXT", help="Only commands and faults whose names hold this.", show_default="all")
    ] = "",
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Where every try is kept; what is in it is not tried again.")
    ] = Path("docs/results/faults.json"),
) -> None:
    """Kill commands at random moments and fill their disks; then give the same command again, and compare its results.

    Linux alone; the disks are mounted in memory, which only root may do, and are left out elsewhere.
    """
    from benchmarks.faults.processes import warm_up
    from benchmarks.faults.table import about, table

    warm_up()
    records: list[dict[str, Any]] = json.loads(out.read_text())["tries"] if out.exists() else []
    memory = Path("/dev/shm")  # faster than a disk that has to keep what it is given
    with tempfile.TemporaryDirectory(prefix="wavegen-faults-", dir=memory if memory.is_dir() else None) as folder:
        for name, attempt in _attempts(Path(folder), seed, tries, sizes):
            if only not in " ".join(map(str, name)) or any(_name(record) == name for record in records):
                continue
            try:
                record = attempt()
            except PermissionError as error:
                note(f"left out: {' '.join(map(str, name))} ({error})")
                continue
            records.append(record)
            if any(record[column] for column in ("lost", "wrong", "left")):
                note(json.dumps(record))
            _keep(out, {"about": about(seed), "tries": records})
    print(table(records))


def _name(record: dict[str, Any]) -> tuple[str, str, bool, int]:
    return record["fault"], record["command"], bool(record.get("anew")), record["try"]


def _attempts(
    folder: Path, seed: int, tries: int, sizes: int
) -> Iterator[tuple[tuple[str, str, bool, int], Callable[[], dict[str, Any]]]]:
    """All tries, by name; round after round, so that a part of them is a part of every kind."""
    import signal
    from functools import partial

    from benchmarks.faults.cases import FILLED, KILLED, make_inputs
    from benchmarks.faults.processes import apart
    from benchmarks.faults.tries import Bench

    bench = Bench(folder, seed)
    apart(partial(make_inputs, bench.inputs))
    for case in FILLED:
        for index in range(sizes):
            yield ("full disk", case.name, False, index), partial(bench.fill, case, index, sizes)
    for index in range(tries):
        for case in (case for case in KILLED if index < (case.tries or tries)):
            for name in SIGNALS:
                number = signal.Signals[name]
                yield (name, case.name, False, index), partial(bench.kill, case, number, index)
                if index < STARTS and case.tries is None:
                    yield (name, case.name, True, index), partial(bench.kill, case, number, index, anew=True)


def _keep(file: Path, what: dict[str, Any]) -> None:
    from wavegen.core.files import write_text

    rows: Sequence[str] = [json.dumps(one) for one in what["tries"]]
    write_text(file, f'{{"about": {json.dumps(what["about"])},\n"tries": [\n' + ",\n".join(rows) + "\n]}\n")
