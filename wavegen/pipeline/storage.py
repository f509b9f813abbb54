"""Where trained pipelines are found: a folder, the package, or (only if named as owner/name) the hub."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from wavegen.core.errors import InputError, near_matches

SHIPPED = Path(__file__).parents[1] / "checkpoints"


def shipped() -> list[str]:
    """Names of the checkpoints inside the package."""
    return sorted(p.parent.name for p in SHIPPED.glob("*/config.json"))


def locate(where: str | Path) -> Path:
    """The folder of a trained pipeline.

    Raises:
        InputError: no such folder or name, or the hub cannot be reached.
    """
    if Path(where).is_dir():
        return Path(where)
    name = str(where)
    if name in shipped():
        return SHIPPED / name
    # An owner that is a folder here is a mistyped path, not a name on the hub.
    if re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w.-]+", name) and not Path(name).parent.exists():
        return _from_hub(name)
    raise InputError(
        f"no trained pipeline {name!r}: neither a folder nor a shipped name; {near_matches(name, shipped())}"
    )


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download

    print(f"wavegen: looking for {name} on the Hugging Face hub", file=sys.stderr)
    try:
        return Path(snapshot_download(name, allow_patterns=["config.json", "model.safetensors", "README.md"]))
    except Exception as error:  # the hub client raises many kinds; all mean "not to be had"
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"no folder {name!r}, and the hub did not give it ({first}); shipped: {', '.join(shipped())}"
        ) from None
