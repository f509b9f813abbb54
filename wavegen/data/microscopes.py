"""Published microscopy data sets, in their original folder layouts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from wavegen.core.errors import InputError, some
from wavegen.core.registry import register
from wavegen.data.files import FilePairs, Files, expect, images_of, matched
from wavegen.io import EXTENSIONS

W2S_FIRST_TEST = 81  # fields of view 001-080 train, 081-120 test
Cells = Annotated[int, Field(ge=0)]


@register(
    "dataset",
    "w2s",
    "W2S: widefield averages of 1 to 16 exposures to the average of 400, or to SIM",
    paper="Zhou et al., arXiv 2003.05961",
)
class W2s(FilePairs):
    """x: the average of 400 exposures, or the SIM image of twice the size; y: the average of a few exposures.

    ROOT/{train,test}/{avg1,avg2,avg4,avg8,avg16,avg400,sim}/FFF_C.png (field of view FFF, channel C), as ``data``
    of https://github.com/IVRL/w2s; or the same folders of ``.npy`` files right in ROOT, as its ``data/normalized``,
    where fields 001-080 are the training set and 081-120 the test set.

    Args:
        root: the folder that contains them.
        split: ``train`` or ``test``.
        average: number of exposures averaged in y.
        target: ``avg400`` to denoise, ``sim`` to denoise and sharpen.
        grid: with ``sim``: the grid of both images.
        channel: use only one of the three stains.

    Raises:
        InputError: another layout (the message names what was expected and found), or files without a partner.
    """

    def __init__(
        self,
        root: str,
        split: Literal["train", "test"] = "train",
        average: Literal[1, 2, 4, 8, 16] = 1,
        target: Literal["avg400", "sim"] = "avg400",
        grid: Literal["target", "input"] = "target",
        channel: Literal[0, 1, 2] | None = None,
    ) -> None:
        base = Path(root) / split
        by_split = base.is_dir()
        x, y = expect(base if by_split else Path(root), "W2S", target, f"avg{average}")
        kinds = (*EXTENSIONS, ".npy")
        files = matched(x, y, images_of(x, kinds), images_of(y, kinds))
        files = [pair for pair in files if channel is None or pair[0].stem.endswith(f"_{channel}")]
        if not by_split:
            files = [pair for pair in files if (_field(pair[0]) >= W2S_FIRST_TEST) == (split == "test")]
        if not files:
            raise InputError(
                f"{x} holds no images of split {split!r} and channel {channel}; expected names as 001_0.png"
            )
        super().__init__(files, grid if target == "sim" else "equal")


def _field(path: Path) -> int:
    """The field of view in a name such as 081_2.npy."""
    match = re.fullmatch(r"(\d+)_\d", path.stem)
    if not match:
        raise InputError(f"{path}: expected a name of field and channel, such as 081_2.npy")
    return int(match[1])


@register(
    "dataset",
    "biosr",
    "BioSR: widefield (mean of raw SIM frames) at a light level to SIM, from MRC files",
    paper="Qiao et al., Nature Methods 2021",
)
class BioSr(FilePairs):
    """x: the SIM reconstruction, y: the mean of the raw frames, half its size (a third for non-linear SIM).

    ROOT/Cell_NNN/RawSIMData_level_LL.mrc and SIM_gt*.mrc (CCPs, F-actin, Microtubules), or
    ROOT/Cell_NNN/RawSIMData/RawSIMData_level_LL.mrc and GTSIM/GTSIM_level_LL.mrc (ER), as the archives of
    https://doi.org/10.6084/m9.figshare.13264793 unpack; the authors' code (https://github.com/qc17-THU/DL-SR)
    reads the former.

    Args:
        root: the folder of one specimen, such as ``BioSR/F-actin``.
        level: light level of y; 1 is the dimmest.
        grid: the grid of both images.
        first: number of the first cell.
        last: number of the last cell; default: all. The authors validate on cells 1 to 5 and train on 6 to 35.

    Raises:
        InputError: another layout (the message names what was expected and found), or cells without that level.
    """

    def __init__(
        self,
        root: str,
        level: Annotated[int, Field(ge=1, le=12)] = 1,
        grid: Literal["target", "input"] = "target",
        first: Cells = 1,
        last: Cells | None = None,
    ) -> None:
        folder = Path(root)
        cells = sorted(p for p in folder.glob("Cell_*") if p.is_dir()) if folder.is_dir() else []
        if not cells:
            expect(folder, "BioSR", "Cell_001")
        chosen = [cell for cell in cells if first <= _number(cell) <= (last or 10**9)]
        if not chosen:
            raise InputError(f"{folder} has {some([c.name for c in cells])}, none from {first} to {last}")
        super().__init__([_of_cell(cell, level) for cell in chosen], grid)


def _number(cell: Path) -> int:
    digits = cell.name.removeprefix("Cell_")
    return int(digits) if digits.isdigit() else -1


def _of_cell(cell: Path, level: int) -> tuple[Path, Path]:
    """(target, input) of one cell, in either layout."""
    raw, sim = f"RawSIMData_level_{level:02d}", f"GTSIM_level_{level:02d}"
    files: Files = [
        (x, y)
        for target, source in (("SIM_gt*.mrc", f"{raw}.mrc"), (f"GTSIM/{sim}.mrc", f"RawSIMData/{raw}.mrc"))
        for x in sorted(cell.glob(target))[:1]
        for y in cell.glob(source)
    ]
    if not files:
        present = some(sorted(p.name for p in cell.iterdir())) or "nothing"
        raise InputError(
            f"{cell} is not laid out as BioSR: expected {raw}.mrc with SIM_gt.mrc, or RawSIMData/{raw}.mrc with "
            f"GTSIM/{sim}.mrc; found {present}"
        )
    return files[0]
