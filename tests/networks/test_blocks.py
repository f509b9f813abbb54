"""Guards the parts of networks: they compute their formulas, and fast forms compute what the plain ones do."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wavegen.networks import ChannelNorm, ResidualBlock
from wavegen.networks.blocks import BLOCKS, BranchEnd, NafBlock, PartialBlock, Style
from wavegen.networks.convolutions import Depthwise, Enter, Leave, Shrink
from wavegen.networks.norms import ChannelRms
from wavegen.networks.times import Film

MEMORY = [torch.contiguous_format, torch.channels_last]


def image(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_channel_norm_is_layer_norm_of_each_pixel() -> None:
    norm, x = ChannelNorm(5).double(), image(2, 5, 4, 3)
    with torch.no_grad():
        norm.weight.copy_(image(5))
        norm.bias.copy_(image(5, seed=1))
    mean, variance = x.mean(dim=1, keepdim=True), x.var(dim=1, keepdim=True, correction=0)
    wanted = (x - mean) / (variance + 1e-5).sqrt() * norm.weight[:, None, None] + norm.bias[:, None, None]
    torch.testing.assert_close(norm(x), wanted)


def test_channel_rms_is_the_root_mean_square_of_each_pixel() -> None:
    norm, x = ChannelRms(5).double(), image(2, 5, 4, 3)
    with torch.no_grad():
        norm.weight.copy_(image(5))
    wanted = x / (x.square().sum(dim=1, keepdim=True) / 5 + 1e-5).sqrt() * norm.weight[:, None, None]
    torch.testing.assert_close(norm(x), wanted)


def test_film_scales_and_shifts() -> None:
    film, shift = Film(6, 4).double(), Film(6, 4, shift_only=True).double()
    h, embedding = image(2, 4, 3, 3), image(2, 6, seed=1)
    both, alone = film(embedding), shift(embedding)
    torch.testing.assert_close(film.modulate(h, embedding), torch.stack([
        h[i] * (1 + both[i, :4, None, None]) + both[i, 4:, None, None] for i in range(2)
    ]))  # fmt: skip
    torch.testing.assert_close(shift.modulate(h, embedding), h + alone[:, :, None, None])


@pytest.mark.parametrize("memory", MEMORY, ids=str)
def test_shrinking_is_the_strided_convolution(memory: torch.memory_format) -> None:
    shrink, x = Shrink(3, 5).double().to(memory_format=memory), image(2, 3, 6, 4).contiguous(memory_format=memory)
    torch.testing.assert_close(shrink(x), F.conv2d(x, shrink.weight, shrink.bias, stride=2))
    assert {name: tuple(value.shape) for name, value in shrink.state_dict().items()} == {
        "weight": (5, 3, 2, 2),
        "bias": (5,),
    }


@pytest.mark.parametrize("memory", MEMORY, ids=str)
@pytest.mark.parametrize("patch", [1, 2, 3])
def test_patches_are_those_of_pixel_shuffle(patch: int, memory: torch.memory_format) -> None:
    enter, leave = (kind(4, 5, patch).double().to(memory_format=memory) for kind in (Enter, Leave))
    x, h = (image(2, 4, 6 * k, 12 * k).contiguous(memory_format=memory) for k in (patch, 1))
    torch.testing.assert_close(enter(x), F.conv2d(F.pixel_unshuffle(x, patch), enter.weight, enter.bias, padding=1))
    torch.testing.assert_close(leave(h), F.pixel_shuffle(F.conv2d(h, leave.weight, leave.bias, padding=1), patch))


@pytest.mark.parametrize("kernel", [3, 7])
def test_depthwise_is_the_grouped_convolution_with_its_gradients(kernel: int) -> None:
    layer, x = Depthwise(4, kernel).double(), image(2, 4, 9, 8).requires_grad_()
    plain = F.conv2d(x, layer.weight, layer.bias, padding=kernel // 2, groups=4)
    torch.testing.assert_close(layer(x), plain)
    g = image(2, 4, 9, 8, seed=1)
    found, wanted = (torch.autograd.grad((o * g).sum(), [x, *layer.parameters()]) for o in (layer(x), plain))
    torch.testing.assert_close(found, wanted)
    assert layer.float()(x.detach().bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_begin_where_the_style_says(name: Any) -> None:
    """On their skip (``zero``), near it (``small``), or away from it by what a learned gain starts with."""
    x, embedding = image(2, 8, 6, 6), image(2, 8, seed=1)

    def moved(branch: Any, seed: int = 0) -> float:
        torch.manual_seed(seed)
        block = BLOCKS[name](8, 8, 8, Style(branch=branch)).double()
        assert isinstance(block.skip, nn.Identity)
        with torch.no_grad():
            return float((block(x, embedding) - x).norm() / x.norm())

    assert moved("zero") == 0
    assert 0 < moved("small") < 0.1
    assert 0.4 < moved(0.05) / moved(0.1) < 0.6
    assert moved(0.01) < 0.3 * moved("unit")


def test_unit_branches_add_up_to_the_same_whatever_their_number() -> None:
    def spread(depth: int) -> float:
        torch.manual_seed(0)
        x = torch.randn(64, 16, 4, 4)
        with torch.no_grad():
            return float(sum(BranchEnd(16, 16, 3, Style(branch="unit", depth=depth))(x) for _ in range(depth)).std())

    assert spread(16) == pytest.approx(spread(1), rel=0.25)


def test_a_gain_multiplies_what_the_branch_gives() -> None:
    end, x = BranchEnd(4, 3, 3, Style(branch=0.5)).double(), image(1, 4, 5, 5)
    with torch.no_grad():
        end.gain.copy_(image(3))
    wanted = F.conv2d(x, end.weight, end.bias, padding=1) * image(3)[:, None, None]
    torch.testing.assert_close(end(x), wanted)


@pytest.mark.parametrize(("depth", "factor"), [(1, 1.0), (4, 0.5)])
def test_unit_is_the_usual_beginning_over_the_root_of_the_depth(depth: int, factor: float) -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(4, 4, 3)
    torch.manual_seed(0)
    end = BranchEnd(4, 4, 3, Style(branch="unit", depth=depth))
    torch.testing.assert_close(end.weight, plain.weight * factor)
    assert math.isclose(float(end.bias.detach().norm()), factor * float(plain.bias.detach().norm()), rel_tol=1e-5)  # type: ignore[union-attr]


def test_the_partial_convolution_leaves_three_quarters_to_the_pixel() -> None:
    """With nothing but the partial convolution between them, other pixels act on a quarter of the channels alone."""
    block = PartialBlock(8, 8, 0, Style(norm="none")).double()
    seen: list[Tensor] = []
    block.expand.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    x = image(1, 8, 5, 5)
    other = x.clone()
    other[..., 2, 2] += 1
    with torch.no_grad():
        block(x)
        block(other)
    changed = (seen[0] - seen[1]).abs().sum(dim=(0, 2, 3)), (seen[0] - seen[1])[:, 2:].abs().sum(dim=(0, 1))
    assert (changed[0] > 0).all()
    assert int((changed[1] > 0).sum()) == 1


def test_the_gates_of_naf_blocks_are_products() -> None:
    """A branch that begins with a gate is quadratic in what it gates: without biases, twice that gives four times."""
    block = NafBlock(4, 4, 0, Style(norm="none")).double()
    with torch.no_grad():
        for name, parameter in block.named_parameters():
            if name.endswith("bias") or name == "contract2.weight":
                parameter.zero_()
        x = image(1, 4, 5, 5)
        torch.testing.assert_close(block(2 * x) - 2 * x, 4 * (block(x) - x))


def test_residual_block_starts_near_its_skip() -> None:
    block, x = ResidualBlock(4, 4, time_channels=8).double(), image(2, 4, 6, 6)
    with torch.no_grad():
        moved = block(x, image(2, 8)) - x
    assert 0 < moved.norm() < 0.1 * x.norm()
