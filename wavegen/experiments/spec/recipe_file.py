"""A recipe's YAML file, laid on the file of common settings that it extends."""

from __future__ import annotations

from pathlib import Path

from wavegen.core.config import Spec, check, merge
from wavegen.core.documents import read_yaml
from wavegen.core.errors import InputError, near_matches
from wavegen.core.guard import guarded
from wavegen.experiments.spec.recipe import Recipe

COMMON = "common"  # folder beside the recipes, of what several share


def read_recipe(file: Path) -> Recipe:
    """A recipe from its YAML file; ``extends`` names a file of ``common/`` beside it that it is laid on.

    Raises:
        InputError: no such file, an unknown key, a wrong value.
    """
    if not file.is_file():
        known = sorted(path.stem for path in file.parent.glob("*.yaml"))
        raise InputError(f"there is no recipe {file.stem!r} in {file.parent}; {near_matches(file.stem, known)}")
    text = guarded(file, lambda path: path.read_text(encoding="utf-8"), "not a text file", "correct it there")
    comment = [line for line in text.split("\n\n\n")[0].splitlines() if line.startswith("#")]
    about = "\n".join(line.removeprefix("#").removeprefix(" ") for line in comment)
    recipe: Recipe = check(Recipe, {"name": file.stem, "about": about, **_merged(file)}, file.name)
    return recipe


def _merged(file: Path) -> Spec:
    if not file.is_file():
        raise InputError(f"there is no {file}, which a recipe extends")
    values = read_yaml(file)
    if not isinstance(values, dict):
        raise InputError(f"{file}: expected options by name")
    base = values.pop("extends", None)
    folder = file.parent if file.parent.name == COMMON else file.parent / COMMON
    return merge(_merged(folder / f"{base}.yaml"), values) if base else values
