"""Down-sampling, binning and bleaching against Pillow, published values and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.testing import assert_close

from benchmarks.degradations import set5_bicubic
from wavegen.core.errors import InputError
from wavegen.degradations import Binning, Bleaching, Downsample
from wavegen.degradations.resize import resize


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(0, 99))
def test_bicubic_is_pillows(height, width, new_height, new_width, seed):
    x = torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(seed))
    image = Image.fromarray(x[0, 0].numpy()).resize((new_width, new_height), Image.Resampling.BICUBIC)
    assert_close(resize(x, (new_height, new_width))[0, 0], torch.from_numpy(np.array(image)), atol=2e-5, rtol=0)


def test_set5_bicubic_is_the_published_figure(shared_data):
    """28.42 dB (e.g. Dong et al. 2014, table 1: bicubic x4) with MATLAB's imresize; Pillow's borders give 28.43."""
    assert set5_bicubic(shared_data) == pytest.approx(28.42, abs=0.02)


def test_downsample_sizes():
    x = torch.rand(1, 2, 12, 20)
    assert Downsample(4)(x).shape == (1, 2, 3, 5)
    assert Downsample(4, restore_size=True)(x).shape == x.shape
    assert_close(Downsample(1)(x), x)
    assert_close(Downsample(4, restore_size=True)(torch.ones_like(x)), torch.ones_like(x))
    assert Downsample(4).adjoint(torch.rand(1, 2, 3, 5)).shape == x.shape
    with pytest.raises(InputError, match="multiples of 4, got 13 x 20: crop to 12 x 20"):
        Downsample(4)(torch.rand(1, 2, 13, 20))


def test_binning():
    x = torch.arange(16.0).view(1, 1, 4, 4)
    assert_close(Binning(2)(x)[0, 0], torch.tensor([[2.5, 4.5], [10.5, 12.5]]))
    assert_close(Binning(2, "sum")(x)[0, 0], torch.tensor([[10.0, 18.0], [42.0, 50.0]]))
    assert_close(Binning(4, "sum")(x).sum(), x.sum())
    assert_close(Binning(2, "sum").adjoint(torch.ones(1, 1, 2, 2)), torch.ones(1, 1, 4, 4))
    with pytest.raises(InputError, match="multiples of 3"):
        Binning(3)(x)


def test_bleaching_decays_from_row_to_row():
    y = Bleaching(0.25)(torch.ones(1, 1, 3, 2))
    assert_close(y[0, 0, :, 0], torch.tensor([1.0, 0.5, 0.25]))
    assert_close(Bleaching(0.25)(torch.ones(1, 1, 1, 2)), torch.ones(1, 1, 1, 2))
