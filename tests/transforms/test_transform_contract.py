"""Guards what transforms do beyond the contract (tests/contracts): every wavelet's shapes, any size, second
derivatives, copies, memory formats, messages.
"""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.registry import build, describe, entry, names
from wavegen.core.types import Details, Subbands
from wavegen.transforms import DyadicTransform, Transform, max_levels

NAMES = [name for name in names("transform") if name != "custom"]  # it needs taps: test_filterbank.py
CONTROLS = ["space_to_depth", "identity", "pool", "undecimated", "packets"]
KINDS = ["haar", "db3", "bior4.4", "lattice", "lifting", *CONTROLS]
# One name of each class: wrong input is refused by code that all wavelets of a class share.
DISTINCT = list({entry("transform", name).factory: name for name in NAMES}.values())
OPTIONS = {"identity": {}, "space_to_depth": {"factor": 2}}


def image(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def all_bands(bands: Subbands) -> list[Tensor]:
    return [bands.ll, *(band for details in bands.details for band in details)]


def assert_same(got: Subbands, want: Subbands) -> None:
    for a, b in zip(all_bands(got), all_bands(want), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("name", NAMES)
def test_shapes_dtypes_and_levels(name: str) -> None:
    transform: Transform = build("transform", name)
    assert describe("transform", name)["summary"]
    for dtype in (torch.float32, torch.float64):
        bands = transform.forward(image(2, 3, 13, 10, dtype=dtype))
        sizes = transform.sizes((13, 10))
        assert sizes[0] == bands.size == (13, 10)
        assert bands.ll.shape == (2, transform.coarse_channels(3), *sizes[-1])
        assert len(bands.details) == transform.levels
        for details, size in zip(reversed(bands.details), sizes[1:], strict=False):
            assert all(band.shape == (2, 3, *size) for band in details)
        assert all(band.dtype == dtype for band in all_bands(bands))
    assert transform.inverse(bands).shape == (2, 3, 13, 10)
    if "trainable" not in describe("transform", name)["capabilities"]:
        assert not list(transform.parameters())
        assert not transform.state_dict()


@pytest.mark.parametrize("name", NAMES)
def test_moving_to_another_dtype_keeps_the_taps(name: str) -> None:
    x = image(1, 1, 9, 8)
    assert_same(build("transform", name).float().forward(x), build("transform", name).forward(x))


@pytest.mark.parametrize("name", KINDS)
def test_copies_and_pickles(name: str) -> None:
    transform, x = build("transform", name), image(1, 1, 9, 8)
    for other in (copy.deepcopy(transform), pickle.loads(pickle.dumps(transform))):
        assert_same(other.forward(x), transform.forward(x))
        assert repr(other) == repr(transform)


@settings(deadline=None, max_examples=40)
@given(
    name=st.sampled_from(["haar", "db2", "sym5", "coif2", "bior2.6", "rbio3.1", "lattice", "lifting", *CONTROLS]),
    option=st.integers(2, 4),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    seed=st.integers(0, 99),
)
def test_any_size_is_reconstructed(name: str, option: int, height: int, width: int, seed: int) -> None:
    key = {"identity": {}, "space_to_depth": {"factor": 2 * option}, "packets": {"levels": option}}.get(
        name, {"levels": min(option, max_levels((height, width)))}
    )
    transform: Transform = build("transform", {"name": name, **key})
    x = image(2, 2, height, width, seed=seed)
    bands = transform.forward(x)
    assert tuple(bands.ll.shape[-2:]) == transform.sizes((height, width))[-1]
    assert transform.reconstruction_error(x) <= 1e-10
    torch.testing.assert_close(transform.inverse(bands), x)


@pytest.mark.parametrize("name", ["haar", "db4", "rbio3.3", "lattice", "lifting", "pool", "undecimated"])
def test_level_by_level_equals_inverse(name: str) -> None:
    transform: Transform = build("transform", {"name": name, "levels": 3})
    x = image(2, 2, 21, 34)
    bands = transform.forward(x)
    sizes, ll = transform.sizes((21, 34)), bands.ll
    for k, details in zip((3, 2, 1), bands.details, strict=True):
        ll = transform.inverse_level(ll, details, sizes[k - 1], k)
        coarser = build("transform", {"name": name, "levels": k - 1}).forward(x).ll if k > 1 else x
        torch.testing.assert_close(ll, coarser)


@pytest.mark.parametrize("name", KINDS)
def test_linear_and_gradcheck(name: str) -> None:
    transform: Transform = build("transform", {"name": name, **OPTIONS.get(name, {"levels": 2})})
    x = image(1, 2, 5, 6).requires_grad_()

    def forward(image: Tensor) -> tuple[Tensor, ...]:
        return tuple(all_bands(transform.forward(image)))

    def inverse(*bands: Tensor) -> Tensor:
        details = tuple(Details(*bands[i : i + 3]) for i in range(1, len(bands), 3))
        return transform.inverse(Subbands(bands[0], details, (5, 6)))

    bands = tuple(band.detach().clone().requires_grad_() for band in forward(x))
    assert torch.autograd.gradcheck(forward, (x,))
    assert torch.autograd.gradcheck(inverse, bands)
    # Second order (gradient penalties) through a function that is not linear.
    assert torch.autograd.gradgradcheck(lambda image: torch.stack([b.sin().sum() for b in forward(image)]), (x,))
    assert torch.autograd.gradgradcheck(lambda *b: inverse(*b).sin().sum(), bands)


@pytest.mark.parametrize("name", KINDS)
def test_memory_format_does_not_matter(name: str) -> None:
    transform, x = build("transform", name), image(2, 3, 12, 9)
    want = transform.forward(x)
    views = [x.to(memory_format=torch.channels_last), x.mT.contiguous().mT, image(2, 3, 12, 18)[..., ::2]]
    views[2] = views[2].copy_(x)
    for view in views:
        assert_same(transform.forward(view), want)
    last = tuple(Details(*(band.to(memory_format=torch.channels_last) for band in level)) for level in want.details)
    bands = Subbands(want.ll.to(memory_format=torch.channels_last), last, want.size)
    torch.testing.assert_close(transform.inverse(bands), x)


@pytest.mark.parametrize("name", KINDS)
def test_batch_and_channels_are_independent(name: str) -> None:
    transform, x = build("transform", name), image(3, 2, 11, 12)
    whole = transform.forward(x)
    one = transform.forward(x[1:2, :1])
    for a, b in zip(all_bands(whole), all_bands(one), strict=True):
        torch.testing.assert_close(a[1:2, : b.shape[1]], b)


def test_space_to_depth_closed_form() -> None:
    transform: Transform = build("transform", {"name": "space_to_depth", "factor": 2})
    x = torch.arange(6.0).view(1, 1, 2, 3)
    ll = transform.forward(x).ll
    want = torch.tensor([[[0.0, 2.0]], [[1.0, 2.0]], [[3.0, 5.0]], [[4.0, 5.0]]])[None]
    torch.testing.assert_close(ll, want)


def test_error_of_a_zero_image_and_of_a_wrong_inverse() -> None:
    class Wrong(DyadicTransform):
        def analyse(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
            half = x[..., ::2, ::2]
            return half, half, half, half

        def synthesise(self, ll: Tensor, h: Tensor, v: Tensor, d: Tensor) -> Tensor:
            return torch.zeros(*ll.shape[:2], 2 * ll.shape[2], 2 * ll.shape[3], dtype=ll.dtype)

    x = image(1, 1, 8, 8)
    torch.testing.assert_close(Wrong(1).reconstruction_error(x), 1.0)
    torch.testing.assert_close(build("transform", "db4").reconstruction_error(torch.zeros_like(x)), 0.0)


@pytest.mark.parametrize("name", DISTINCT)
def test_wrong_images(name: str) -> None:
    transform: Transform = build("transform", name)
    for wrong, message in [
        (torch.zeros(1, 1, 4, 4, dtype=torch.uint8), "uint8"),
        (torch.zeros(1, 1, 4, 4, dtype=torch.complex64), "complex64"),
        (torch.zeros(4, 4), r"\(4, 4\)"),
        (torch.zeros(1, 1, 0, 4), r"\(1, 1, 0, 4\)"),
        (torch.zeros(0, 1, 4, 4), r"\(0, 1, 4, 4\)"),
    ]:
        with pytest.raises(InputError, match=message):
            transform.forward(wrong)
    with pytest.raises(InputError, match="image size"):
        transform.sizes((0, 4))


@pytest.mark.parametrize("name", DISTINCT)
def test_wrong_subbands(name: str) -> None:
    transform: Transform = build("transform", name)
    bands = transform.forward(image(1, 2, 12, 20))
    ll, details, size = bands
    extra = Details(ll, ll, ll)
    for wrong in [
        Subbands(ll[..., 1:], details, size),
        Subbands(ll[0], details, size),
        Subbands(ll, (*details, extra), size),
        Subbands(ll, details, (size[0] + 24, size[1])),
        Subbands(ll, details, (0, 20)),
        Subbands(ll.long(), details, size),
    ]:
        with pytest.raises(InputError):
            transform.inverse(wrong)


def test_wrong_details_are_named_with_their_shapes() -> None:
    transform: Transform = build("transform", "haar")
    ll, (coarse, fine), size = transform.forward(image(1, 2, 12, 20))
    with pytest.raises(InputError, match=r"1 detail levels; expected 2"):
        transform.inverse(Subbands(ll, (coarse,), size))
    with pytest.raises(InputError, match=r"band v has shape \(1, 1, 3, 5\).*\(1, 2, 3, 5\)"):
        transform.inverse(Subbands(ll, (coarse._replace(v=coarse.v[:, :1]), fine), size))
    with pytest.raises(InputError, match=r"band h has shape \(1, 2, 3, 5\).*\(1, 2, 6, 10\)"):
        transform.inverse(Subbands(ll, (coarse, coarse), size))
    with pytest.raises(InputError, match="float32"):
        transform.inverse_level(ll, coarse._replace(d=coarse.d.float()), (6, 10))
    with pytest.raises(InputError, match=r"needs \(4, 5\)"):
        transform.inverse_level(ll, coarse, (7, 10))


@pytest.mark.parametrize("name", ["identity", "space_to_depth", "packets"])
def test_transforms_without_details_have_no_level_to_invert(name: str) -> None:
    ll = image(1, 16, 2, 2)
    with pytest.raises(InputError, match="no detail levels"):
        build("transform", name).inverse_level(ll, Details(ll, ll, ll), (4, 4))


def test_channels_that_are_no_patches() -> None:
    with pytest.raises(InputError, match="multiple of 16"):
        build("transform", "space_to_depth").inverse(Subbands(image(1, 8, 2, 2), (), (8, 8)))


@pytest.mark.parametrize(
    "spec",
    [
        {"name": "haar", "levels": 0},
        {"name": "db4", "levels": 9},
        {"name": "db4", "wavelet": "db2"},
        {"name": "db99"},
        {"name": "space_to_depth", "factor": 1},
        {"name": "identity", "levels": 2},
    ],
)
def test_wrong_options(spec: dict[str, object]) -> None:
    with pytest.raises(InputError):
        build("transform", spec)
