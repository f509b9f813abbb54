"""Objectives for learning a basis: coding gain, and sparsity of the coefficients of a set of images.

Both use normalised coefficients, c times the Euclidean norm of its synthesis function (1 in an orthonormal basis):
|c| is then the norm of its contribution to the image, and a
biorthogonal basis cannot gain by making its coefficients small (Katto, Yasuda, Proc. SPIE 1605 (1991) 566-577).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.types import Details, Subbands
from wavegen.transforms.base import DyadicTransform, Transform

SIDE = 16  # of the coarsest band when norms are computed: longer than any learned filter at any level


def flat(bands: Subbands) -> Iterator[Tensor]:
    """All bands, LL first, then H, V, D of each level, coarsest first."""
    yield bands.ll
    for details in bands.details:
        yield from details


def contrast(images: Tensor) -> Tensor:
    """(B, C, H, W) to (B * C, 1, H, W), each with mean 0 and mean square 1.

    Raises:
        InputError: an image is constant, or has a value that is not finite.
    """
    single = images.flatten(0, 1)[:, None]
    centred = single - single.mean((2, 3), keepdim=True)
    scale = centred.square().mean((2, 3), keepdim=True).sqrt()
    unusable = ~(scale.flatten() > 1e-6 * single.abs().amax((1, 2, 3)))
    if unusable.any():
        raise InputError(
            f"image {int(unusable.nonzero()[0])} is constant or not finite, so a basis cannot be learned from it"
        )
    return centred / scale


def synthesis_norms(transform: Transform) -> Tensor:
    """Norm of the image of one unit coefficient, for each band in the order of :func:`flat`; differentiable.

    Raises:
        InputError: the transform is not critically sampled by halving, level by level.
    """
    if not isinstance(transform, DyadicTransform) or transform.ratio != 2:
        raise InputError("synthesis norms need a basis that halves the size at each level")
    if transform.orthonormal:
        return torch.ones(1 + 3 * transform.levels)
    count, side = 1 + 3 * transform.levels, SIDE * 2**transform.levels

    def unit(index: int, side: int) -> Tensor:
        band = torch.zeros(count, 1, side, side)
        band[index, 0, side // 2, side // 2] = 1
        return band

    details = []
    for i in range(transform.levels):
        details.append(Details(*(unit(1 + 3 * i + k, SIDE * 2**i) for k in range(3))))
    images = transform.inverse(Subbands(unit(0, SIDE), tuple(details), (side, side)))
    return images.square().sum((1, 2, 3)).sqrt()


def sparsity(transform: Transform, images: Tensor) -> Tensor:
    """Mean over images of |c|_1 / (sqrt(N) |x|_2) over the N normalised coefficients c of a zero-mean image x.

    The cost of x in basis pursuit (Chen, Donoho, Saunders, SIAM J. Sci. Comput. 20 (1998) 33-61). **Lower is sparser**;
    in an orthonormal basis, |c|_2 = |x|_2, it lies between 1 / sqrt(N) (one coefficient) and 1 (all equal), and is the
    ratio in Hoyer's measure (J. Mach. Learn. Res. 5 (2004) 1457-1469). In other bases |x|_2 must not be replaced by
    |c|_2: ill-conditioned bases with a few huge coefficients that cancel would then look sparse.

    Args:
        transform: a basis that halves the size at each level.
        images: (B, 1, H, W) as :func:`contrast` gives them.
    """
    norms = synthesis_norms(transform)
    bands = flat(transform.forward(images))
    c = torch.cat([(norm * band).flatten(1) for norm, band in zip(norms, bands, strict=True)], dim=1)
    return (c.abs().mean(1) / images.square().mean((1, 2, 3)).sqrt()).mean()


def coding_gain(transform: Transform, images: Tensor) -> Tensor:
    """The images' variance over the geometric mean of the normalised bands' variances, in dB; higher is better.

    G = 10 log10( 1 / prod_b (w_b^2 s_b^2)^(n_b / N) ), with n_b of N coefficients in band b, of variance s_b^2 over
    all images, and synthesis norm w_b (Katto, Yasuda 1991): the saving of transform coding at high rate
    (6.02 dB per bit).

    Args:
        transform: a basis that halves the size at each level.
        images: (B, 1, H, W) as :func:`contrast` gives them.
    """
    norms = synthesis_norms(transform)
    bands = list(flat(transform.forward(images)))
    counts = [band.numel() for band in bands]
    logs = [
        count * torch.log10((norm * norm * band.var(unbiased=False)).clamp_min(1e-12))
        for norm, band, count in zip(norms, bands, counts, strict=True)
    ]
    return -10 * torch.stack(logs).sum() / sum(counts)


Objective = Callable[[Transform, Tensor], Tensor]
# Each with the sign that turns it into a loss.
OBJECTIVES: dict[str, tuple[Objective, int]] = {"sparsity": (sparsity, 1), "coding_gain": (coding_gain, -1)}
