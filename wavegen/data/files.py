"""Common parts of file data sets: finding, reading and checking image pairs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from wavegen.core.errors import InputError, some
from wavegen.core.guard import guarded
from wavegen.core.limits import check_declared
from wavegen.core.types import Pair
from wavegen.data.base import PairDataset
from wavegen.io import EXTENSIONS, Header, image_header, one_per_set, read_image, read_mrc, stem
from wavegen.io.mrc import mrc_header

Shape = tuple[int, int, int]
Files = list[tuple[Path, Path]]
Headers = list[tuple[Header, Header]]
Grid = Literal["equal", "target", "input"]


class FilePairs(PairDataset):
    """Targets and inputs from files, float32 in the files' own units. Everything is checked from the headers first.

    Args:
        files: (target, input) of each pair.
        grid: ``equal`` requires equal sizes within a pair. With ``target``, an input that is smaller by a whole factor
            is enlarged to the target's grid (bicubic); with ``input``, the target is averaged over blocks.

    Raises:
        InputError: unreadable files; sizes or channel counts that differ within a pair, channel counts or dtypes
            that differ between pairs.
    """

    def __init__(self, files: Files, grid: Grid = "equal") -> None:
        self.files = files
        self.grid = grid
        headers = [(pixel_header(x), pixel_header(y)) for x, y in files]
        self.shapes = checked_shapes(files, headers, grid)
        self.remarks = _told(files, headers)
        self.channels = self.shapes[0][0]
        self.names = [x.name for x, _ in files]

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
    """(C, H, W) pixels of an image, a 2-D ``.npy`` array, or an ``.mrc`` file, whose sections are averaged.

    The average of a structured-illumination series is a widefield image.

    Raises:
        InputError: the file cannot be read.
    """
    if path.suffix.lower() == ".mrc":
        mean: NDArray[Any] = read_mrc(path).mean(axis=0, dtype=np.float64)
        return mean.astype(np.float32)[None]
    if path.suffix.lower() == ".npy":
        array = np.array(_array(path))
        return array[None] if array.dtype in (np.uint8, np.uint16) else array.astype(np.float32)[None]
    return read_image(path, alpha=False).pixels


def pixel_header(path: Path) -> Header:
    """Shape and dtype that :func:`read_pixels` would return."""
    if path.suffix.lower() == ".mrc":
        return Header((1, *mrc_header(path).shape[1:]), np.dtype(np.float32))
    if path.suffix.lower() == ".npy":
        array = _array(path)
        dtype = array.dtype if array.dtype in (np.uint8, np.uint16) else np.dtype(np.float32)
        return Header((1, *array.shape), dtype)
    return image_header(path, alpha=False)


def _array(path: Path) -> NDArray[Any]:
    """A memory-mapped 2-D array of numbers."""
    array = guarded(path, lambda file: np.lib.format.open_memmap(file, mode="r"), "damaged or not a .npy array")
    if array.ndim != 2 or array.dtype.kind not in "iufb":
        raise InputError(f"cannot read {path}: {array.dtype} of shape {array.shape}; expected numbers of shape (H, W)")
    check_declared(path, array.shape, np.promote_types(array.dtype, np.float32))
    return array


def finite(path: Path) -> Tensor:
    """The pixels of a file, float32; NaN and infinity are refused with the name of the file."""
    pixels = read_pixels(path).astype(np.float32)
    if not np.isfinite(pixels).all():
        first = tuple(int(i) for i in np.argwhere(~np.isfinite(pixels))[0])
        raise InputError(f"{path} holds NaN or infinite values, the first at {first}; replace them")
    return torch.from_numpy(pixels)


def enlarged(image: Tensor, size: tuple[int, int]) -> Tensor:
    """(C, h, w) enlarged to ``size`` by bicubic interpolation with a = -0.5, as in Pillow and MATLAB."""
    if tuple(image.shape[-2:]) == size:
        return image
    # a is -0.75 in torch, but -0.5 with antialias, which has no other effect when enlarging.
    return F.interpolate(image[None], size, mode="bicubic", antialias=True)[0]


def images_of(
    folder: Path, extensions: Collection[str] = EXTENSIONS, key: Callable[[str], str] = str
) -> dict[str, Path]:
    """Image files of a folder, sorted, with ``key(stem)`` as keys; the files of one OME-TIFF set are one image.

    Raises:
        InputError: no such folder, no images in it, or two images with the same key.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the folder that holds the images")
    images: dict[str, Path] = {}
    found = sorted(p for p in folder.iterdir() if p.suffix.lower() in extensions and not p.name.startswith("."))
    for path in one_per_set(found):
        name = key(stem(path))
        if name in images:
            raise InputError(f"{folder}: {images[name].name} and {path.name} share a name; keep one")
        images[name] = path
    if not images:
        raise InputError(f"{folder} holds no images; expected files ending in {', '.join(extensions)}")
    return images


def matched(x: Path, y: Path, targets: dict[str, Path], inputs: dict[str, Path]) -> Files:
    """(target, input) files with equal keys.

    Raises:
        InputError: a file without a partner.
    """
    for folder, other, files, partners in ((x, y, targets, inputs), (y, x, inputs, targets)):
        unmatched = [path.name for name, path in files.items() if name not in partners]
        if unmatched:
            raise InputError(f"no partner in {other} for {some(unmatched)} of {folder}; names must be equal")
    return [(targets[name], inputs[name]) for name in targets]


def expect(root: Path, what: str, *wanted: str) -> list[Path]:
    """Folders of a published layout.

    Raises:
        InputError: a folder is missing; names the expected and the present ones.
    """
    missing = [name for name in wanted if not (root / name).is_dir()]
    if missing:
        present = sorted(p.name + ("/" if p.is_dir() else "") for p in root.iterdir()) if root.is_dir() else []
        listing = some(present) if present else "nothing" if root.is_dir() else "no such folder"
        raise InputError(
            f"{root} is not laid out as {what}: expected the folders {', '.join(wanted)}; "
            f"missing {', '.join(missing)}; found {listing}"
        )
    return [root / name for name in wanted]


def _told(files: Files, headers: Headers) -> tuple[str, ...]:
    """What files hold beside the images that are read, each remark once, with the files that it is about."""
    about: dict[str, list[str]] = {}
    for pair, both in zip(files, headers, strict=True):
        for path, header in zip(pair, both, strict=True):
            for remark in header.remarks:
                about.setdefault(remark, []).append(path.name)
    return tuple(f"{some(names)}: {remark}" for remark, names in about.items())


def checked_shapes(files: Files, headers: Headers, grid: Grid) -> list[Shape]:
    """(C, H, W) of each pair as it will be returned.

    Raises:
        InputError: as :class:`FilePairs`.
    """
    unequal = [
        f"{x.name} {a.shape} and {y.name} {b.shape}"
        for (x, y), (a, b) in zip(files, headers, strict=True)
        if not _fits(a.shape, b.shape, grid)
    ]
    if unequal:
        remedy = "crop or resample them" if grid == "equal" else "the target must be larger by one whole factor"
        raise InputError(f"target and input differ in (C, H, W): {some(unequal)}; {remedy}")
    shapes = [a.shape if grid == "target" else b.shape for a, b in headers]
    _check_alike(files, [a.shape[0] for a, _ in headers], "channel(s)")
    for column in (0, 1):
        paths = [(pair[column],) for pair in files]
        _check_alike(paths, [str(header[column].dtype) for header in headers], "values")
    return shapes


def _check_alike(files: Sequence[tuple[Path, ...]], values: Sequence[object], what: str) -> None:
    """Check that a property is the same in all files (intensities of different dtypes have different scales)."""
    others = [f"{pair[0].name} ({v})" for pair, v in zip(files, values, strict=True) if v != values[0]]
    if others:
        raise InputError(f"{files[0][0].name} has {values[0]} {what}, unlike {some(others)}; make them alike")


def _fits(target: Shape, source: Shape, grid: Grid) -> bool:
    if grid == "equal":
        return target == source
    factors = {target[1] / source[1], target[2] / source[2]}
    return target[0] == source[0] and len(factors) == 1 and next(iter(factors)).is_integer()
