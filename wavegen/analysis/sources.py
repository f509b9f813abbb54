"""Images for analysis: image files without pairs, and batches of crops from any source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from wavegen.analysis.spectra import MIN_SIDE, central_crops
from wavegen.core.errors import InputError
from wavegen.core.types import Pair, PairSource
from wavegen.data.files import finite, pixel_header


class UnpairedImages:
    """Image files as pairs (x, x), (C, H, W) float32; if channel counts differ, each channel becomes an item.

    Args:
        paths: files.

    Raises:
        InputError: no files, or one that cannot be read; at an item: values that are not finite.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        if not paths:
            raise InputError("there are no images")
        counts = [pixel_header(path).shape[0] for path in paths]
        self.split = len(set(counts)) > 1
        self.sources: list[tuple[Path, int | None]] = []
        for path, count in zip(paths, counts, strict=True):
            self.sources += [(path, channel) for channel in (range(count) if self.split else (None,))]

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: int) -> Pair:
        """Item ``index``."""
        path, channel = self.sources[index]
        image = finite(path)
        image = image if channel is None else image[channel : channel + 1]
        return Pair(image, image)


class Crops(NamedTuple):
    """Central crops (B, C, s, s) in network units; ``y`` is None if it equals x; ``constant`` crops were excluded."""

    x: Tensor
    y: Tensor | None
    constant: int


def crops(source: PairSource, units: Callable[[Pair], Pair], images: int, size: int, levels: int) -> Crops:
    """At most ``images`` crops, evenly spaced in the source, of one size that is divisible by 2^levels.

    Raises:
        InputError: no images, only constant ones, different channel counts, or images too small for the levels.
    """
    x, y = central_crops(source, units, images, size, least=1)
    side = x.shape[-1] >> levels << levels
    if side >> levels < MIN_SIDE:
        most = max((x.shape[-1] // MIN_SIDE).bit_length() - 1, 0)
        raise InputError(
            f"the smallest image allows crops of {x.shape[-1]}x{x.shape[-1]}; after {levels} levels a band must have "
            f"{MIN_SIDE}x{MIN_SIDE}; give "
            + (f"at most {most} level(s), or larger images" if most else "larger images")
        )
    x, y = x[..., :side, :side], y[..., :side, :side]
    flat = x.flatten(1)
    varied = (flat.amax(1) - flat.amin(1)) > 1e-6 * flat.abs().amax(1)
    if not bool(varied.any()):
        raise InputError(f"all {len(x)} crops are constant; there is nothing to measure")
    x, y = x[varied], y[varied]
    return Crops(x, None if torch.equal(x, y) else y, int((~varied).sum()))
