"""How a recipe ends: one line and an exit code, as the command line does."""

from __future__ import annotations

import sys
from collections.abc import Callable
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
