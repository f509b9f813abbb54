"""How a recipe was called, and how it ends: one line and an exit code, as the command line does."""

from __future__ import annotations

import argparse
import math
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from wavegen.core.errors import InputError
from wavegen.core.memory import keep_freed_memory


def run_command(main: Callable[[], None]) -> NoReturn:
    """Run ``main`` and exit: 0 done, 2 wrong input (one line), 130 interrupted. Bugs keep their traceback."""
    keep_freed_memory()
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


def command_line() -> str:
    """The command of this process, to be given again from the same folder."""
    program = Path(sys.argv[0])
    if program.name == "__main__.py":
        start = ["python", "-m", *(["wavegen.cli"] if program.parent.name == "cli" else [program.parent.name])]
    elif program.suffix == ".py":
        start = ["python", str(program)]
    else:
        start = [program.name]
    return shlex.join([*start, *sys.argv[1:]])
