"""Guards what networks of local operations do beyond the contract (tests/contracts): a receptive field that is tight,
padding, shifts, refused options.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import wavegen.networks
from wavegen.core.errors import InputError
from wavegen.core.registry import build, names
from wavegen.networks import TimeEmbedding
from wavegen.networks.blocks import BLOCKS

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
    {"width": 4, "multipliers": [2, 1], "blocks": [1, 3]},
    *({"width": 8, "multipliers": [1, 2], "block": block} for block in BLOCKS),
    {"width": 8, "multipliers": [1, 2], "norm": "rms", "branch": 0.1, "modulation": "input", "join": "add"},
    {"width": 8, "multipliers": [1, 1], "norm": "none", "branch": "unit", "modulation": "shift", "block": "convnext"},
    {"width": 8, "multipliers": [1], "branch": "zero", "block": "partial", "blocks": 2, "patch": 2},
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
        {"blocks": [1, 1]},  # of three levels
        {"blocks": [1, 0, 1]},
        {"patch": 0},
        {"block": "dense"},
        {"block": "nafnet", "norm": "none"},
        {"norm": "batch"},
        {"branch": 0},
        {"modulation": "output"},
        {"join": "multiply"},
    ]
    for wrong in mistakes:
        with pytest.raises(InputError, match=next(iter(wrong))):
            build("network", {"name": name, **wrong}, in_channels=1, out_channels=1, time=True)


def test_time_embedding_tells_near_and_far_times_apart() -> None:
    embedding = TimeEmbedding(16)
    found = embedding(torch.tensor([0.0, 0.001, 0.5, 1.0]))
    assert found.shape == (4, 16)
    gaps = torch.cdist(found, found) + torch.eye(4)
    assert gaps.min() > 1e-4


@pytest.mark.parametrize("options", VARIANTS, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_bf16_is_float32_to_its_rounding(name: str, options: dict[str, Any]) -> None:
    net = network(name, **options).float().to(memory_format=torch.channels_last)
    x, t = image(2, 2, 11, 14).float(), times(2).float()
    with torch.no_grad():
        exact = net(x, t)[0]
        with torch.autocast("cpu", torch.bfloat16):
            rounded = net(x, t)[0].float()
    assert torch.isfinite(rounded).all()
    assert (rounded - exact).norm() < 0.03 * exact.norm()


@pytest.mark.parametrize("block", BLOCKS)
def test_noise_enters_at_every_scale(block: str) -> None:
    options = {"name": "unet", "width": 8, "multipliers": [1, 2], "block": block}
    net = build("network", options, in_channels=3, out_channels=1, time=True, inject=1).double()
    x = image(1, 3, 8, 8)
    out = net(x, times(1))[0]
    for weight in (mix.weight for mix in net.mix):
        (gradient,) = torch.autograd.grad(out.square().sum(), weight, retain_graph=True)
        assert gradient.abs().max() > 0


def test_only_the_chosen_way_of_time_has_parameters() -> None:
    def parameters(modulation: str) -> list[str]:
        return [key for key in network("unet", **SMALL, modulation=modulation).state_dict() if "embedding" not in key]

    film, shift, enter = (parameters(m) for m in ("film", "shift", "input"))
    assert film == shift
    assert {key.split(".")[0] for key in enter if key not in film} == {"times"}
    assert not [key for key in enter if "film" in key]
    net, half = (network("unet", **SMALL, modulation=m) for m in ("film", "shift"))
    assert net.down[0][0].film.weight.shape[0] == 2 * half.down[0][0].film.weight.shape[0]


OPTIONS: list[dict[str, Any]] = [
    *({"block": block} for block in BLOCKS),
    *({"norm": norm, "branch": branch} for norm in ("rms", "none") for branch in ("zero", "unit", 0.1)),
    {"join": "add", "modulation": "input"},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_option_can_be_trained(options: dict[str, Any]) -> None:
    """A blur and a shift that depends on t: nothing that a network could not learn in some steps."""
    torch.manual_seed(0)
    net = build(
        "network", {"name": "unet", "width": 8, "multipliers": [1, 2], **options}, in_channels=1, out_channels=1
    )
    optimizer = torch.optim.Adam(net.parameters(), 5e-3)
    generator = torch.Generator().manual_seed(0)
    losses = []
    for _ in range(40):
        x, t = torch.randn(4, 1, 8, 8, generator=generator), torch.rand(4, generator=generator)
        wanted = F.avg_pool2d(x, 3, 1, 1) + t[:, None, None, None]
        loss = F.mse_loss(net(x, t)[0], wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert sum(losses[-5:]) < 0.4 * sum(losses[:5])
