"""The command line of a recipe: shared options, and one line and an exit code at its end."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NoReturn

from wavegen.core.errors import InputError
from wavegen.core.memory import keep_freed_memory
from wavegen.core.terminal import print_anything

BUDGET = "processor minutes of training per system"


def run_command(main: Callable[[], object]) -> NoReturn:
    """Run ``main`` and exit: 0 done, 2 wrong input (one line), 130 interrupted. Bugs keep their traceback."""
    keep_freed_memory()
    print_anything()
    try:
        main()
    except InputError as error:
        print("error:", " ".join(str(error).split()), file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted; the same command continues", file=sys.stderr)
        sys.exit(130)
    sys.exit(0)


def one_or_more(text: str) -> int:
    """An option that counts something."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number of 1 or more")
    return int(text)


def above_zero(text: str) -> float:
    """An option that is an amount of something."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r}: give a number above 0")
    return value


def recipe_options(
    doc: str | None,
    profiles: Sequence[str],
    data: Sequence[str] = (),
    *,
    minutes: float | None = None,
    seeds: int | None = None,
    budget: str = BUDGET,
    split: str = "test",
    more: Collection[str] = (),
) -> argparse.ArgumentParser:
    """The options that recipes share: ``--preset`` and ``--out`` always, the others where a recipe uses them.

    Args:
        doc: the recipe's own text, shown by ``--help``.
        profiles: choices of ``--preset``; the first is the default.
        data: choices of ``--data``; the first is the default.
        minutes: default of ``--minutes``.
        seeds: default of ``--seeds``; None leaves the option out.
        budget: help of ``--minutes``; empty leaves the option out.
        split: default of ``--split``.
        more: of ``root``, ``jobs``, ``workers``, ``export``, ``split``, ``only``.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", dest="profile", choices=profiles, default=profiles[0], help="how much is done")
    if data:
        parser.add_argument("--data", choices=data, default=data[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the results; what is done there is kept")
    if budget:
        parser.add_argument("--minutes", type=above_zero, default=minutes, help=budget)
    if seeds is not None:
        parser.add_argument("--seeds", type=one_or_more, default=seeds, help="trainings of each system, by seed")
    if "root" in more:
        parser.add_argument("--root", type=Path, default=Path(), help="folder of the real images (default: this one)")
    if "jobs" in more:
        parser.add_argument("--jobs", type=one_or_more, default=2, help="trainings side by side, one thread each")
    if "workers" in more:
        parser.add_argument("--workers", type=one_or_more, default=2, help="trainings side by side, one thread each")
        parser.add_argument("--scheduler", default="local", help="local, or the address of a Dask scheduler")
    if "split" in more:
        parser.add_argument("--split", choices=["validation", "test"], default=split, help="images to judge on")
    if "only" in more:
        parser.add_argument("--only", help="train and judge these systems only; commas or semicolons between names")
    if "export" in more:
        parser.add_argument("--export", type=Path, help="folder that the ship preset writes its checkpoint to")
    return parser
