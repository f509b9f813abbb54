"""Learned bases as files: a specification with its angles or steps, and its provenance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from wavegen.core.documents import read_json
from wavegen.core.errors import InputError
from wavegen.core.files import write_text
from wavegen.core.registry import build, register, validate
from wavegen.core.versions import Format, unchanged
from wavegen.transforms.learning.lattice import Lattice
from wavegen.transforms.learning.lifting import Lifting

SHIPPED = Path(__file__).parent / "bases"
FORMAT = Format("a learned basis", (unchanged,))
NAMES = ("transform", "made")
KINDS = ("lattice", "lifting")


def save_basis(path: str | Path, spec: Mapping[str, Any], provenance: Mapping[str, Any] | None = None) -> None:
    """Write a basis as JSON: its specification (of kind ``lattice`` or ``lifting``) and its provenance.

    Raises:
        InputError: the specification is not that of a learned basis, or the file cannot be written.
    """
    _check(spec, "a basis to save")
    whole = FORMAT.stamped({"transform": dict(spec), "made": dict(provenance or {})})
    write_text(Path(path), json.dumps(whole, indent=1) + "\n")


def read_basis(basis: str | Path) -> dict[str, Any]:
    """The specification in a file that :func:`save_basis` wrote, or of a shipped basis by its name.

    Raises:
        InputError: no such file or name, or the file holds no learned basis.
    """
    path = Path(basis) if str(basis).endswith(".json") else SHIPPED / f"{basis}.json"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in SHIPPED.glob("*.json")))
        raise InputError(f"no learned basis {str(basis)!r}; give a .json file or {known}")
    return _check(FORMAT.read(read_json(path, "save it again"), path, NAMES).get("transform"), str(path))


def _check(spec: Any, where: str) -> dict[str, Any]:
    if not isinstance(spec, Mapping) or spec.get("name") not in KINDS:
        raise InputError(f"{where}: expected a specification named lattice or lifting with its angles or steps")
    if not spec.get("angles" if spec["name"] == "lattice" else "steps"):
        raise InputError(f"{where}: a {spec['name']} lacks its {'angles' if spec['name'] == 'lattice' else 'steps'}")
    validate("transform", spec)
    return dict(spec)


def resolved(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A transform's specification with ``learned`` replaced by the contents of its file.

    Raises:
        InputError: as :func:`read_basis`, or a wrong option.
    """
    if spec.get("name") != "learned":
        return dict(spec)
    _, options = validate("transform", spec)
    return read_basis(options["basis"]) | {"levels": options["levels"], "train": options["train"]}


@register(
    "transform",
    "learned",
    "a basis learned by wavegen learn-basis, from its file",
    capabilities=("trainable",),
)
def learned(
    basis: str = "hela", levels: Annotated[int, Field(ge=1, le=8)] = 2, train: bool = False
) -> Lattice | Lifting:
    """A learned basis, from a JSON file or by the name of a shipped one.

    A pipeline stores the angles or steps themselves in its configuration, so that a saved pipeline needs no other file.

    Args:
        basis: a file that :func:`save_basis` wrote, ending in ``.json``, or the name of a shipped basis.
        levels: number of levels; need not be the number that the basis was learned for.
        train: whether it is trained further together with the pipeline.

    Raises:
        InputError: as :func:`read_basis`.
    """
    transform: Lattice | Lifting = build("transform", resolved({"name": "learned", "basis": basis, "levels": levels}))
    return transform.requires_grad_(train)
