"""The transform of stacks equals PyWavelets and reconstructs exactly at any size."""

from __future__ import annotations

import numpy as np
import pytest
import pywt
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.transforms import PlaneDetails, SpaceDetails, VolumeSubbands, VolumeTransform


def stack(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("wavelet", ["haar", "db3", "bior2.2"])
@pytest.mark.parametrize("size", [(8, 16, 12), (5, 13, 10), (1, 3, 2)])
@pytest.mark.parametrize(("levels", "levels_z"), [(1, 1), (2, 2), (2, 1), (3, 1), (2, 0)])
def test_levels_are_pywavelets(wavelet: str, size: tuple[int, int, int], levels: int, levels_z: int) -> None:
    x = stack(2, 2, *size)
    transform = VolumeTransform(wavelet, levels, levels_z)
    bands = transform.forward(x)
    low = x.numpy()
    for level in range(1, levels + 1):
        axes = (-3, -2, -1) if level > levels - levels_z else (-2, -1)
        want = pywt.dwtn(low, wavelet, "periodization", axes=axes)
        low = want.pop("a" * len(axes))
        got = bands.details[levels - level]._asdict()
        assert got.keys() == want.keys()
        for key, band in want.items():
            np.testing.assert_allclose(got[key].numpy(), band, atol=1e-12)
    np.testing.assert_allclose(bands.low.numpy(), low, atol=1e-12)


def test_all_axes_alike_is_wavedecn() -> None:
    x = stack(1, 1, 16, 24, 32)
    bands = VolumeTransform("db2", 2, 2).forward(x)
    low, *details = pywt.wavedecn(x[0, 0].numpy(), "db2", "periodization", level=2)
    np.testing.assert_allclose(bands.low[0, 0].numpy(), low, atol=1e-12)
    for got, want in zip(bands.details, details, strict=True):
        for key, band in want.items():
            np.testing.assert_allclose(getattr(got, key)[0, 0].numpy(), band, atol=1e-12)


@settings(deadline=None, max_examples=25)
@given(
    wavelet=st.sampled_from(["haar", "db2", "coif1", "bior4.4"]),
    levels=st.integers(1, 4),
    less=st.integers(0, 4),
    size=st.tuples(st.integers(1, 9), st.integers(1, 15), st.integers(1, 15)),
)
def test_any_size_is_reconstructed(wavelet: str, levels: int, less: int, size: tuple[int, int, int]) -> None:
    transform, x = VolumeTransform(wavelet, levels, max(levels - less, 0)), stack(1, 2, *size)
    bands = transform.forward(x)
    assert tuple(bands.low.shape[-3:]) == transform.sizes(size)[-1]
    torch.testing.assert_close(transform.inverse(bands), x, rtol=0, atol=1e-9)


def test_float32_and_sum_of_squares() -> None:
    transform, x = VolumeTransform("db4", 2, 1), stack(1, 1, 8, 16, 16, dtype=torch.float32)
    bands = transform.forward(x)
    every = [bands.low, *(band for details in bands.details for band in details)]
    torch.testing.assert_close(sum(band.square().sum() for band in every), x.square().sum())
    assert (transform.inverse(bands) - x).norm() <= 1e-6 * x.norm()


def test_gradients() -> None:
    transform, x = VolumeTransform("db2", 2, 1), stack(1, 1, 3, 4, 5).requires_grad_()

    def forward(stack: Tensor) -> tuple[Tensor, ...]:
        bands = transform.forward(stack)
        return (bands.low, *(band for details in bands.details for band in details))

    bands = tuple(band.detach().requires_grad_() for band in forward(x))

    def inverse(*b: Tensor) -> Tensor:
        return transform.inverse(VolumeSubbands(b[0], (SpaceDetails(*b[1:8]), PlaneDetails(*b[8:])), (3, 4, 5)))

    assert torch.autograd.gradcheck(forward, (x,))
    assert torch.autograd.gradcheck(inverse, bands)


@pytest.mark.parametrize(("levels", "levels_z"), [(0, 0), (2, 3), (2, -1), (9, 1)])
def test_wrong_levels(levels: int, levels_z: int) -> None:
    with pytest.raises(InputError, match="levels_z"):
        VolumeTransform("haar", levels, levels_z)


def test_wrong_stacks() -> None:
    transform = VolumeTransform("haar", 2, 1)
    for wrong, said in [
        (torch.zeros(1, 1, 4, 4), r"\(1, 1, 4, 4\); expected \(B, C, D, H, W\)"),
        (torch.zeros(1, 1, 0, 4, 4), r"\(1, 1, 0, 4, 4\)"),
        (torch.zeros(1, 1, 2, 4, 4, dtype=torch.int32), "int32"),
    ]:
        with pytest.raises(InputError, match=said):
            transform.forward(wrong)
    with pytest.raises(InputError, match="stack size"):
        transform.sizes((0, 4, 4))
    with pytest.raises(InputError, match="db99"):
        VolumeTransform("db99")


def test_wrong_bands() -> None:
    transform = VolumeTransform("haar", 2, 1)
    low, (space, plane), size = transform.forward(stack(1, 1, 4, 8, 12))
    for wrong, said in [
        (VolumeSubbands(low, (space,), size), "1 detail levels; expected 2"),
        (VolumeSubbands(low, (plane, space), size), "level 2 has bands ad, da, dd; expected aad"),
        (VolumeSubbands(low[..., 1:], (space, plane), size), r"needs \(2, 2, 3\)"),
        (VolumeSubbands(low, (space._replace(dad=space.dad[..., 1:]), plane), size), "band dad of level 2"),
        (VolumeSubbands(low, (space, plane._replace(dd=plane.dd.float())), size), "band dd of level 1.*float32"),
        (VolumeSubbands(low.long(), (space, plane), size), "int64"),
    ]:
        with pytest.raises(InputError, match=said):
            transform.inverse(wrong)
