"""The picture of a decomposition."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wavegen.core.errors import InputError
from wavegen.core.registry import build
from wavegen.experiments import subband_picture


def test_bands_stand_where_they_belong() -> None:
    image = np.zeros((16, 16))
    image[::2] = 1.0  # varies along columns only: h holds it, v and d are zero
    picture = subband_picture(build("transform", {"name": "haar", "levels": 1}), image)
    assert picture.shape == (18, 18)
    assert picture.dtype == np.uint8
    assert (picture[8:10] == 255).all()
    assert (picture[:, 8:10] == 255).all()
    assert set(picture[:8, 10:].ravel()) <= {0, 255}
    torch.testing.assert_close(torch.from_numpy(picture[10:, :8]), torch.full((8, 8), 128, dtype=torch.uint8))


def test_levels_nest_and_channels_stand_side_by_side() -> None:
    image = np.random.default_rng(0).random((32, 48))
    assert subband_picture(build("transform", {"name": "db2", "levels": 2}), image).shape == (
        16 + 2 + 2 + 16,
        24 * 2 + 4,
    )
    assert subband_picture(build("transform", {"name": "space_to_depth", "factor": 2}), image).shape == (16, 4 * 24 + 6)


def test_a_stack_is_refused() -> None:
    with pytest.raises(InputError, match=r"\(2, 4, 4\)"):
        subband_picture(build("transform", "haar"), np.zeros((2, 4, 4)))
