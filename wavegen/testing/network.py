"""The contract of networks: output, feature maps, a true receptive field, time, any image size."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wavegen.networks import Network
from wavegen.testing.base import Subject, check_gradients, image, perturb

IN, OUT = 2, 3
SUPPLIED: dict[str, Any] = {"in_channels": IN, "out_channels": OUT, "time": True}
LARGEST = 400  # pixels; farther receptive fields are not measured
TINY = 1e-12  # of the largest gradient: what a Fourier transform rounds to


def check(subject: Subject, network: Network, timeless: Network) -> None:
    """Every check of the contract; ``timeless`` is the same network built with ``time=False``."""
    for each in (network, timeless):
        subject.require(isinstance(each, Network), "type", "it does not derive from wavegen.networks.Network")
        perturb(each)
    network.double().eval()
    with torch.no_grad():
        for size in ((1, 1), (5, 13), (16, 8)):
            _shapes(subject, network, size)
        _time(subject, network, timeless)
        _items(subject, network)
        _layout(subject, network)
    _radius(subject, network)
    network.train()
    out, features = network(image(2, IN, 12, 12), _times(2))
    check_gradients(subject, network, torch.cat([out.flatten(), features.flatten()]))


def _times(count: int) -> Tensor:
    return torch.linspace(0.1, 0.9, count, dtype=torch.float64)


def _shapes(subject: Subject, network: Network, size: tuple[int, int]) -> None:
    result = network(image(2, IN, *size), _times(2))
    pair = isinstance(result, tuple) and len(result) == 2
    subject.require(pair, "output", "it returns no pair (output, feature maps)")
    out, features = result
    subject.require(tuple(out.shape) == (2, OUT, *size), "output", f"{tuple(out.shape)}; it is {(2, OUT, *size)}")
    subject.require(bool(torch.isfinite(out).all()), "output", "a value is not finite")
    count, least = network.feature_channels, tuple(-(-side // network.patch) for side in size)
    fits = features.ndim == 4 and features.shape[1] == count
    subject.require(fits, "features", f"{tuple(features.shape)}; feature_channels = {count}")
    covered = features.shape[-2] >= least[0] and features.shape[-1] >= least[1]
    fault = f"{tuple(features.shape[-2:])} for an image of {size}; patch = {network.patch} needs at least {least}"
    subject.require(covered, "features", fault)


def _time(subject: Subject, network: Network, timeless: Network) -> None:
    x = image(1, IN, 8, 8).expand(2, -1, -1, -1)
    early, late = network(x, torch.tensor([0.0, 1.0], dtype=torch.float64))[0]
    uses = float((early - late).norm()) > 1e-4 * float(early.norm())
    subject.require(uses, "time", "built with time=True, but t changes nothing")
    same = network(x, torch.tensor([0.5, 0.5], dtype=torch.float64))[0]
    subject.close("time", same[0], same[1], "equal images at equal times give unequal outputs")
    try:
        timeless(x.float(), None)
    except Exception as error:
        raise subject.fail("time", f"built with time=False it cannot be called without t: {error}") from error


def _items(subject: Subject, network: Network) -> None:
    x = image(3, IN, 9, 6)
    together, single = network(x, _times(3))[0], network(x[1:2], _times(3)[1:2])[0]
    subject.close("batch", together[1:2], single, "an item's output depends on the others in its batch")


def _layout(subject: Subject, network: Network) -> None:
    x = image(2, IN, 12, 10)
    plain = network(x, _times(2))[0]
    last = network(x.contiguous(memory_format=torch.channels_last), _times(2))[0]
    subject.close("memory", last, plain, "channels_last memory gives another output")


def _radius(subject: Subject, network: Network) -> None:
    """Measure by gradients how far an output pixel sees, from one pixel of each place in a cell's diagonal."""
    radius, multiple = network.radius, network.multiple
    if radius is None:
        return
    size = -(-2 * (radius + 2 * multiple) // multiple) * multiple
    if size > LARGEST:
        return
    reach = measured_radius(network, size)
    if reach > radius:
        fault = f"declared {radius} pixels, but an output pixel sees {reach} pixels far: tiles would show seams"
        raise subject.fail("radius", fault)


def measured_radius(network: Network, size: int) -> int:
    """How far the farthest input pixel that an output pixel depends on lies, in an image of ``size`` pixels."""
    reach, middle = 0, size // 2 // network.multiple * network.multiple
    for shift in sorted({0, network.multiple // 2, network.multiple - 1}):
        x, place = image(1, IN, size, size).requires_grad_(), middle + shift
        out = network(x, _times(1))[0][0, :, place, place]
        # Random weights, so that no two channels cancel.
        (gradient,) = torch.autograd.grad((out * image(OUT, seed=3)).sum(), x)
        seen = gradient.abs().amax(dim=(0, 1))
        seen = seen > TINY * seen.max()
        for axis in (0, 1):
            places = seen.any(dim=axis).nonzero().flatten()
            reach = max(reach, *((places - place).abs().tolist()))
    return reach
