"""The compiled kernels against PyTorch operations, which other tests compare with PyWavelets."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.registry import build
from wavegen.core.types import Subbands
from wavegen.transforms import Transform, max_levels
from wavegen.transforms.kernels import fast
from wavegen.transforms.kernels.fast import without_kernels

pytest.importorskip("numba")
MODES = ["periodization", "symmetric", "reflect", "zero"]
BOUNDS = {torch.float64: 1e-12, torch.float32: 2e-6}


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def image(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(0))


def flat(bands: Subbands) -> list[Tensor]:
    return [bands.ll, *(band for details in bands.details for band in details)]


def everything(transform: Transform, x: Tensor) -> list[Tensor]:
    """Bands, image, and the gradients of both with respect to what they were made from."""
    x = x.detach().requires_grad_()
    bands = transform.forward(x)
    back = transform.inverse(bands)
    duals = [(0.5 + band).detach() for band in flat(bands)]
    found = [*flat(bands), back, *torch.autograd.grad(flat(bands), x, duals, retain_graph=True)]
    return [tensor.detach() for tensor in (*found, *torch.autograd.grad(back, flat(bands), torch.cos(x.detach())))]


def assert_both_ways_agree(transform: Transform, x: Tensor) -> None:
    got = everything(transform, x)
    with without_kernels():
        want = everything(transform, x)
    # What is folded at the edges may cancel, but not its rounding errors: they go with what they came from.
    scale = max(float(b.norm()) + b.numel() ** 0.5 for b in want)
    for a, b in zip(got, want, strict=True):
        assert a.shape == b.shape
        assert float((a - b).norm()) <= BOUNDS[x.dtype] * scale


@settings(deadline=None, max_examples=80)
@given(
    name=st.sampled_from(["haar", "db1", "db2", "db4", "bior4.4", "rbio3.1", "sym8", "coif6", "dmey"]),
    mode=st.sampled_from(MODES),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    levels=st.integers(1, 3),
    height=st.integers(1, 70),
    width=st.integers(1, 70),
)
def test_kernels_do_what_torch_does(
    name: str, mode: str, dtype: torch.dtype, levels: int, height: int, width: int
) -> None:
    levels = min(levels, max_levels((height, width)))
    transform: Transform = build("transform", {"name": name, "levels": levels, "mode": mode})
    assert_both_ways_agree(transform, image(2, 3, height, width, dtype=dtype))


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("name", ["haar", "db5"])
@pytest.mark.parametrize("size", [(3, 1, 300, 302), (1, 1, 34, 4500), (1, 1, 4501, 33)])
def test_wide_and_tall_images_in_two_threads(name: str, size: tuple[int, ...]) -> None:
    # Wider than what is worked on at a time, and rows parted between threads.
    transform: Transform = build("transform", {"name": name, "levels": 2})
    assert_both_ways_agree(transform, image(*size))


@pytest.mark.parametrize("name", ["haar", "db3"])
def test_strided_inputs(name: str) -> None:
    transform: Transform = build("transform", {"name": name, "levels": 1})
    x = image(2, 20, 3, 60)[:, ::2, :, 7:47].permute(0, 2, 3, 1)  # (2, 3, 40, 10), no axis contiguous
    assert_both_ways_agree(transform, x)
    for a, b in zip(flat(transform.forward(x)), flat(transform.forward(x.contiguous())), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


@pytest.mark.parametrize("size", [(6, 4), (5, 3)])
@pytest.mark.parametrize("spec", [{"name": "haar"}, {"name": "db2", "mode": "symmetric"}, {"name": "lattice"}])
def test_first_and_second_derivatives(spec: dict[str, str], size: tuple[int, int]) -> None:
    extra = {"train": False} if spec["name"] == "lattice" else {}
    transform: Transform = build("transform", {**spec, **extra, "levels": 1})
    x = image(1, 1, *size).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: tuple(flat(transform.forward(x))), x)
    assert torch.autograd.gradgradcheck(lambda x: tuple(band.square() for band in flat(transform.forward(x))), x)


def test_a_lattice_whose_angles_are_fixed_is_the_one_that_learns() -> None:
    fixed: Transform = build("transform", {"name": "lattice", "train": False})
    learning: Transform = build("transform", {"name": "lattice"})
    x = image(1, 2, 37, 50)
    for a, b in zip(everything(fixed, x), everything(learning, x), strict=True):
        torch.testing.assert_close(a, b)
    with torch.no_grad():
        learning.angles.add_(0.1)  # the taps must follow
        assert float((learning.forward(x).ll - fixed.forward(x).ll).norm()) > 0.1


def test_nothing_of_a_nan_reaches_what_does_not_meet_it() -> None:
    x = image(1, 1, 64, 64)
    x[..., 30, 30] = float("nan")
    bands = build("transform", {"name": "db2", "levels": 1}).forward(x)
    assert int(bands.ll.isnan().sum()) == 2 * 2


def test_when_the_kernels_are_used() -> None:
    x = image(1, 1, 4, 4)
    assert fast.usable(x)
    assert fast.usable(x.float())
    assert not fast.usable(x.bfloat16())
    assert not fast.usable(x.to("meta"))
    with without_kernels():
        assert not fast.usable(x)
    assert fast.usable(x)


def test_an_empty_batch_is_refused() -> None:
    for name in ("haar", "db2"):
        with pytest.raises(InputError, match="every size >= 1"):
            build("transform", name).forward(torch.zeros(0, 1, 8, 8))


def test_numba_is_loaded_by_the_first_transform_only() -> None:
    check = """
import sys, torch
from wavegen import build
transform = build("transform", "db2")
assert "numba" not in sys.modules
transform(torch.zeros(1, 1, 8, 8))
assert "numba" in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
