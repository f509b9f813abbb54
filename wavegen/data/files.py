"""What all data sets of files share: finding them, reading them, and saying what does not fit."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from wavegen.core.errors import InputError, near_matches
from wavegen.core.types import Pair
from wavegen.data.base import PairDataset
from wavegen.io import EXTENSIONS, Header, image_header, read_image, read_mrc
from wavegen.io.mrc import mrc_header

SHOWN = 3  # offenders named in a message
Shape = tuple[int, int, int]
Files = list[tuple[Path, Path]]
Grid = Literal["equal", "target", "input"]


class FilePairs(PairDataset):
    """Targets and inputs from files, float32 in the files' own units. Everything is checked from the headers first.

    Args:
        files: (target, input) of each pair.
        grid: ``equal`` wants one size within a pair. Else an input that is smaller by a whole factor is enlarged to
            the ``target``'s grid (bicubic), or the target is averaged over blocks to the ``input``'s.

    Raises:
        InputError: unreadable files; sizes or channel counts that differ within a pair, channel counts or dtypes
            that differ between pairs.
    """

    def __init__(self, files: Files, grid: Grid = "equal") -> None:
        self.files = files
        self.grid = grid
        self.shapes = checked_shapes(files, grid)
        self.channels = self.shapes[0][0]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Pair:
        """Pair ``index``, each (C, H, W) float32."""
        target, source = (finite(path) for path in self.files[index])
        if self.grid == "target":
            source = enlarged(source, (target.shape[-2], target.shape[-1]))
        elif self.grid == "input":
            factor = target.shape[-1] // source.shape[-1]
            target = F.avg_pool2d(target[None], factor)[0]
        return Pair(target, source)


def read_pixels(path: Path) -> NDArray[Any]:
    """(C, H, W) of an image, of a 2-D ``.npy`` array, or of an ``.mrc`` file, whose sections are averaged.

    The average of a structured-illumination series is the widefield image.

    Raises:
        InputError: the file cannot be read.
    """
    if path.suffix.lower() == ".mrc":
        mean: NDArray[Any] = read_mrc(path).mean(axis=0, dtype=np.float64)
        return mean.astype(np.float32)[None]
    if path.suffix.lower() == ".npy":
        found = np.array(_array(path))
        return found[None] if found.dtype in (np.uint8, np.uint16) else found.astype(np.float32)[None]
    return read_image(path).pixels


def pixel_header(path: Path) -> Header:
    """Shape and dtype that :func:`read_pixels` would give."""
    if path.suffix.lower() == ".mrc":
        return Header((1, *mrc_header(path).shape[1:]), np.dtype(np.float32))
    if path.suffix.lower() == ".npy":
        found = _array(path)
        dtype = found.dtype if found.dtype in (np.uint8, np.uint16) else np.dtype(np.float32)
        return Header((1, *found.shape), dtype)
    return image_header(path)


def _array(path: Path) -> NDArray[Any]:
    """A 2-D array, mapped."""
    try:
        found: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"cannot read {path}: missing, damaged or not a .npy array ({error})") from None
    if found.ndim != 2:
        raise InputError(f"cannot read {path}: shape {found.shape}, expected (H, W)")
    return found


def finite(path: Path) -> Tensor:
    """The pixels of a file, float32; NaN or infinity is refused here, where the file is known."""
    pixels = read_pixels(path).astype(np.float32)
    if not np.isfinite(pixels).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(pixels))[0])
        raise InputError(f"{path} holds NaN or infinite values, the first at {where}; replace them")
    return torch.from_numpy(pixels)


def enlarged(image: Tensor, size: tuple[int, int]) -> Tensor:
    """(C, h, w) on a finer grid by bicubic interpolation with a = -0.5, as Pillow's and MATLAB's."""
    if tuple(image.shape[-2:]) == size:
        return image
    # torch's own kernel has a = -0.75; only with antialias, which changes nothing when enlarging, it is -0.5.
    return F.interpolate(image[None], size, mode="bicubic", antialias=True)[0]


def some(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def images_of(
    folder: Path, extensions: Collection[str] = EXTENSIONS, key: Callable[[str], str] = str
) -> dict[str, Path]:
    """Image files of a folder by ``key`` of their stem, sorted.

    Raises:
        InputError: no such folder, no images in it, or two of one key.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the folder that holds the images")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in extensions or path.name.startswith("."):
            continue
        name = key(path.stem)
        if name in found:
            raise InputError(f"{folder}: {found[name].name} and {path.name} share a name; keep one")
        found[name] = path
    if not found:
        raise InputError(f"{folder} holds no images; expected files ending in {', '.join(extensions)}")
    return found


def matched(x: Path, y: Path, targets: dict[str, Path], inputs: dict[str, Path]) -> Files:
    """(target, input) files with equal keys.

    Raises:
        InputError: names without a partner.
    """
    for here, there, mine, others in ((x, y, targets, inputs), (y, x, inputs, targets)):
        alone = [path.name for name, path in mine.items() if name not in others]
        if alone:
            raise InputError(f"no partner in {there} for {some(alone)} of {here}; names must be equal")
    return [(targets[name], inputs[name]) for name in targets]


def expect(root: Path, what: str, *wanted: str) -> list[Path]:
    """Folders of a published layout.

    Raises:
        InputError: what was expected and what was found instead.
    """
    missing = [name for name in wanted if not (root / name).is_dir()]
    if missing:
        found = sorted(p.name + ("/" if p.is_dir() else "") for p in root.iterdir()) if root.is_dir() else []
        there = some(found) if found else "nothing" if root.is_dir() else "no such folder"
        raise InputError(
            f"{root} is not laid out as {what}: expected the folders {', '.join(wanted)}; "
            f"missing {', '.join(missing)}; found {there}"
        )
    return [root / name for name in wanted]


def read_rows(index: Path, wanted: Sequence[str], filters: dict[str, str | None]) -> list[dict[str, str]]:
    """Rows of a table that pass the filters.

    Raises:
        InputError: the table cannot be read or lacks columns, or no row has a value that is asked for.
    """
    try:
        with index.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot read the table {index}: {reason}; give a CSV file") from None
    columns = [*wanted, *(key for key, value in filters.items() if value is not None)]
    missing = [key for key in columns if not rows or key not in rows[0]]
    if missing:
        raise InputError(f"{index} has no rows with {', '.join(missing)}; the first line names the columns")
    for key, value in filters.items():
        known = {row[key] or "" for row in rows} if value is not None else set()
        if value is not None and value not in known:
            raise InputError(f"{index}: no row with {key} = {value!r}; {near_matches(value, known)}")
        rows = [row for row in rows if value is None or row[key] == value]
    return rows


def checked_shapes(files: Files, grid: Grid) -> list[Shape]:
    """(C, H, W) of each pair as it will be given.

    Raises:
        InputError: as :class:`FilePairs`.
    """
    headers = [(pixel_header(x), pixel_header(y)) for x, y in files]
    unequal = [
        f"{x.name} {a.shape} and {y.name} {b.shape}"
        for (x, y), (a, b) in zip(files, headers, strict=True)
        if not _fits(a.shape, b.shape, grid)
    ]
    if unequal:
        what = "crop or resample them" if grid == "equal" else "the target must be larger by one whole factor"
        raise InputError(f"target and input differ in (C, H, W): {some(unequal)}; {what}")
    shapes = [a.shape if grid == "target" else b.shape for a, b in headers]
    _check_alike(files, [a.shape[0] for a, _ in headers], "channel(s)")
    for column in (0, 1):
        one = [(pair[column],) for pair in files]
        _check_alike(one, [str(header[column].dtype) for header in headers], "values")
    return shapes


def _check_alike(files: Sequence[tuple[Path, ...]], values: Sequence[object], what: str) -> None:
    """One value in all files: intensities of two types are on two scales."""
    others = [f"{pair[0].name} ({v})" for pair, v in zip(files, values, strict=True) if v != values[0]]
    if others:
        raise InputError(f"{files[0][0].name} has {values[0]} {what}, unlike {some(others)}; make them alike")


def _fits(target: Shape, source: Shape, grid: Grid) -> bool:
    if grid == "equal":
        return target == source
    factors = {target[1] / source[1], target[2] / source[2]}
    return target[0] == source[0] and len(factors) == 1 and next(iter(factors)).is_integer()
