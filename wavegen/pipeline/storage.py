"""Trained pipelines on disk: where they are found, how they are written and read."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from torch import Tensor

from wavegen.bridges import lay_sampler
from wavegen.core.config import check
from wavegen.core.documents import read_json
from wavegen.core.errors import InputError, near_matches
from wavegen.core.files import write_text
from wavegen.core.tensors import check_numbers, check_state, read_tensors, write_tensors
from wavegen.core.versions import Format, unchanged
from wavegen.pipeline.config import PipelineConfig
from wavegen.version import __version__

SHIPPED = Path(__file__).parents[1] / "checkpoints"
# What the second package holds, to name it where it is not installed.
MODELS = "wavegen-models"
FORMAT = Format("a pipeline's configuration", (unchanged,))
NAMES = ("wavegen", "pipeline")
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


def read_config(folder: Path) -> PipelineConfig:
    """The configuration of a trained pipeline.

    Raises:
        InputError: the file is missing, is not JSON, is of a newer format, or holds unknown settings.
    """
    file = folder / "config.json"
    described = FORMAT.read(read_json(file, "copy the whole folder again"), file, NAMES)
    if "pipeline" not in described:
        raise InputError(f"{file} has no 'pipeline', so it is no pipeline's configuration; copy the whole folder again")
    whole: PipelineConfig = check(PipelineConfig, described["pipeline"], str(file))
    return whole


def read_weights(folder: Path, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a trained pipeline in float32, compared with the names and shapes that are ``wanted``.

    Raises:
        InputError: the file is missing or damaged, or a tensor is missing, unknown, of another shape, of a type that is
            not floating point, or not finite.
    """
    path = folder / "model.safetensors"
    tensors, _ = read_tensors(path)
    check_state(path, tensors, wanted)
    check_numbers(path, tensors)
    return {name: tensor.float() for name, tensor in tensors.items()}


def write(folder: Path, config: PipelineConfig, tensors: Mapping[str, Tensor], card: str | None) -> None:
    """Write ``config.json``, ``model.safetensors`` and the model card ``README.md``, each whole or not at all."""
    write_tensors(folder / "model.safetensors", tensors)
    _write_config(folder, __version__, config)
    write_text(folder / "README.md", card or f"# {config.name}\n\nA wavegen pipeline; no evaluation recorded.\n")


def _write_config(folder: Path, version: str, config: PipelineConfig) -> None:
    described = FORMAT.stamped({"wavegen": version, "pipeline": config.model_dump(mode="json")})
    write_text(folder / "config.json", json.dumps(described, indent=1) + "\n")


def configure_sampler(folder: Path, **settings: Any) -> None:
    """Change defaults of :meth:`Pipeline.restore` (of ``sampler``) in the folder of a trained pipeline.

    Raises:
        InputError: a setting that is unknown or out of range, or a folder that cannot be written; it is then as before.
    """
    file = folder / "config.json"
    config = read_config(folder).model_dump(mode="json")
    config["sampler"] = lay_sampler(config["sampler"], settings)
    version = read_json(file).get("wavegen", __version__)  # of the weights, which stay as they are
    _write_config(folder, version, check(PipelineConfig, config, str(file)))
