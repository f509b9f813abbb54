"""Pairs of image files on disk."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from wavegen.errors import InputError, near_matches
from wavegen.io import EXTENSIONS, image_shape, read_image
from wavegen.registry import register
from wavegen.types import Pair

SHOWN = 3  # offenders named in a message


@register("dataset", "pairs", "pairs of image files: two folders with equal names, or a table")
class Pairs(Dataset[Pair]):
    """Targets and inputs from files, float32 in the files' own units, in the order of their names.

    Give ``x`` and ``y``, or ``index``. All sizes are checked before the first item is asked for.

    Args:
        x: folder of targets (TIFF or PNG).
        y: folder of inputs; a pair has the same file name up to the extension.
        index: CSV file with the columns ``target`` and ``input`` (paths relative to the file);
            rows without an input are left out.
        split: keep the rows of the table whose ``split`` is this.
        dataset: keep the rows of the table whose ``dataset`` is this.

    Raises:
        InputError: missing or empty folders or tables, names without a partner, sizes or channel counts that differ
            within a pair, channel counts that differ between pairs.
    """

    def __init__(
        self,
        x: str | None = None,
        y: str | None = None,
        index: str | None = None,
        split: str | None = None,
        dataset: str | None = None,
    ) -> None:
        filters = {"split": split, "dataset": dataset}
        if index is not None and x is None and y is None:
            self.files = _from_table(Path(index), filters)
        elif index is None and x is not None and y is not None and not any(filters.values()):
            self.files = _from_folders(Path(x), Path(y))
        else:
            raise InputError("pairs needs x and y (two folders), or index (a table) with split and dataset")
        _check_shapes(self.files)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Pair:
        """Pair ``index``, each (C, H, W) float32."""
        target, source = (_finite(path) for path in self.files[index])
        return Pair(target, source)


def _finite(path: Path) -> torch.Tensor:
    """The pixels of a file, float32; NaN or infinity is refused here, where the file is known."""
    pixels = read_image(path).pixels.astype(np.float32)
    if not np.isfinite(pixels).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(pixels))[0])
        raise InputError(f"{path} holds NaN or infinite values, the first at {where}; replace them")
    return torch.from_numpy(pixels)


def _some(names: list[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _images(folder: Path) -> dict[str, Path]:
    """Image files of a folder by stem, sorted."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the folder that holds the images")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in EXTENSIONS or path.name.startswith("."):
            continue
        if path.stem in found:
            raise InputError(f"{folder}: {found[path.stem].name} and {path.name} share a name; keep one")
        found[path.stem] = path
    if not found:
        raise InputError(f"{folder} holds no images; expected files ending in {', '.join(EXTENSIONS)}")
    return found


def _from_folders(x: Path, y: Path) -> list[tuple[Path, Path]]:
    """(target, input) files with equal stems."""
    targets, inputs = _images(x), _images(y)
    for here, there, mine, others in ((x, y, targets, inputs), (y, x, inputs, targets)):
        alone = [path.name for stem, path in mine.items() if stem not in others]
        if alone:
            raise InputError(f"no partner in {there} for {_some(alone)} of {here}; names must be equal")
    return [(targets[stem], inputs[stem]) for stem in targets]


def _from_table(index: Path, filters: dict[str, str | None]) -> list[tuple[Path, Path]]:
    """(target, input) files of the rows that pass the filters."""
    try:
        with index.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot read the table {index}: {reason}; give a CSV file") from None
    wanted = ["input", "target", *(key for key, value in filters.items() if value is not None)]
    missing = [key for key in wanted if not rows or key not in rows[0]]
    if missing:
        raise InputError(f"{index} has no rows with {', '.join(missing)}; the first line names the columns")
    for key, value in filters.items():
        known = {row[key] or "" for row in rows} if value is not None else set()
        if value is not None and value not in known:
            raise InputError(f"{index}: no row with {key} = {value!r}; {near_matches(value, known)}")
        rows = [row for row in rows if value is None or row[key] == value]
    files = [(index.parent / r["target"], index.parent / r["input"]) for r in rows if r["input"] and r["target"]]
    if not files:
        raise InputError(f"{index}: no row with both an input and a target is left; change split or dataset")
    return files


def _check_shapes(files: list[tuple[Path, Path]]) -> None:
    """One size within a pair, one number of channels in all."""
    shapes = [(image_shape(x), image_shape(y)) for x, y in files]
    unequal = [f"{x.name} {a} and {y.name} {b}" for (x, y), (a, b) in zip(files, shapes, strict=True) if a != b]
    if unequal:
        raise InputError(f"target and input differ in (C, H, W): {_some(unequal)}; crop or resample them")
    channels = shapes[0][0][0]
    others = [f"{x.name} ({a[0]})" for (x, _), (a, _) in zip(files, shapes, strict=True) if a[0] != channels]
    if others:
        raise InputError(f"{files[0][0].name} has {channels} channel(s), unlike {_some(others)}")
