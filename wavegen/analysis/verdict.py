"""What a set of figures says about the paper's claim 2, in sentences that may also say no."""

from __future__ import annotations

import math
from collections.abc import Iterable

from wavegen.analysis.evidence import BandEvidence, Evidence
from wavegen.analysis.measures import GAUSSIAN_GINI, LAPLACE_GINI

TENDENCIES = {
    "gaussian": "Gaussian at every scale: no tendency, and none needed",
    "more": "becomes more Gaussian with scale",
    "little": "HARDLY becomes more Gaussian with scale",
    "less": "becomes LESS Gaussian with scale",
    "unknown": "no tendency that these images can tell",
}
NEGLIGIBLE = 0.01  # a KS distance that scaling each image by its own percentiles gives a Gaussian field
LITTLE = 0.75  # share of the distance that must not be left
NEAR = 1.05  # a Gini index must be so many times a reference to count as above it


def tendency(found: Evidence) -> str:
    """One of :data:`TENDENCIES`: what scale does to LL's distance to a Gaussian.

    Gaussian: neither exceeds .01 and what a Gaussian field of the same spectrum shows. Otherwise more or less, if
    the 95 % interval of the change over images leaves out 0 (and the coarsest band exceeds the limit, for less).
    Little: more, but by less than a quarter of the distance.
    """
    image, coarsest = found.low[0], found.low[-1]
    if not _exceeds(image) and not _exceeds(coarsest):
        return "gaussian"
    if len(found.low) < 2 or found.change_interval is None:
        return "unknown"
    low, high = found.change_interval
    if high < 0:
        return "more" if coarsest.ks < LITTLE * image.ks else "little"
    return "less" if low > 0 and _exceeds(coarsest) else "unknown"


def sentences(found: Evidence) -> list[str]:
    """Tendency of LL, the coarsest band's Gaussianity, the details' sparsity, and the condition numbers."""
    image, coarsest = found.low[0], found.low[-1]
    said = []
    if len(found.low) > 1:
        change = f"KS {image.ks:.3f} to {coarsest.ks:.3f} in {coarsest.name}"
        if found.change_interval is None:
            change += "; one image, no interval"
        else:
            low, high = found.change_interval
            change += f", change {found.change:+.3f} ({low:+.3f} to {high:+.3f}, {found.images} images)"
        said.append(f"LL {TENDENCIES[tendency(found)]}: {change}")
    is_ = "is not Gaussian" if _exceeds(coarsest) else "cannot be told from a Gaussian"
    said.append(f"{coarsest.name} {is_}: a Gaussian of its spectrum stays below KS {coarsest.ks_gaussian or 0:.3f}")
    if found.high:
        said.append(_sparsity(found.high))
    if len(found.low) > 1 and image.kappa and coarsest.kappa:
        said.append(_conditioning(found, image.kappa, coarsest.kappa))
    return said


def _exceeds(band: BandEvidence) -> bool:
    return band.ks_gaussian is not None and band.ks > max(band.ks_gaussian, NEGLIGIBLE)


def _sparsity(high: Iterable[BandEvidence]) -> str:
    known = [band.gini for band in high if not math.isnan(band.gini)]
    if not known:
        return "high bands are all zero"
    laplace = sum(g > LAPLACE_GINI * NEAR for g in known)
    gaussian = sum(g > GAUSSIAN_GINI * NEAR for g in known)
    return (
        f"{gaussian} of {len(known)} high bands are sparser than a Gaussian, {laplace} than a Laplacian: "
        f"Gini {min(known):.2f} to {max(known):.2f}"
    )


def _conditioning(found: Evidence, image: float, coarsest: float) -> str:
    high = [band.kappa for band in found.high if band.kappa is not None]
    details = f", {min(high):.3g} to {max(high):.3g} in the high bands" if high else ""
    calls = [f"{b.name} {b.calls or 'none found'}" for b in (found.low[0], found.low[-1])]
    return (
        f"condition number {image:.3g} of the image, {coarsest:.3g} of {found.low[-1].name}{details}; theorem 1's "
        f"bound times {(coarsest / image) ** 3:.1e}; the planner's calls: {', '.join(calls)}"
    )
