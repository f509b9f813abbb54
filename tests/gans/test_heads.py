"""What every registered head must do."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from bands import LEARNT, NAMES, NOISY, given, head, image
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.registry import build, entry
from wavegen.core.types import Details
from wavegen.gans import Head, LevelInput


def noise(made: Head, size: tuple[int, int] = (6, 5), seed: int = 5) -> Tensor:
    return image(3, made.noise_channels, *size, seed=seed)


def drawn(made: Head, known: LevelInput, seed: int = 5) -> Tensor:
    out = made(known, noise(made, (known.ll.shape[-2], known.ll.shape[-1]), seed))
    assert isinstance(out, Details)
    return torch.cat(out, dim=1)


VARIANTS: list[dict[str, Any]] = [
    {},
    {"noise": 0},
    {"noise": 3},
    {"noise": 2, "inject": True},
    {"features": 4},
    {"noise_level": True},
    {"output": "residual"},
    {"steps": 3},
    {"bridge": {"name": "ddpm"}},
    {"bridge": {"name": "irsde"}, "steps": 1},
    {"bridge": {"name": "regression"}, "steps": 1},
]


def variants(name: str) -> list[dict[str, Any]]:
    known = entry("head", name).options().model_fields
    return [options for options in VARIANTS if options.keys() <= known.keys()]


@pytest.mark.parametrize("size", [(1, 1), (6, 5), (3, 9)], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_shapes(name: str, size: tuple[int, int]) -> None:
    for options in variants(name):
        made = head(name, **options)
        for out in (
            made(given(size), noise(made, size)),
            made.estimate(given(size), given(size).y_details, noise(made, size), torch.Generator().manual_seed(0)),
        ):
            assert isinstance(out, Details)
            assert all(band.shape == (3, 2, *size) for band in out), options
            assert all(band.dtype == torch.float32 for band in out), options
            assert all(torch.isfinite(band).all() for band in out), options


@pytest.mark.parametrize("name", NAMES)
def test_noise_alone_decides_a_draw(name: str) -> None:
    """The same noise gives the same bits; other noise gives other bands wherever the head takes any."""
    for options in variants(name):
        made = head(name, **options)
        torch.manual_seed(1)
        first = drawn(made, given())
        torch.manual_seed(2)
        torch.testing.assert_close(drawn(made, given()), first, rtol=0, atol=0)
        assert ((drawn(made, given(), seed=9) - first).norm() > 1e-4) == (made.noise_channels > 0), options


@pytest.mark.parametrize("name", NAMES)
def test_items_do_not_mix(name: str) -> None:
    """Batch 1 gives what the item gives in a batch: no norm over the batch."""
    made, known = head(name), given()
    z = noise(made)
    together = torch.cat(made(known, z), dim=1)
    for item in range(3):
        one = slice(item, item + 1)
        alone = LevelInput(
            known.ll[one],
            known.y_ll[one],
            Details(*(band[one] for band in known.y_details)),
            None if known.features is None else known.features[one],
            None if known.sigma is None else Details(*(s[one] for s in known.sigma)),
        )
        torch.testing.assert_close(torch.cat(made(alone, z[one]), dim=1), together[one], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NOISY)
def test_noise_channels(name: str) -> None:
    assert head(name, noise=2).noise_channels == 2
    assert head(name, noise=0).noise_channels == 0
    assert head("regression").noise_channels == 0
    assert head("bridge", steps=1).noise_channels == 0  # pinned at y
    assert head("bridge", steps=3).noise_channels == 2 * 6
    assert head("bridge", steps=3, bridge={"name": "ddpm"}).noise_channels == 3 * 6


@pytest.mark.parametrize("changed", ["ll", "y_ll", "y_details"])
@pytest.mark.parametrize("name", LEARNT)
def test_every_band_is_seen(name: str, changed: str) -> None:
    made, known = head(name), given()
    if changed == "y_details":
        details = known.y_details
        others: list[Any] = [details._replace(**{band: getattr(details, band) + 1}) for band in Details._fields]
    else:
        others = [getattr(known, changed) + image(3, 2, 6, 5, seed=9)]
    for other in others:
        assert (drawn(made, known) - drawn(made, known._replace(**{changed: other}))).norm() > 1e-3


@pytest.mark.parametrize("name", LEARNT)
def test_features_are_used_where_they_are_shared(name: str) -> None:
    known = given()
    assert known.features is not None
    other, without = known._replace(features=known.features + 1), known._replace(features=None)
    taking = head(name, features=4)
    assert (drawn(taking, known) - drawn(taking, other)).norm() > 1e-3
    assert torch.isfinite(drawn(taking, without)).all()  # a level of a shared head that has none
    for made in (head(name, features=0), head(name, features=4, trunk=None)):
        torch.testing.assert_close(drawn(made, known), drawn(made, without), rtol=0, atol=0)


@pytest.mark.parametrize("name", LEARNT)
def test_the_noise_level_is_seen_where_it_is_asked_for(name: str) -> None:
    known = given()
    assert known.sigma is not None
    other = known._replace(sigma=Details(*(2 * s for s in known.sigma)))
    assert (drawn(head(name, noise_level=True), known) - drawn(head(name, noise_level=True), other)).norm() > 1e-3
    blind = head(name)
    assert not blind.needs_sigma
    torch.testing.assert_close(drawn(blind, known), drawn(blind, known._replace(sigma=None)), rtol=0, atol=0)


@pytest.mark.parametrize("name", LEARNT)
def test_features_stay_at_their_place(name: str) -> None:
    """The pixel shuffle puts a patch's features on that patch, not elsewhere."""
    one_call = {"steps": 1} if name == "bridge" else {}
    made, known = head(name, features=4, **one_call), given(size=(32, 32))
    radius = made.network.radius
    assert known.features is not None
    features = known.features.clone()
    features[:, :, 0, 0] += 1
    difference = drawn(made, known) - drawn(made, known._replace(features=features))
    assert difference[..., :2, :2].norm() > 1e-3
    torch.testing.assert_close(difference[..., 2 + radius :, :], torch.zeros(3, 6, 30 - radius, 32))
    torch.testing.assert_close(difference[..., 2 + radius :], torch.zeros(3, 6, 32, 30 - radius))


def test_injected_noise_is_local_and_reaches_every_scale() -> None:
    made, known = head("gan", noise=1, inject=True), given(size=(32, 32))
    radius = made.network.radius + made.network.multiple
    z = noise(made, (32, 32))
    other = z.clone()
    other[..., 0, 0] += 1
    difference = torch.cat(made(known, z), dim=1) - torch.cat(made(known, other), dim=1)
    torch.testing.assert_close(difference[..., radius + 1 :, :], torch.zeros(3, 6, 31 - radius, 32))
    torch.cat(made(known, z), dim=1).square().sum().backward()  # type: ignore[no-untyped-call]
    assert all(mix.weight.grad.norm() > 0 for mix in made.network.mix)
    assert [mix.weight.shape[0] for mix in made.network.mix] == [4, 8]


@pytest.mark.parametrize("name", [n for n in LEARNT if "output" in entry("head", n).options().model_fields])
def test_residual_adds_the_bands_of_y(name: str) -> None:
    absolute, residual = head(name), head(name, output="residual")
    residual.load_state_dict(absolute.state_dict())
    wanted = drawn(absolute, given()) + torch.cat(given().y_details, dim=1)
    torch.testing.assert_close(drawn(residual, given()), wanted)


@pytest.mark.parametrize("name", LEARNT)
def test_every_parameter_and_input_gets_a_gradient(name: str) -> None:
    made, known = head(name, features=4, noise_level=True), given()
    z = noise(made)
    tensors = {"ll": known.ll, "features": known.features, "y_ll": known.y_ll}
    if made.noise_channels:
        tensors["noise"] = z
    for tensor in tensors.values():
        assert tensor is not None
        tensor.requires_grad_()
    torch.cat(made(known, z), dim=1).square().sum().backward()  # type: ignore[no-untyped-call]
    gradients = {k: p.grad for k, p in made.named_parameters()}
    gradients |= {k: t.grad for k, t in tensors.items() if t is not None}
    for key, gradient in gradients.items():
        assert gradient is not None, key
        assert torch.isfinite(gradient).all(), key
        assert gradient.norm() > 0, key


@pytest.mark.parametrize("name", NAMES)
def test_wrong_options_are_refused(name: str) -> None:
    known = entry("head", name).options().model_fields
    for wrong in ({"noise": -1}, {"features": -1}, {"output": "relative"}, {"steps": 0}, {"eta": 1.5}):
        if wrong.keys() <= known.keys():
            with pytest.raises(InputError, match=next(iter(wrong))):
                head(name, **wrong)
    with pytest.raises(InputError, match="unknown option 'trunk'"):
        build("head", {"name": name, "trunk": [4, 1]}, channels=1)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="unknown option 'noise'"):
        head("regression", noise=1)
    with pytest.raises(InputError, match="regression takes at most 1"):
        head("bridge", bridge={"name": "regression"}, steps=2)
    with pytest.raises(InputError, match="unknown bridge"):
        head("bridge", bridge={"name": "rope"})
