"""Pairs of image files on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from wavegen.core.errors import InputError
from wavegen.core.registry import register
from wavegen.core.types import Pair
from wavegen.data.files import FilePairs, Files, Grid, images_of, matched
from wavegen.data.registration import Shift, find_shift, registered, report
from wavegen.data.tables import beside, read_rows


@register("dataset", "pairs", "pairs of image files: two folders with equal names, or a table")
class Pairs(FilePairs):
    """Targets and inputs from files, float32 in the units of the files, sorted by name.

    Give ``x`` and ``y``, or ``index``. All sizes are checked when the data set is built.

    Args:
        x: folder of targets (TIFF, PNG or JPEG).
        y: folder of inputs; a pair has the same file name up to the extension.
        index: CSV file with the columns ``target`` and ``input`` (paths relative to the file);
            rows without an input are ignored.
        split: keep the rows of the table whose ``split`` is this.
        dataset: keep the rows of the table whose ``dataset`` is this.
        task: keep the rows of the table whose ``task`` is this.
        grid: ``equal``; for inputs smaller than their targets, ``target`` enlarges the inputs (bicubic) and ``input``
            averages the targets over blocks.
        max_shift: move every target onto its input by up to this many pixels (:mod:`wavegen.data.registration`); all
            pairs are then read when the data set is built, and ``remarks`` says how many were moved, and how far.

    Raises:
        InputError: missing or empty folders or tables, names without a partner, sizes or channel counts that differ
            within a pair, channel counts or dtypes that differ between pairs.
    """

    def __init__(
        self,
        x: str | None = None,
        y: str | None = None,
        index: str | None = None,
        split: str | None = None,
        dataset: str | None = None,
        task: str | None = None,
        grid: Grid = "equal",
        max_shift: Annotated[float, Field(gt=0, le=64)] | None = None,
    ) -> None:
        filters = {"split": split, "dataset": dataset, "task": task}
        if index is not None and x is None and y is None:
            files = _from_table(Path(index), filters)
        elif index is None and x is not None and y is not None and not any(filters.values()):
            files = matched(Path(x), Path(y), images_of(Path(x)), images_of(Path(y)))
        else:
            raise InputError("pairs needs x and y (two folders), or index (a table) with split, dataset and task")
        super().__init__(files, grid)
        self.shifts: list[Shift] = []
        if max_shift is not None:
            pairs = (super(Pairs, self).__getitem__(i) for i in range(len(self)))
            self.shifts = [find_shift(x.numpy(), y.numpy(), max_shift) for x, y in pairs]
            self.remarks += (report(self.names, self.shifts, max_shift),)

    def __getitem__(self, index: int) -> Pair:
        """Pair ``index``, each (C, H, W) float32."""
        pair = super().__getitem__(index)
        return registered(pair, self.shifts[index]) if self.shifts else pair


def _from_table(index: Path, filters: dict[str, str | None]) -> Files:
    """(target, input) files of the rows that pass the filters."""
    rows = read_rows(index, ["input", "target"], filters)
    files = [(beside(index, r["target"]), beside(index, r["input"])) for r in rows if r["input"] and r["target"]]
    if not files:
        raise InputError(f"{index}: no row with both an input and a target is left; change split, dataset or task")
    return files
