"""Sentences that summarise whether the measurements support the paper's claim 2."""

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
    "unknown": "no tendency detectable in these images",
}
NEGLIGIBLE = 0.01  # KS distance of a Gaussian field after scaling each image by its percentiles
LITTLE = 0.75  # ratio of KS distances above which a decrease is called small
MARGIN = 1.05  # factor by which a Gini index must exceed a reference


def tendency(evidence: Evidence) -> str:
    """One of :data:`TENDENCIES`: how LL's distance to a Gaussian changes with scale.

    ``gaussian``: neither the image nor the coarsest band exceeds 0.01 and the limit of a Gaussian field with the same
    spectrum. ``more`` or ``less``: the 95 % interval of the change over images excludes 0 (for ``less``, the coarsest
    band must also exceed its limit). ``little``: as ``more``, but the distance decreases by less than a quarter.
    """
    image, coarsest = evidence.low[0], evidence.low[-1]
    if not _exceeds(image) and not _exceeds(coarsest):
        return "gaussian"
    if len(evidence.low) < 2 or evidence.change_interval is None:
        return "unknown"
    low, high = evidence.change_interval
    if high < 0:
        return "more" if coarsest.ks < LITTLE * image.ks else "little"
    return "less" if low > 0 and _exceeds(coarsest) else "unknown"


def sentences(evidence: Evidence) -> list[str]:
    """Tendency of LL, the coarsest band's Gaussianity, the details' sparsity, and the condition numbers."""
    image, coarsest = evidence.low[0], evidence.low[-1]
    lines = []
    if len(evidence.low) > 1:
        change = f"KS {image.ks:.3f} to {coarsest.ks:.3f} in {coarsest.name}"
        if evidence.change_interval is None:
            change += "; one image, no interval"
        else:
            low, high = evidence.change_interval
            change += f", change {evidence.change:+.3f} ({low:+.3f} to {high:+.3f}, {evidence.images} images)"
        lines.append(f"LL {TENDENCIES[tendency(evidence)]}: {change}")
    verdict = "is not Gaussian" if _exceeds(coarsest) else "cannot be told from a Gaussian"
    lines.append(
        f"{coarsest.name} {verdict}: a Gaussian of its spectrum stays below KS {coarsest.ks_gaussian or 0:.3f}"
    )
    if evidence.high:
        lines.append(_sparsity(evidence.high))
    if len(evidence.low) > 1 and image.kappa and coarsest.kappa:
        lines.append(_conditioning(evidence, image.kappa, coarsest.kappa))
    return lines


def _exceeds(band: BandEvidence) -> bool:
    return band.ks_gaussian is not None and band.ks > max(band.ks_gaussian, NEGLIGIBLE)


def _sparsity(high: Iterable[BandEvidence]) -> str:
    known = [band.gini for band in high if not math.isnan(band.gini)]
    if not known:
        return "high bands are all zero"
    laplace = sum(g > LAPLACE_GINI * MARGIN for g in known)
    gaussian = sum(g > GAUSSIAN_GINI * MARGIN for g in known)
    return (
        f"{gaussian} of {len(known)} high bands are sparser than a Gaussian, {laplace} than a Laplacian: "
        f"Gini {min(known):.2f} to {max(known):.2f}"
    )


def _conditioning(evidence: Evidence, image: float, coarsest: float) -> str:
    high = [band.kappa for band in evidence.high if band.kappa is not None]
    details = f", {min(high):.3g} to {max(high):.3g} in the high bands" if high else ""
    calls = [f"{b.name} {b.calls or 'none found'}" for b in (evidence.low[0], evidence.low[-1])]
    return (
        f"condition number {image:.3g} of the image, {coarsest:.3g} of {evidence.low[-1].name}{details}; theorem 1's "
        f"bound times {(coarsest / image) ** 3:.1e}; the planner's calls: {', '.join(calls)}"
    )
