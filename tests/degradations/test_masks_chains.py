"""Masks hide the given fraction; chains apply their parts in order, random ones draw all they may."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from wavegen.core.errors import InputError
from wavegen.core.registry import build
from wavegen.degradations import Chain, Diagonal, Downsample, GaussianBlur, Mask, RandomChain

MIXED = [
    {"name": "gaussian_blur", "sigma": [0.5, 2]},
    {"name": "motion_blur", "length": [3, 9], "angle": [0, 180]},
    {"name": "gaussian_noise", "sigma": [0.0, 0.1]},
]


@pytest.mark.parametrize("shape", ["pixels", "boxes", "strokes"])
@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.5])
def test_masks_hide_the_fraction_asked(shape, fraction):
    x = torch.rand(3, 2, 64, 80, generator=torch.Generator().manual_seed(0)) + 0.1
    y = Mask(fraction, shape, size=6)(x, 0)
    hidden = y == 0
    assert torch.equal(hidden[:, 0], hidden[:, 1])
    share = hidden[:, 0].float().mean(dim=(1, 2))
    assert bool((share >= fraction - 1e-3).all())
    # One box holds at most 6² pixels of 5120; one stroke up to six parts of 6 x 36.
    assert bool((share <= fraction + {"pixels": 1e-3, "boxes": 0.01, "strokes": 0.3}[shape]).all())
    assert_close(y, x * ~hidden)
    if fraction:
        assert not torch.equal(hidden[0], hidden[1])


def test_boxes_have_sides_from_half_their_size_to_all_of_it():
    hidden = 1 - Mask(0.0001, "boxes", size=12).operator((60, 1, 100, 100), 3).factors[:, 0]
    sides = [(int(one.any(1).sum()), int(one.any(0).sum())) for one in hidden]
    assert all(int(one.sum()) == rows * columns for one, (rows, columns) in zip(hidden, sides, strict=True))
    assert max(max(pair) for pair in sides) == 12
    inside = [one for one in hidden if not (one[[0, -1]].any() or one[:, [0, -1]].any())]
    assert min(min(int(one.any(1).sum()), int(one.any(0).sum())) for one in inside) == 6


def test_a_mask_of_another_size():
    operator = Mask().operator((1, 1, 16, 16), 0)
    with pytest.raises(InputError, match=r"Mask was made for images of shape \(1, 1, 16, 16\), got \(1, 1, 16, 20\)"):
        operator.apply(torch.rand(1, 1, 16, 20))
    with pytest.raises(InputError, match="finite"):
        Diagonal(torch.full((1, 1, 2, 2), torch.inf))


def test_chain_is_its_parts_in_order():
    x = torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    chain = Chain([{"name": "gaussian_blur", "sigma": 1.5}, {"name": "downsample", "factor": 2}])
    blurred = GaussianBlur(1.5)(x)
    assert_close(chain(x), Downsample(2)(blurred))
    assert_close(chain.adjoint(chain(x)), GaussianBlur(1.5).adjoint(Downsample(2).adjoint(chain(x))))
    assert chain.linear
    assert not chain.random
    mixed = Chain(["gaussian_blur", "camera"])
    assert not mixed.linear
    with pytest.raises(InputError, match="Camera is not linear"):
        mixed.operator((1, 1, 16, 16), 0)
    with pytest.raises(InputError, match="not negative"):
        mixed(x - 0.5, 0)
    # Ringing of an earlier part is no error: it is no light.
    edge = torch.zeros(1, 1, 16, 16)
    edge[..., 7:] = 100
    assert float(Downsample(2)(edge).min()) < -1
    assert torch.isfinite(Chain([{"name": "downsample", "factor": 2}, "camera"])(edge, 0)).all()


def test_wrong_chains():
    for spec, message in [
        ({"name": "chain", "parts": []}, "at least one part"),
        ({"name": "chain", "parts": ["blurr"]}, "part 1 of the chain: unknown degradation 'blurr'"),
        ({"name": "chain", "parts": ["mask", {"name": "mask", "size": 1}]}, "part 2 of the chain.*size = 1"),
        ({"name": "random_chain", "parts": []}, "0 parts"),
        ({"name": "random_chain", "parts": MIXED, "most": 4}, "most = 4"),
        ({"name": "random_chain", "parts": MIXED, "least": 3, "most": 2}, "least = 3"),
        ({"name": "random_chain", "parts": [{"name": "gaussian_blur", "sigma": [3, 1]}]}, "low to high"),
        ({"name": "random_chain", "parts": [{"name": "gaussian_blur", "sigma": [1, 999]}]}, "sigma = 999"),
        ({"name": "random_chain", "parts": [{"name": "gaussian_blur", "sigma": [0, 9]}]}, "sigma = 0"),
    ]:
        with pytest.raises(InputError, match=message):
            build("degradation", spec)


def test_random_chain_draws_members_order_and_strengths():
    model = RandomChain(MIXED, least=1)
    drawn = [model.draw(seed).specs for seed in range(90)]
    assert {len(specs) for specs in drawn} == {1, 2, 3}
    orders = {tuple(part["name"] for part in specs) for specs in drawn if len(specs) == 3}
    assert len(orders) == 6
    lengths = [p["length"] for specs in drawn for p in specs if p["name"] == "motion_blur"]
    assert set(lengths) == set(range(3, 10))  # a whole number, both ends included
    sigmas = [p["sigma"] for specs in drawn for p in specs if p["name"] == "gaussian_blur"]
    assert all(0.5 <= s <= 2 for s in sigmas)
    assert max(sigmas) - min(sigmas) > 1.2
    fixed = RandomChain(MIXED, least=3, shuffle=False)
    assert [part["name"] for part in fixed.draw(1).specs] == [part["name"] for part in MIXED]
    assert RandomChain(["mask"], least=0).draw(0) is None or RandomChain(["mask"], least=0).draw(1) is None


def test_each_image_gets_a_chain_of_its_own():
    x = torch.rand(1, 1, 24, 24, generator=torch.Generator().manual_seed(0)).expand(2, 1, 24, 24)
    y = RandomChain(MIXED)(x, 0)
    assert float((y[0] - y[1]).norm()) > 0
    one = RandomChain(MIXED).draw(5)
    assert_close(RandomChain(MIXED)(x[:1], 5), Chain(one.specs)(x[:1], _after_draw(5)))
    sizes = RandomChain([{"name": "binning", "factor": [1, 2]}])
    with pytest.raises(InputError, match="different sizes"):
        sizes(torch.rand(16, 1, 8, 8), 0)
    with pytest.raises(InputError, match="one operator at a time"):
        RandomChain(["mask"]).operator((2, 1, 8, 8), 0)


def _after_draw(seed: int) -> torch.Generator:
    generator = torch.Generator().manual_seed(seed)
    RandomChain(MIXED).draw(generator)
    return generator
