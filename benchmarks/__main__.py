"""``python -m benchmarks NAME``: the benchmarks by name."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

import typer

from benchmarks.commands.budgets import budgets
from benchmarks.commands.degradations import degradations
from benchmarks.commands.faults import faults
from benchmarks.commands.filters import filters
from benchmarks.commands.fuzz import fuzz
from benchmarks.commands.matching import matching
from benchmarks.commands.memory import memory
from benchmarks.commands.peers import peers
from benchmarks.commands.processes import processes
from benchmarks.commands.restore import restore
from benchmarks.commands.round_trip import round_trip
from benchmarks.commands.stacks import stacks
from benchmarks.commands.steps import networks, steps
from benchmarks.commands.train import train
from benchmarks.commands.transforms import transforms

app = typer.Typer(
    name="bench",
    help="Measure parts of the package against references.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(budgets)
app.command()(degradations)
app.command()(filters)
app.command()(fuzz)
app.command()(faults)
app.command("io")(stacks)
app.command()(matching)
app.command()(memory)
app.command()(networks)
app.command()(peers)
app.command()(processes)
app.command()(restore)
app.command("round-trip")(round_trip)
app.command()(steps)
app.command()(train)
app.command()(transforms)


def run(arguments: Sequence[str], name: str = "bench") -> None:
    """Run one benchmark with the options of its command line.

    Raises:
        InputError: options or data that it refuses.
    """
    app(list(arguments) or ["--help"], prog_name=name, standalone_mode=False)


def main(arguments: Sequence[str]) -> NoReturn:
    """Run one benchmark and exit, as ``wavegen bench`` does."""
    from wavegen.cli import main as wavegen

    wavegen(["bench", *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
