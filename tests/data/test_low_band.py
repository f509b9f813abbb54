"""The low band of a data set is the mean over blocks, at any size."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from wavegen.core.errors import InputError
from wavegen.core.types import Pair
from wavegen.data import InMemory, LowBand, Nanobeads


@pytest.mark.parametrize("levels", [0, 1, 3])
def test_low_band_is_the_mean_over_blocks(levels: int) -> None:
    source = Nanobeads(size=32, length=2)
    low = LowBand(source, levels)
    assert len(low) == 2
    for image, band in zip(source[1], low[1], strict=True):
        assert band.shape == (1, 32 >> levels, 32 >> levels)
        torch.testing.assert_close(band, F.avg_pool2d(image, 2**levels), rtol=1e-5, atol=1e-5)


def test_odd_sides_and_channels() -> None:
    ramp = torch.arange(30.0).reshape(2, 3, 5)
    low = InMemory(LowBand([Pair(ramp, ramp + 1)], 1))[0]
    padded = F.pad(ramp[None], (0, 1, 0, 1), mode="replicate")
    torch.testing.assert_close(low.x, F.avg_pool2d(padded, 2)[0])
    torch.testing.assert_close(low.y, low.x + 1)


@pytest.mark.parametrize("levels", [-1, 9])
def test_levels_out_of_range_are_refused(levels: int) -> None:
    with pytest.raises(InputError, match="0 to 8"):
        LowBand([], levels)
