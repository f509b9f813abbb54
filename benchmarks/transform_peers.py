"""The other wavelet libraries behind one face, for the benchmark: forward, inverse, and forward + backward."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from wavegen.core.registry import build
from wavegen.core.types import Subbands
from wavegen.transforms import Transform

OPERATIONS = ("forward", "inverse", "forward+backward")
PEERS = {
    "ptwt": "mode 'periodic': not critically sampled, it has no periodised one",
    "pytorch_wavelets": "mode 'periodization'",
    "PyWavelets": "mode 'periodization'; on the CPU in C, without gradients",
}
Calls = dict[str, Callable[[], Any]]


def own_calls(transform: Transform, x: Tensor) -> Calls:
    """Of a transform of this library."""
    return _calls(transform.forward, transform.inverse, flat_subbands, x)


def peer_calls(library: str, wavelet: str, levels: int, x: Tensor) -> Calls:
    """Of another library.

    Raises:
        ImportError: it is not installed.
    """
    if library == "PyWavelets":
        import pywt

        array = x.numpy()
        coefficients = pywt.wavedec2(array, wavelet, mode="periodization", level=levels)
        return {
            "forward": lambda: pywt.wavedec2(array, wavelet, mode="periodization", level=levels),
            "inverse": lambda: pywt.waverec2(coefficients, wavelet, mode="periodization"),
        }
    if library == "ptwt":
        import ptwt

        return _calls(
            lambda image: ptwt.wavedec2(image, wavelet, mode="periodic", level=levels),
            lambda bands: ptwt.waverec2(bands, wavelet),
            lambda bands: [bands[0], *(band for details in bands[1:] for band in details)],
            x,
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports a deprecated module
        from pytorch_wavelets import DWTForward, DWTInverse
    return _calls(
        DWTForward(J=levels, wave=wavelet, mode="periodization").to(x.dtype),
        DWTInverse(wave=wavelet, mode="periodization").to(x.dtype),
        lambda bands: [bands[0], *bands[1]],
        x,
    )


def _calls(
    forward: Callable[[Tensor], Any],
    inverse: Callable[[Any], Tensor],
    flat: Callable[[Any], Sequence[Tensor]],
    x: Tensor,
) -> Calls:
    with torch.no_grad():
        bands = forward(x)

    def both() -> None:
        image = x.detach().requires_grad_()
        out = flat(forward(image))
        torch.autograd.backward(out, [band.detach() for band in out])

    return {
        "forward": torch.no_grad()(lambda: forward(x)),
        "inverse": torch.no_grad()(lambda: inverse(bands)),
        "forward+backward": both,
    }


def flat_subbands(bands: Subbands) -> list[Tensor]:
    """All bands in the order of the other libraries: the coarsest, then h, v and d of each level."""
    return [bands.ll, *(band for details in bands.details for band in details)]


def build_basis(name: str, levels: int) -> Transform:
    """A transform by its registered name; a lattice with fixed angles, as the bases of the peers are."""
    fixed = {"train": False} if name == "lattice" else {}
    transform: Transform = build("transform", {"name": name, "levels": levels, **fixed})
    return transform
