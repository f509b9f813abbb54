"""TIFF files (plain, ImageJ, OME) as stacks, from their headers; pixels are read on demand."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wavegen.core.errors import InputError, shown
from wavegen.core.pages import check_chain, check_planes, contiguous, kind_of
from wavegen.core.segments import check_segments
from wavegen.io import imagej, ome, samples
from wavegen.io.lazy import Changed, LazyFile
from wavegen.io.records import split_records
from wavegen.io.stack import Stack

# Its warnings about damaged files appear only if logging is configured.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

UNKNOWN = "QI"  # tifffile's letters for an unnamed axis
MAX_CHANNELS = 4  # an unnamed axis of at most this length is taken for channels
INCH, CENTIMETRE = 2, 3  # values of ResolutionUnit
ORIENTATION, ICC = 274, 34675  # tags
NUMBERS = ("photometric", "samplesperpixel", "planarconfig", "compression", "bitspersample")  # tags
OLD_JPEG, JPEG = 6, 7  # compressions
Missing = Literal["refuse", "leave-out"]


class _Header(NamedTuple):
    """A series of pages, and what its file is."""

    series: Any
    kind: str
    meaning: samples.Meaning
    holes: tuple[tuple[int, ...], ...]


def read(path: Path, axes: str | None, series: int = 1, missing: Missing = "refuse") -> Stack:
    """One image of a TIFF.

    Args:
        path: the file; other files of an OME-TIFF set are read from its folder.
        axes: one letter of TCZYX for each dimension, if the file has no or wrong axes.
        series: which image, from 1.
        missing: what is done about planes that the file announces and does not hold.

    Raises:
        InputError: an axis that neither the file nor ``axes`` names, missing planes, pixels that are neither grey nor
            RGB, no such image.
    """
    with opened(path) as file:
        root = ome.root_of(file.ome_metadata) if file.is_ome else None
        if root is not None:
            _check_partners(path, root)
        if root is not None and axes is None and ome.described_elsewhere(root):
            raise InputError(
                f"{path}: its planes are described in {ome.described_elsewhere(root)}; "
                "open the first file of the set, or give --axes"
            )
        header = _header(path, file, series, root)
        other: dict[str, Any] = {"format": header.kind, "rgb": header.meaning.samples.colour}
        other["alpha"] = header.meaning.samples.alpha
        stored = header.series.axes + ("S" if header.meaning.palette else "")
        array, named = _pixels(path, file, header, series, axes)
        if "S" in stored and "C" in named and named.index("C") == stored.index("S"):
            other["samples"] = header.meaning.samples
        elif "S" in stored:
            other |= {"rgb": False, "alpha": False}
        array, named = _whole(path, header, array, named, missing, other, root)
        _remark(file, header, series, other)
        pixel_um: dict[str, float] = {}
        names = _metadata(file, header, root, series, pixel_um, other)
    channels = array.shape[named.index("C")] if "C" in named else 1
    if any(names) and len(names) == channels:
        return Stack(array, named, pixel_um, tuple(names), other)
    return Stack(array, named, pixel_um, (), other)


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a file and check that its chain of pages is complete.

    tifffile silently drops the missing pages of a truncated file, which would look like fewer channels.
    """
    import tifffile

    with tifffile.TiffFile(path) as file:
        check_chain(file)
        file.filehandle.seek(file.pages.next_page_offset)
        following = file.filehandle.read(file.tiff.offsetsize)
        if any(following):
            raise ValueError("the file ends before its last page")
        yield file


def _check_partners(path: Path, root: Any) -> None:
    """Check the other files of a set, which tifffile opens by itself.

    Raises:
        InputError: one that is not in the same folder, or whose pages do not end.
    """
    import tifffile

    for name in ome.files_of(root):
        if Path(name).name != name or "\\" in name:
            raise InputError(f"its OME-XML names {name!r}; the files of a set must lie in one folder")
        partner = path.with_name(name)
        if name != path.name and partner.is_file():
            with tifffile.TiffFile(partner) as file:
                check_chain(file)


def partners(path: Path) -> tuple[str, ...]:
    """Names of all files of the OME-TIFF set that a file belongs to, itself among them; empty for a file by itself."""
    with opened(path) as file:
        names = ome.files_of(ome.root_of(file.ome_metadata)) if file.is_ome else ()
        return names if len(names) > 1 and path.name in names else ()


def _header(path: Path, file: Any, number: int, root: Any) -> _Header:
    """The chosen series, once it is known to be what the file announces."""
    kind = kind_of(file)
    count = len(file.series)
    if not 1 <= number <= count:
        raise InputError(f"{path} holds {count} image(s), there is no image {number}; give --series 1 to {count}")
    chosen = file.series[number - 1]
    page = chosen.keyframe
    _check_tags(chosen)
    meaning = samples.meaning(
        int(page.photometric),
        int(page.samplesperpixel),
        [int(code) for code in page.extrasamples],
        planar=int(page.planarconfig) == 2,
        jpeg=int(page.compression) in (OLD_JPEG, JPEG),
        imagej=kind == "imagej",
    )
    if page.bitspersample == 1 and file.is_shaped:
        meaning = meaning._replace(inverted=False)  # tifffile writes every Boolean array as "white is zero"
    check_planes(file, kind, chosen, described_elsewhere=_elsewhere(root))
    return _Header(chosen, kind, meaning, () if contiguous(file, chosen) else _holes(chosen))


def _check_tags(chosen: Any) -> None:
    """Refuse tags of another type than is relied on: tifffile returns whatever a damaged file says."""
    for tag in NUMBERS:
        value = getattr(chosen.keyframe, tag)
        if not isinstance(value, int):
            raise InputError(f"its tag {tag} is {shown(value)}, no whole number; export it again")
    for page in chosen.pages:
        if page is not None and not (isinstance(page.dataoffsets, tuple) and isinstance(page.databytecounts, tuple)):
            raise InputError("where its strips or tiles lie is no list of numbers; export it again")


def _elsewhere(root: Any) -> bool:
    return root is not None and ome.described_elsewhere(root) is not None


def _holes(chosen: Any) -> tuple[tuple[int, ...], ...]:
    """Indices, along the axes before the page's own, of planes that no page holds or whose page has no data."""
    pages = list(chosen.pages)
    absent = [page is None or not any(page.databytecounts) for page in pages]
    if not any(absent):
        return ()
    leading = chosen.shape[: len(chosen.shape) - len(chosen.keyframe.shape)]
    if int(np.prod(leading)) != len(pages):
        return ((),)
    return tuple(tuple(int(i) for i in index) for index in np.argwhere(np.reshape(absent, leading)))


def _pixels(path: Path, file: Any, header: _Header, number: int, axes: str | None) -> tuple[Any, str]:
    """The pixels, with inverted and calibrated values as the user sees them, and their axes."""
    series, stored = header.series, header.series.axes
    shape = tuple(series.shape)
    one_file = all(page is None or page.parent is file for page in series.pages)
    if contiguous(file, series) and series.keyframe.is_memmappable and one_file:
        dtype = np.dtype(series.dtype).newbyteorder(file.byteorder)
        array: Any = np.memmap(path, dtype, "r", series.dataoffset, shape)
    else:
        array = LazyFile(path, shape, series.dtype, lambda: _decoded(path, number))
    if header.meaning.palette:
        table = np.asarray(series.keyframe.colormap)
        if table.dtype.kind != "u" or table.ndim != 2 or len(table) != 3:
            raise InputError("its table of colours is missing or damaged; export it again")
        table = (table >> 8 if table.max() > 255 else table).astype(np.uint8).T
        indices = array
        array = LazyFile(path, (*shape, 3), np.uint8, lambda: table[np.asarray(indices[...])])
        stored, shape = stored + "S", (*shape, 3)
    if header.meaning.inverted:
        array = Changed(array, inverted, array.dtype)
    line = imagej.calibration(file.imagej_metadata or {}) if header.kind == "imagej" else None
    if line is not None:
        offset, gain = line
        array = Changed(array, lambda values: offset + gain * values.astype(np.float64), np.float64)
    return array, _named(path, stored, shape, axes)


def inverted(values: NDArray[Any]) -> NDArray[Any]:
    """Values of an image in which white is zero, as intensities; its own inverse."""
    return -values if values.dtype.kind == "f" else ~values


def _decoded(path: Path, number: int) -> NDArray[Any]:
    """The pixels of one series.

    Raises:
        InputError: a compression or packing that needs the package imagecodecs.
    """
    with opened(path) as file:
        series = file.series[number - 1]
        for page in series.pages:
            if page is not None and page.parent is file:
                check_segments(path, page)
        try:
            pixels: NDArray[Any] = series.asarray()
        except ValueError as error:
            if "imagecodecs" not in str(error):
                raise
            page = series.keyframe
            packed = f"values of {page.bitspersample} bits" if page.compression == 1 else str(page.compression.name)
            raise InputError(
                f"cannot read {path}: {packed} need the package imagecodecs; run: pip install imagecodecs"
            ) from error
        return pixels


def _named(path: Path, stored: str, shape: tuple[int, ...], requested: str | None) -> str:
    """The axes of the stack: those that the caller gave, else those of the file."""
    if requested is not None:
        return requested
    named = stored.replace("S", "C") if "C" not in stored else stored
    for letter in UNKNOWN:
        if letter in named and "C" not in named and shape[stored.index(letter)] <= MAX_CHANNELS:
            named = named.replace(letter, "C")
    unknown = [letter for letter in named if letter not in "TCZYX"]
    if unknown:
        raise InputError(
            f"{path}: shape {shape} is a stack whose axes the file does not name (it says {stored}); "
            f"give --axes, one letter of TCZYX for each dimension, such as {'TZCYX'[-len(shape) :]}"
        )
    return named


def _whole(
    path: Path, header: _Header, array: Any, named: str, missing: Missing, other: dict[str, Any], root: Any
) -> tuple[Any, str]:
    """The array without missing planes, if that is wanted.

    Raises:
        InputError: planes are missing and are not to be left out, or cannot be left out along one axis.
    """
    if not header.holes:
        return array, named
    folder = path.parent
    absent = [name for name in ome.files_of(root) if not (folder / name).is_file()] if root is not None else []
    places = [", ".join(f"{a.lower()}={i}" for a, i in zip(named, hole, strict=False)) for hole in header.holes[:3]]
    more = f" and {len(header.holes) - 3} more" if len(header.holes) > 3 else ""
    what = f"{len(header.holes)} plane(s) are not in the file: {'; '.join(filter(None, places))}{more}"
    if absent:
        what = f"{what} ({', '.join(absent[:3])}{' and more' if len(absent) > 3 else ''} missing from {folder})"
    if missing == "refuse":
        raise InputError(f"cannot read {path}: {what}; put the files together, or give --missing leave-out")
    present = np.ones(array.shape[: len(header.holes[0])], bool)
    present[tuple(np.transpose(header.holes))] = False
    keep = [
        (axis, np.flatnonzero(present.all(axis=tuple(a for a in range(present.ndim) if a != axis))))
        for axis in range(present.ndim)
    ]
    axis, indices = max(keep, key=lambda pair: len(pair[1]) / present.shape[pair[0]], default=(0, np.zeros(0, np.intp)))
    if not len(indices):
        raise InputError(f"cannot read {path}: {what}; no rectangular part is whole")
    shape = (*array.shape[:axis], len(indices), *array.shape[axis + 1 :])
    other["remarks"] = (*other.get("remarks", ()), f"{what}; {named[axis].lower()} has {len(indices)} of "
                        f"{array.shape[axis]} indices left")  # fmt: skip
    return LazyFile(path, shape, array.dtype, lambda: np.take(array[...], indices, axis)), named


def _remark(file: Any, header: _Header, number: int, other: dict[str, Any]) -> None:
    """What of the file is not in the stack, and what is read as it may not have been meant."""
    remarks = list(other.get("remarks", ()))
    count = len(file.series)
    if count > 1:
        remarks.append(f"image {number} of {count} in the file; --series chooses another")
        other["series"] = number
    if header.meaning.palette:
        remarks.append("a palette image is restored, and written, in colour")
    pages = [page for page in header.series.pages if page is not None] if header.series.dataoffset is None else []
    remarks += _remarks_on_pages(file, header, pages)
    if remarks:
        other["remarks"] = tuple(remarks)


def _remarks_on_pages(file: Any, header: _Header, pages: list[Any]) -> list[str]:
    """Pages of other files, pages of no image, pages of which parts are not stored."""
    remarks = []
    belonging = sum(len(series.pages) for series in file.series)
    if header.kind == "ome" and pages and len(file.pages) > belonging:
        remarks.append(f"{len(file.pages) - belonging} page(s) belong to no image and are left out")
    gaps = sum(0 in page.databytecounts for page in pages)
    if gaps and not header.holes:
        remarks.append(f"parts of {gaps} plane(s) are not stored and read as 0")
    others = dict.fromkeys(Path(page.parent.filename).name for page in pages if page.parent is not file)
    if others:
        remarks.append(f"one image in several files, read together with {', '.join(others)}")
    return remarks


def _metadata(
    file: Any, header: _Header, root: Any, number: int, pixel_um: dict[str, float], other: dict[str, Any]
) -> list[str]:
    """Add sizes, texts and tags; returns the names of the channels."""
    page = header.series.keyframe
    _tags(page, other)
    if header.meaning.inverted:
        other["white_is_zero"] = True
    per_unit, unit = _resolution(page)
    if header.kind == "imagej":
        named = {INCH: "inch", CENTIMETRE: "cm"}.get(unit, "")
        return imagej.read(file.imagej_metadata or {}, per_unit, named, pixel_um, other)
    if header.kind == "ome" and not _elsewhere(root):
        image = ome.image_of(root, number - 1, header.series.name)
        return ome.read(root, image, pixel_um, other)
    if unit == CENTIMETRE:
        pixel_um |= {axis: 1e4 / count for axis, count in per_unit.items()}
    elif any(count != 1 for count in per_unit.values()):
        other["resolution"] = (per_unit["X"], per_unit["Y"], "inch" if unit == INCH else "none")
    # Structured descriptions hold shapes and types, which a result may not share.
    if page.description and not file.is_shaped:
        text, records = split_records(page.description)
        other |= ({"description": text} if text else {}) | ({"records": records} if records else {})
    return []


def _tags(page: Any, other: dict[str, Any]) -> None:
    """How the image is turned, and its colour profile."""
    orientation = _tag(page, ORIENTATION, 1)
    if orientation in range(2, 9):
        other["orientation"] = int(orientation)
    icc = _tag(page, ICC, None)
    if isinstance(icc, bytes) and icc:
        other["icc"] = icc


def _tag(page: Any, code: int, default: Any) -> Any:
    tag = page.tags.get(code)
    return default if tag is None else tag.value


def _resolution(page: Any) -> tuple[dict[str, float], int]:
    """Pixels per unit along X and Y, if both are there, and the code of the unit."""
    per_unit = {}
    for axis in "XY":
        value = _tag(page, {"X": 282, "Y": 283}[axis], None)
        if isinstance(value, tuple) and len(value) == 2 and min(value) > 0:
            per_unit[axis] = value[0] / value[1]
    unit = _tag(page, 296, INCH)
    return (per_unit if len(per_unit) == 2 else {}), int(unit) if isinstance(unit, int) else 0
