"""Where trained pipelines are found: a folder, an installed package, or (only if named as owner/name) the hub."""

from __future__ import annotations

import re
import sys
from importlib.util import find_spec
from pathlib import Path

from wavegen.core.errors import InputError, near_matches

SHIPPED = Path(__file__).parents[1] / "checkpoints"
# What the second package holds, to name it where it is not installed.
MODELS = "wavegen-models"
IN_MODELS = ("deblur-hela", "denoise-hela")


def shipped() -> list[str]:
    """Names of the trained pipelines that need no download: those of this package and of ``wavegen-models``."""
    return sorted(_folders())


def shipped_folder(name: str) -> Path:
    """The folder of a shipped pipeline.

    Raises:
        InputError: none of that name is installed.
    """
    found = _folders()
    if name in found:
        return found[name]
    if name in IN_MODELS:
        raise InputError(
            f"the trained pipeline {name!r} comes with another package; run: pip install {MODELS} "
            "(or, in a clone of wavegen: pip install ./models), or give a folder, or owner/name on the Hugging Face hub"
        )
    raise InputError(
        f"no trained pipeline {name!r}: neither a folder nor a shipped name; {near_matches(name, {*found, *IN_MODELS})}"
    )


def locate(where: str | Path) -> Path:
    """The folder of a trained pipeline.

    Raises:
        InputError: no such folder or name, or the hub cannot be reached.
    """
    if Path(where).is_dir():
        return Path(where)
    name = str(where)
    # An owner that is a folder here is a mistyped path, not a name on the hub.
    if re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w.-]+", name) and not Path(name).parent.exists():
        return _from_hub(name)
    return shipped_folder(name)


def _folders() -> dict[str, Path]:
    """Every shipped pipeline by name; those inside this package come first."""
    found: dict[str, Path] = {}
    for place in (SHIPPED, *_models()):
        for config in sorted(place.glob("*/config.json")):
            found.setdefault(config.parent.name, config.parent)
    return found


def _models() -> list[Path]:
    """Folders of the second package: in a clone of the repository, and where it is installed."""
    beside = Path(__file__).parents[2] / "models" / "wavegen_models"
    spec = find_spec("wavegen_models")  # which does not import it
    return [beside, *map(Path, (spec.submodule_search_locations or []) if spec else [])]


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
