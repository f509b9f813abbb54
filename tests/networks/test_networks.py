"""Guards what networks of local operations do beyond the contract (tests/contracts): a receptive field that is tight,
padding, shifts, refused options.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import wavegen.networks
from wavegen.core.errors import InputError
from wavegen.core.registry import build, names
from wavegen.networks import ChannelNorm, ResidualBlock, TimeEmbedding
from wavegen.networks.convolutions import Shrink

NAMES = names("network")
assert wavegen.networks


def network(name: str, in_channels: int = 2, out_channels: int = 3, **options: Any) -> Any:
    """A network away from its (nearly linear) start, in evaluation mode."""
    made = build("network", {"name": name, **options}, in_channels=in_channels, out_channels=out_channels, time=True)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in made.parameters():
            spread = 0.2 if parameter.ndim < 2 else parameter[0].numel() ** -0.5
            parameter.add_(spread * torch.randn(parameter.shape, generator=generator))
    return made.double().eval()


def image(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def times(count: int) -> Tensor:
    return torch.linspace(0.1, 0.9, count, dtype=torch.float64)


# Options that a network of any architecture here understands, small enough for one thread.
SMALL: dict[str, Any] = {"width": 4, "multipliers": [1, 2]}
VARIANTS: list[dict[str, Any]] = [
    {"width": 4, "multipliers": [1]},
    {"width": 4, "multipliers": [1, 2], "blocks": 2},
    {"width": 4, "multipliers": [1, 1, 1]},
    {"width": 4, "multipliers": [1, 2], "patch": 2},
]


def changed_rows(net: Any, size: int, place: int) -> list[int]:
    """Rows and columns of the output that notice a change of one pixel on the diagonal."""
    x = image(1, 2, size, size)
    other = x.clone()
    other[:, :, place, place] += 1.0
    with torch.no_grad():
        difference = (net(x, times(1))[0] - net(other, times(1))[0]).abs().amax(dim=(0, 1))
    rows, columns = (difference.amax(dim=axis).nonzero().flatten().tolist() for axis in (1, 0))
    assert rows
    return [place - min(*rows, *columns), max(*rows, *columns) - place]


@pytest.mark.parametrize("options", VARIANTS, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_radius_is_true_and_tight(name: str, options: dict[str, Any]) -> None:
    net = network(name, **options)
    radius, multiple = net.radius, net.multiple
    # Room for twice the radius, so that an effect outside it would be seen.
    size = -(-(2 * 2 * radius + 2 * multiple) // multiple) * multiple
    reach = 0
    for shift in range(multiple):
        reach = max(reach, *changed_rows(net, size, size // 2 // multiple * multiple + shift))
    assert reach <= radius, "an output pixel sees farther than the network says"
    assert reach >= radius - multiple, "the bound is looser than one cell"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_global(name: str) -> None:
    """Whatever happens beyond the receptive radius leaves a pixel's bits as they are."""
    net = network(name, **SMALL)
    size = 4 * net.radius // net.multiple * net.multiple
    x, other = image(2, 2, size, size), 100 * image(2, 2, size, size, seed=1)
    keep = 3 * net.radius  # columns that both inputs share
    other[..., :keep] = x[..., :keep]
    with torch.no_grad():
        a, b = net(x, times(2))[0], net(other, times(2))[0]
    inside = keep - net.radius
    torch.testing.assert_close(a[..., :inside], b[..., :inside], rtol=0, atol=0)
    assert (a[..., keep:] - b[..., keep:]).norm() > 1


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 2), (5, 13), (16, 8)], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_any_size(name: str, size: tuple[int, int]) -> None:
    for options in VARIANTS:
        net = network(name, **options)
        with torch.no_grad():
            out, features = net(image(2, 2, *size), times(2))
        assert out.shape == (2, 3, *size)
        assert torch.isfinite(out).all()
        # The features' grid: patches of the input, padded to whole coarsest cells.
        rows, columns = (-(-side // net.multiple) * net.multiple // net.patch for side in size)
        assert features.shape == (2, net.feature_channels, rows, columns)


@pytest.mark.parametrize("name", NAMES)
def test_padding_is_the_repeated_border(name: str) -> None:
    net, x = network(name, **SMALL), image(1, 2, 7, 5)
    whole = F.pad(x, (0, -5 % net.multiple, 0, -7 % net.multiple), mode="replicate")
    with torch.no_grad():
        torch.testing.assert_close(net(x, times(1))[0], net(whole, times(1))[0][..., :7, :5])


@pytest.mark.parametrize("options", VARIANTS, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_translation_by_multiple_commutes(name: str, options: dict[str, Any]) -> None:
    net = network(name, **options)
    radius, step = net.radius, net.multiple
    size = -(-(2 * radius + 4 * step) // step) * step
    x = image(1, 2, size + step, size)
    with torch.no_grad():
        a, b = net(x[..., :-step, :], times(1))[0], net(x[..., step:, :], times(1))[0]
    inner = slice(radius, size - radius)
    torch.testing.assert_close(
        a[..., radius + step : size - radius, inner], b[..., radius : size - radius - step, inner]
    )


@pytest.mark.parametrize("name", NAMES)
def test_wrong_options_are_refused(name: str) -> None:
    mistakes: list[dict[str, Any]] = [
        {"width": 0},
        {"multipliers": []},
        {"multipliers": [0]},
        {"blocks": 0},
        {"patch": 0},
    ]
    for wrong in mistakes:
        with pytest.raises(InputError, match=next(iter(wrong))):
            build("network", {"name": name, **wrong}, in_channels=1, out_channels=1, time=True)


def test_channel_norm_is_layer_norm_of_each_pixel() -> None:
    norm, x = ChannelNorm(5).double(), image(2, 5, 4, 3)
    with torch.no_grad():
        norm.weight.copy_(image(5))
        norm.bias.copy_(image(5, seed=1))
    mean, variance = x.mean(dim=1, keepdim=True), x.var(dim=1, keepdim=True, correction=0)
    wanted = (x - mean) / (variance + 1e-5).sqrt() * norm.weight[:, None, None] + norm.bias[:, None, None]
    torch.testing.assert_close(norm(x), wanted)


def test_time_embedding_tells_near_and_far_times_apart() -> None:
    embedding = TimeEmbedding(16)
    found = embedding(torch.tensor([0.0, 0.001, 0.5, 1.0]))
    assert found.shape == (4, 16)
    gaps = torch.cdist(found, found) + torch.eye(4)
    assert gaps.min() > 1e-4


def test_residual_block_starts_near_its_skip() -> None:
    block, x = ResidualBlock(4, 4, time_channels=8).double(), image(2, 4, 6, 6)
    assert isinstance(block.skip, nn.Identity)
    with torch.no_grad():
        moved = block(x, image(2, 8)) - x
    assert 0 < moved.norm() < 0.1 * x.norm()


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last], ids=str)
def test_shrinking_is_the_strided_convolution(memory: torch.memory_format) -> None:
    shrink, x = Shrink(3, 5).double().to(memory_format=memory), image(2, 3, 6, 4).contiguous(memory_format=memory)
    torch.testing.assert_close(shrink(x), F.conv2d(x, shrink.weight, shrink.bias, stride=2))
    assert {name: tuple(value.shape) for name, value in shrink.state_dict().items()} == {
        "weight": (5, 3, 2, 2),
        "bias": (5,),
    }
