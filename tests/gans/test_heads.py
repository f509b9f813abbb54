"""What every registered head must do."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import wavegen.gans
import wavegen.networks
from wavegen.errors import InputError
from wavegen.registry import build, names
from wavegen.types import Details

NAMES = names("head")
NETWORK = {"name": "unet", "width": 4, "multipliers": [1, 2]}
assert wavegen.gans
assert wavegen.networks


def head(name: str, channels: int = 2, trunk: tuple[int, int] | None = (6, 2), **options: Any) -> Any:
    made = build("head", {"name": name, "network": NETWORK, **options}, channels=channels, trunk=trunk)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return made


def image(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def inputs(noise: int = 1, size: tuple[int, int] = (6, 5), channels: int = 2) -> dict[str, Any]:
    """Arguments of one call; the features lie on 2 x 2 patches, padded to whole cells."""
    shape = (3, channels, *size)
    return {
        "ll": image(*shape),
        "y_ll": image(*shape, seed=1),
        "y_details": Details(*(image(*shape, seed=s) for s in (2, 3, 4))),
        "noise": image(3, noise, *size, seed=5),
        "features": image(3, 6, *((side + 3) // 4 * 2 for side in size), seed=6),
    }


def joined(details: Details) -> Tensor:
    return torch.cat(details, dim=1)


@pytest.mark.parametrize("size", [(1, 1), (6, 5), (3, 9)], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_shapes(name: str, size: tuple[int, int]) -> None:
    variants: list[dict[str, Any]] = [{}, {"noise": 0}, {"noise": 3}, {"features": 4}, {"output": "residual"}]
    for options in variants:
        out = head(name, **options)(**inputs(options.get("noise", 1), size))
        assert isinstance(out, Details)
        assert all(band.shape == (3, 2, *size) for band in out)
        assert all(band.dtype == torch.float32 for band in out)


@pytest.mark.parametrize("name", NAMES)
def test_noise_is_used_where_there_is_any(name: str) -> None:
    made, given = head(name, noise=2), inputs(2)
    assert made.noise_channels == 2
    other = {**given, "noise": image(3, 2, 6, 5, seed=9)}
    assert (joined(made(**given)) - joined(made(**other))).norm() > 1e-3
    silent = head(name, noise=0)
    assert silent.noise_channels == 0
    torch.testing.assert_close(joined(silent(**inputs(0))), joined(silent(**inputs(0))), rtol=0, atol=0)


@pytest.mark.parametrize("changed", ["ll", "y_ll", "y_details"])
@pytest.mark.parametrize("name", NAMES)
def test_every_band_is_seen(name: str, changed: str) -> None:
    made, given = head(name), inputs()
    if changed == "y_details":
        details = given["y_details"]
        others = [details._replace(**{band: getattr(details, band) + 1}) for band in Details._fields]
    else:
        others = [given[changed] + image(3, 2, 6, 5, seed=9)]
    for other in others:
        assert (joined(made(**given)) - joined(made(**{**given, changed: other}))).norm() > 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_features_are_used_where_they_are_shared(name: str) -> None:
    given = inputs()
    other = {**given, "features": given["features"] + 1}
    taking = head(name, features=4)
    assert (joined(taking(**given)) - joined(taking(**other))).norm() > 1e-3
    for made in (head(name, features=0), head(name, features=4, trunk=None)):
        torch.testing.assert_close(joined(made(**given)), joined(made(**{**given, "features": None})), rtol=0, atol=0)


@pytest.mark.parametrize("name", NAMES)
def test_features_stay_at_their_place(name: str) -> None:
    """The pixel shuffle puts a patch's features on that patch, not elsewhere."""
    made, given = head(name, features=4), inputs(size=(32, 32))
    radius = made.network.receptive_radius
    features = given["features"].clone()
    features[:, :, 0, 0] += 1
    difference = joined(made(**given)) - joined(made(**{**given, "features": features}))
    assert difference[..., :2, :2].norm() > 1e-3
    torch.testing.assert_close(difference[..., 2 + radius :, :], torch.zeros(3, 6, 30 - radius, 32))
    torch.testing.assert_close(difference[..., 2 + radius :], torch.zeros(3, 6, 32, 30 - radius))


@pytest.mark.parametrize("name", NAMES)
def test_residual_adds_the_bands_of_y(name: str) -> None:
    absolute, residual = head(name), head(name, output="residual")
    residual.load_state_dict(absolute.state_dict())
    given = inputs()
    wanted = joined(absolute(**given)) + joined(given["y_details"])
    torch.testing.assert_close(joined(residual(**given)), wanted)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_and_input_gets_a_gradient(name: str) -> None:
    made, given = head(name, features=4), inputs()
    tensors = {"ll": given["ll"], "features": given["features"], "noise": given["noise"], "y_ll": given["y_ll"]}
    for tensor in tensors.values():
        tensor.requires_grad_()
    joined(made(**given)).square().sum().backward()  # type: ignore[no-untyped-call]
    gradients = {**{k: p.grad for k, p in made.named_parameters()}, **{k: t.grad for k, t in tensors.items()}}
    for key, gradient in gradients.items():
        assert gradient is not None, key
        assert torch.isfinite(gradient).all(), key
        assert gradient.norm() > 0, key


@pytest.mark.parametrize("name", NAMES)
def test_wrong_options_are_refused(name: str) -> None:
    for wrong in ({"noise": -1}, {"features": -1}, {"output": "relative"}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            head(name, **wrong)
    with pytest.raises(InputError, match="unknown option 'trunk'"):
        build("head", {"name": name, "trunk": [4, 1]}, channels=1)
