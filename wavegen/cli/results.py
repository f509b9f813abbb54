"""Where a command writes: checked before the work, and kept from other runs until the command ends."""

from __future__ import annotations

from pathlib import Path

import typer


def reserve(context: typer.Context, folder: Path, what: str) -> None:
    """Make a folder for results and keep it for this run; ``what`` names the results, such as ``evaluation``.

    Raises:
        InputError: it cannot be written, or another run is writing the same there.
    """
    from wavegen.core.files import exclusive
    from wavegen.inference.files import check_writable

    check_writable(folder)
    context.with_resource(exclusive(folder / f".{what}.lock", f"the {what} in {folder}"))
