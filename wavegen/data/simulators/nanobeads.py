"""Simulated fluorescent nanobeads, single and in clumps that a confocal cannot resolve."""

from __future__ import annotations

import numpy as np

from wavegen.core.registry import register
from wavegen.data.simulators.base import Doubles, Float, Simulator, Views
from wavegen.degradations import sigma_pixels

GROUPS_PER_UM2 = (0.1, 0.9)  # density of single beads and clumps together
CLUMPED = 0.55  # fraction of clumps
DIAMETER_NM = (20.0, 40.0)


@register(
    "dataset",
    "nanobeads",
    "simulated confocal -> STED pairs of 20-40 nm fluorescent beads, single and in clumps",
    paper="task of arXiv 2407.05259",
    capabilities=("simulated",),
)
class Nanobeads(Simulator):
    """Beads far below the resolution, at sub-pixel positions.

    Fluorescence is proportional to the volume, times a log-normal factor for dye loading. The peak of an isolated
    bead in x is 5 times that in y; beads within one confocal spot add up in y and are resolved in x.
    """

    CONTRAST = 5.0

    def views(self, rng: np.random.Generator) -> Views:
        """Draw the beads and sum their Gaussian spots."""
        positions, diameter = self._beads(rng)
        brightness = (diameter / 30.0) ** 3 * np.exp(0.25 * rng.standard_normal(diameter.size))
        return Views(
            self._spots(positions, diameter, brightness, self.sted_fwhm_nm),
            self._spots(positions, diameter, brightness, self.confocal_fwhm_nm),
        )

    def _beads(self, rng: np.random.Generator) -> tuple[Doubles, Doubles]:
        """Positions (n, 2) in pixels, some just outside the field, and diameters (n,) in nm."""
        margin = 2 * self.confocal_fwhm_nm / self.pixel_nm
        side = self.size + 2 * margin
        density = rng.uniform(*GROUPS_PER_UM2)
        groups = 1 + rng.poisson(density * (side * self.pixel_nm / 1000) ** 2)
        clumped = rng.random(groups) < CLUMPED
        members = np.where(clumped, 1 + np.minimum(rng.geometric(0.3, groups), 11), 1)
        centres = rng.uniform(-margin, self.size + margin, (groups, 2))
        centres[0] = rng.uniform(0.1, 0.9, 2) * self.size  # every field has a bead
        # Neighbours are 60-160 nm apart: below the confocal resolution, near that of STED.
        spread = np.where(clumped, rng.uniform(50, 90, groups) * np.sqrt(members), 0.0) / self.pixel_nm
        which = np.repeat(np.arange(groups), members)
        radius = spread[which] * np.sqrt(rng.random(which.size))
        angle = rng.uniform(0, 2 * np.pi, which.size)
        offsets = radius[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
        return centres[which] + offsets, rng.uniform(*DIAMETER_NM, which.size)

    def _spots(self, positions: Doubles, diameter: Doubles, brightness: Doubles, fwhm_nm: float) -> Float:
        """Sum of spots whose peak is ``brightness`` for a point, (size, size)."""
        psf = sigma_pixels(fwhm_nm, self.pixel_nm)
        # A homogeneous ball of diameter d has variance d^2/20 along each axis.
        variance = psf**2 + (diameter / self.pixel_nm) ** 2 / 20
        grid = np.arange(self.size)
        rows, columns = (
            np.exp(-((grid - positions[:, axis, None]) ** 2) / (2 * variance[:, None])).astype(np.float32)
            for axis in (0, 1)
        )
        weight = brightness * psf**2 / variance
        # Not a BLAS product, whose bits depend on the number of threads.
        image: Float = np.einsum("ni,nj->ij", rows * weight[:, None].astype(np.float32), columns)
        return image
