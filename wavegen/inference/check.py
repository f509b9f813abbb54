"""A data set checked before training: the facts of every image, the alignment of every pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from wavegen.core.errors import InputError
from wavegen.core.types import PairSource
from wavegen.data import FilePairs, Simulated, align, image_facts
from wavegen.data.base import checked_item
from wavegen.data.check import BAD, MAX_SHIFT
from wavegen.data.files import enlarged, images_of, pixel_header, read_pixels
from wavegen.data.gaussian import best_gaussian
from wavegen.data.matching import match
from wavegen.data.registration import WORTH_MOVING, find_shift
from wavegen.data.tables import beside, read_rows
from wavegen.io import EXTENSIONS
from wavegen.io.saturation import WORTH_A_WARNING

SIDES = ("target", "input")


class Item(NamedTuple):
    """A pair of files, or a lone target."""

    name: str
    target: Path
    input: Path | None


def items_of(where: Path, split: str | None = None, dataset: str | None = None, task: str | None = None) -> list[Item]:
    """The items of a folder or table: rows of an ``index.csv``, two folders with equal file names, or images.

    Args:
        where: a CSV file, or a folder with ``index.csv``, with two folders of images, or with images.
        split: keep the rows of a table whose ``split`` is this.
        dataset: keep the rows of a table whose ``dataset`` is this.
        task: keep the rows of a table whose ``task`` is this.

    Raises:
        InputError: no such folder, or no images in a known arrangement.
    """
    table = where / "index.csv" if where.is_dir() else where
    filters = {"split": split, "dataset": dataset, "task": task}
    if table.suffix == ".csv" and table.is_file():
        return _items_of_table(table, filters)
    if not where.is_dir():
        raise InputError(f"{where}: there is no such folder or table; give a folder of images, or a CSV file")
    if any(filters.values()):
        raise InputError(f"{where} has no index.csv, which --split, --dataset and --task choose from")
    if any(_images(where)):
        return [Item(path.name, path, None) for path in images_of(where).values()]
    return _items_of_two_folders(where)


def _items_of_table(table: Path, filters: dict[str, str | None]) -> list[Item]:
    """The rows of a CSV file that have a target."""
    items = []
    for row in read_rows(table, ["target"], filters):
        if row["target"]:
            degraded = beside(table, row["input"]) if row.get("input") else None
            items.append(Item(row.get("id") or row["target"], beside(table, row["target"]), degraded))
    return items


def _items_of_two_folders(where: Path) -> list[Item]:
    """Pairs of equal names in the two folders of images of a folder, then the images without a partner."""
    folders = sorted(folder for folder in where.iterdir() if folder.is_dir() and any(_images(folder)))
    if len(folders) != 2:
        names = ", ".join(folder.name for folder in folders) or "none"
        raise InputError(
            f"{where}: expected index.csv, images, or two folders of images with equal names; found the folders "
            f"{names} with images; a published layout is checked by its name, such as lol,root={where}"
        )
    targets, inputs = (images_of(folder) for folder in _targets_first(folders))
    pairs = [Item(name, targets[name], inputs[name]) for name in targets if name in inputs]
    unpaired = sorted(set(targets) ^ set(inputs))
    return pairs + [Item(name, (targets | inputs)[name], None) for name in unpaired]


def _images(folder: Path) -> Iterator[Path]:
    return (p for p in folder.iterdir() if p.suffix.lower() in EXTENSIONS and not p.name.startswith("."))


def _targets_first(folders: list[Path]) -> list[Path]:
    """The folder of targets first, if its name is a usual one for targets."""
    usual = ("target", "x", "gt", "clean", "high", "hr")
    return sorted(folders, key=lambda folder: folder.name.lower() not in usual)


def items_of_dataset(data: PairSource) -> list[Item] | None:
    """The files of a data set that reads files, else None."""
    if isinstance(data, FilePairs):
        return [Item(x.name, x, y) for x, y in data.files]
    if isinstance(data, Simulated):
        return [Item(path.name, path, None) for path in dict.fromkeys(path for path, _ in data.sources)]
    return None


def check_items(items: Iterable[Item], max_shift: float = MAX_SHIFT) -> Iterator[dict[str, Any]]:
    """One record for each item: facts about its images, alignment of a pair, ``verdict`` and whether it is ``bad``.

    Bad: files that cannot be read or contain NaN, constant images, and pairs that are shifted, unrelated or of
    different sizes.
    """
    for item in items:
        record: dict[str, Any] = {"name": item.name, "verdict": "single" if item.input is None else ""}
        paths = [path for path in (item.target, item.input) if path is not None]
        try:
            pixels = [read_pixels(path) for path in paths]
            told = [f"{path.name}: {remark}" for path in paths for remark in pixel_header(path).remarks]
            record |= {"remarks": told} if told else {}
            yield _checked(record, pixels, max_shift)
        except InputError as error:
            yield record | {"verdict": "unreadable", "bad": True, "reason": str(error)}


def check_pairs(data: PairSource, count: int, max_shift: float = MAX_SHIFT) -> Iterator[dict[str, Any]]:
    """The same for the first items of a data set that has no files."""
    for index in range(count):
        pair = checked_item(data, index)
        record = {"name": f"item {index}", "verdict": "", "one_scale": bool(getattr(data, "one_scale", False))}
        yield _checked(record, [pair.x.numpy(), pair.y.numpy()], max_shift)


def _checked(record: dict[str, Any], images: list[Any], max_shift: float) -> dict[str, Any]:
    facts = [image_facts(image) for image in images]
    record |= {side: asdict(one) for side, one in zip(SIDES, facts, strict=False)}
    if any(one.not_finite for one in facts):
        return record | {"verdict": "not finite", "bad": True, "reason": "NaN or infinite values"}
    if any(one.constant for one in facts):
        return record | {"verdict": "constant", "bad": True, "reason": "a constant image"}
    if len(images) == 1:
        return record | {"bad": False}
    try:
        alignment = align(images[0], images[1], max_shift)
    except InputError as error:
        return record | {"verdict": "sizes differ", "bad": True, "reason": str(error)}
    bad = alignment.verdict in BAD
    record |= {"verdict": alignment.verdict, "bad": bad, "alignment": asdict(alignment)}
    if alignment.verdict != "constant" and images[0].shape[0] == images[1].shape[0]:
        x, y = (np.asarray(image, dtype=np.float32) for image in images)
        y = enlarged(torch.from_numpy(y), (x.shape[-2], x.shape[-1])).numpy()
        found = best_gaussian(x, y)
        record["intensity"] = [asdict(line) for line in match(x, y)]
        record["gaussian"] = {**found._asdict(), "enough": found.enough}
        if np.hypot(alignment.shift_y, alignment.shift_x) >= WORTH_MOVING:  # that one is of unlike resolutions
            shift = find_shift(x, y, max_shift)
            record["registration"] = {**shift._asdict(), "pixels": shift.length}
    if bad:
        record["reason"] = (
            f"{alignment.verdict}: y {alignment.shift_y:+.1f}, x {alignment.shift_x:+.1f} px, "
            f"correlation {alignment.correlation:.3f}"
        )
    return record


def summary(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts, shapes, dtypes, ranges and saturation over all records."""
    totals: dict[str, Any] = {
        "items": len(records),
        "bad": sum(bool(record["bad"]) for record in records),
        "verdicts": dict(Counter(record["verdict"] for record in records)),
    }
    for side in SIDES:
        facts = [record[side] for record in records if side in record]
        if facts:
            totals[side] = _summary_of_images(facts)
    aligned = [record["alignment"] for record in records if "alignment" in record]
    if aligned:
        totals["median_correlation"] = float(np.median([one["correlation"] for one in aligned]))
        totals["largest_shift"] = float(max(np.hypot(one["shift_y"], one["shift_x"]) for one in aligned))
    return totals


def _summary_of_images(facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The same over the facts of all targets, or of all inputs."""
    saturated = [one["saturated"] for one in facts]
    return {
        "images": len(facts),
        "shapes": dict(Counter("x".join(map(str, one["shape"])) for one in facts)),
        "dtypes": dict(Counter(one["dtype"] for one in facts)),
        "low": float(np.nanmin([one["low"] for one in facts])),
        "high": float(np.nanmax([one["high"] for one in facts])),
        "saturated": float(np.mean(saturated)),
        "saturated_images": sum(share > WORTH_A_WARNING for share in saturated),
        "constant": sum(one["constant"] for one in facts),
    }
