"""Published data sets of photographs, in their original folder layouts."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from wavegen.core.registry import register
from wavegen.data.files import FilePairs, expect, images_of, matched


@register(
    "dataset",
    "div2k",
    "DIV2K super-resolution: DIV2K_train_HR, DIV2K_train_LR_bicubic/X4, and the same with valid",
    paper="Agustsson and Timofte, CVPRW 2017",
)
class Div2k(FilePairs):
    """x: the high-resolution image, y: the published bicubic one, enlarged to x's grid, or x reduced to y's.

    ROOT/DIV2K_{train,valid}_HR/NNNN.png with ROOT/DIV2K_{train,valid}_LR_bicubic/X{2,3,4}/NNNNx4.png, as the
    archives of https://data.vision.ee.ethz.ch/cvl/DIV2K unpack.

    Args:
        root: the folder that contains them.
        split: ``train`` (0001 to 0800) or ``valid`` (0801 to 0900).
        scale: down-sampling factor of y.
        grid: the grid of both images: ``target`` or ``input``.

    Raises:
        InputError: another layout (the message names what was expected and found), or files without a partner.
    """

    def __init__(
        self,
        root: str,
        split: Literal["train", "valid"] = "train",
        scale: Literal[2, 3, 4] = 4,
        grid: Literal["target", "input"] = "target",
    ) -> None:
        high, low = f"DIV2K_{split}_HR", f"DIV2K_{split}_LR_bicubic/X{scale}"
        x, y = expect(Path(root), "DIV2K", high, low)
        inputs = images_of(y, key=lambda stem: stem.removesuffix(f"x{scale}"))
        super().__init__(matched(x, y, images_of(x), inputs), grid)


@register(
    "dataset",
    "istd",
    "ISTD shadow removal: train_A, train_B, train_C (shadow, mask, free) and the same with test",
    paper="Wang, Li and Yang, CVPR 2018 (arXiv 1712.02478)",
)
class Istd(FilePairs):
    """x: the image without shadow (C), y: with (A). The masks are in :attr:`masks`.

    ROOT/train/train_{A,B,C}/ID.png and ROOT/test/test_{A,B,C}/ID.png, as https://github.com/DeepInsight-PCALab/ST-CGAN
    publishes them; the folders ``train`` and ``test`` may be missing.

    Args:
        root: the folder that contains them.
        split: ``train`` (1330 triplets) or ``test`` (540).

    Raises:
        InputError: another layout (the message names what was expected and found), or files without a partner.
    """

    def __init__(self, root: str, split: Literal["train", "test"] = "train") -> None:
        folder = Path(root) / split
        base = folder if (folder / f"{split}_A").is_dir() else Path(root)
        shadow, mask, free = expect(base, "ISTD", *(f"{split}_{part}" for part in "ABC"))
        shadows, frees = images_of(shadow), images_of(free)
        self.masks = [path for path, _ in matched(mask, shadow, images_of(mask), shadows)]
        super().__init__(matched(free, shadow, frees, shadows))


@register(
    "dataset",
    "lol",
    "LOL low light: our485/low, our485/high, eval15/low, eval15/high",
    paper="Wei et al., BMVC 2018 (arXiv 1808.04560)",
)
class Lol(FilePairs):
    """x: normal exposure, y: low light. ROOT/our485 has 485 pairs, ROOT/eval15 has 15, all 400 x 600 RGB.

    The layout is that of the authors' archive, https://daooshee.github.io/BMVC2018website.

    Args:
        root: the folder that holds ``our485`` and ``eval15``.
        split: ``train`` (our485) or ``test`` (eval15).

    Raises:
        InputError: another layout (the message names what was expected and found), or files without a partner.
    """

    def __init__(self, root: str, split: Literal["train", "test"] = "train") -> None:
        part = {"train": "our485", "test": "eval15"}[split]
        high, low = expect(Path(root), "LOL", f"{part}/high", f"{part}/low")
        super().__init__(matched(high, low, images_of(high), images_of(low)))
