"""How a recipe was called, and how it ends: one line and an exit code, as the command line does."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from wavegen.errors import InputError


def run_command(main: Callable[[], None]) -> NoReturn:
    """Run ``main`` and exit: 0 done, 2 wrong input (one line), 130 interrupted. Bugs keep their traceback."""
    try:
        main()
    except InputError as error:
        print("error:", " ".join(str(error).split()), file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted; the same command continues", file=sys.stderr)
        sys.exit(130)
    sys.exit(0)


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
