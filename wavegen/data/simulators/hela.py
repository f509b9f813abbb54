"""Simulated HeLa-like cells: filaments, vesicles, a nucleus and out-of-focus haze."""

from __future__ import annotations

import math
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from wavegen.core.registry import register
from wavegen.data.simulators.base import (
    Doubles,
    Float,
    Length,
    Nanometres,
    Noise,
    Photons,
    Seed,
    Simulator,
    Size,
    Split,
    Views,
)
from wavegen.degradations import blur, sigma_pixels

STEP = 0.5  # spacing of the points along a filament, in pixels
GRAIN_UM = 1.5  # length scale of cytoplasm and haze


class Nucleus(NamedTuple):
    """A soft-edged ellipse: centre and semi-axes in pixels, angle in radians."""

    centre: Doubles
    axes: Doubles
    angle: float
    edge: float

    def inside(self, rows: NDArray[np.floating], columns: NDArray[np.floating]) -> Doubles:
        """1 well inside, 0 outside, with a smooth edge; broadcasts over the coordinates."""
        s, c = math.sin(self.angle), math.cos(self.angle)
        dy, dx = rows - self.centre[0], columns - self.centre[1]
        distance = np.hypot((c * dx + s * dy) / self.axes[0], (c * dy - s * dx) / self.axes[1])
        mask: Doubles = 0.5 * (1 - np.tanh((distance - 1) * self.axes.min() / self.edge))
        return mask


@register(
    "dataset",
    "hela",
    "simulated confocal -> STED pairs of HeLa-like cells: filaments, vesicles, nucleus, haze",
    paper="task of arXiv 2407.05259",
    capabilities=("simulated",),
)
class Hela(Simulator):
    """Microtubule-like filaments as worm-like chains with sub-pixel positions.

    ``persistence_um`` is the apparent persistence length P in cells, in µm (in the plane, the correlation of
    directions along a chain falls as exp(-s / 2 P)). The peak of an isolated filament in x is twice that in y;
    diffuse structures (cytoplasm) are dimmer in x by the ratio of the spot widths.
    """

    CONTRAST = 2.0

    def __init__(
        self,
        size: Size = 256,
        length: Length = 64,
        split: Split = "train",
        seed: Seed = 0,
        pixel_nm: Nanometres = 20.0,
        confocal_fwhm_nm: Nanometres = 250.0,
        sted_fwhm_nm: Nanometres = 60.0,
        photons: tuple[Photons, Photons] = (15.0, 150.0),
        background: Noise = 1.0,
        read_noise: Noise = 1.0,
        persistence_um: Annotated[float, Field(ge=0.1, le=10_000)] = 20.0,
    ) -> None:
        super().__init__(
            size,
            length,
            split,
            seed,
            pixel_nm,
            confocal_fwhm_nm,
            sted_fwhm_nm,
            photons,
            background,
            read_noise,
        )
        self.persistence_um = persistence_um
        self.margin = math.ceil(4 * sigma_pixels(confocal_fwhm_nm, pixel_nm))
        self.side = size + 2 * self.margin

    def views(self, rng: np.random.Generator) -> Views:
        """Draw filaments, vesicles and cytoplasm, and image them with both instruments."""
        nucleus = self._nucleus(rng) if rng.random() < 0.5 else None
        points, weights = self._filaments(rng, nucleus)
        spots, spot_weights = self._vesicles(rng)
        emitters = deposit(np.concatenate([points, spots]), np.concatenate([weights, spot_weights]), self.side)
        emitters += self._cytoplasm(rng, nucleus)
        return Views(self._image(emitters, self.sted_fwhm_nm), self._image(emitters, self.confocal_fwhm_nm))

    def haze(self, rng: np.random.Generator) -> Float:
        """Slowly varying out-of-focus light, (size, size), 0 to about 0.15 of the peak."""
        return smooth_field(rng, self.size, GRAIN_UM * 1000 / self.pixel_nm) * np.float32(rng.uniform(0, 0.15))

    def _image(self, emitters: Float, fwhm_nm: float) -> Float:
        """Blur and crop; a straight filament with one emitter per pixel has peak 1."""
        line_peak = 1 / (math.sqrt(2 * math.pi) * sigma_pixels(fwhm_nm, self.pixel_nm))
        m = self.margin
        return blur(emitters, fwhm_nm, self.pixel_nm)[m:-m, m:-m] / np.float32(line_peak)

    def _nucleus(self, rng: np.random.Generator) -> Nucleus:
        """A nucleus of 8-14 µm whose edge passes through or near the field."""
        axes = rng.uniform(4000, 7000, 2) / self.pixel_nm
        towards = rng.uniform(0, 2 * np.pi)
        anchor = rng.uniform(0.2, 0.8, 2) * self.side
        centre = anchor + axes.min() * np.array([math.sin(towards), math.cos(towards)])
        return Nucleus(centre, axes, rng.uniform(0, np.pi), edge=200 / self.pixel_nm)

    def _filaments(self, rng: np.random.Generator, nucleus: Nucleus | None) -> tuple[Doubles, Doubles]:
        """Points (n, 2) in pixels of the padded field and their numbers of emitters (n,)."""
        start, angle = self._starts(rng, nucleus)
        copies = np.where(rng.random(len(angle)) < 0.2, rng.integers(2, 5, len(angle)), 1)  # bundles
        steps = round(1.5 * self.side / STEP)
        chain = self._chain(rng, angle, steps, stiffness=1.0)
        which = np.repeat(np.arange(len(angle)), copies)
        loose = self._chain(rng, np.zeros(which.size), steps, stiffness=20.0)
        offset = np.where(copies[which, None] > 1, rng.normal(0, 60 / self.pixel_nm, (which.size, 2)), 0.0)
        theta = chain[which] + np.where(copies[which, None] > 1, loose, 0.0)
        path = STEP * np.cumsum(np.stack([np.sin(theta), np.cos(theta)], axis=-1), axis=1)
        points = (start[which] + offset)[:, None] + path
        # Uneven labelling: gamma-distributed weights of chains and of points.
        weights = rng.gamma(6.0, 1 / 6.0, (which.size, 1)) * rng.standard_gamma(0.7, theta.shape) / 0.7 * STEP
        points, weights = points.reshape(-1, 2), weights.reshape(-1)
        keep = ((points > -1) & (points < self.side)).all(axis=1)
        points, weights = points[keep], weights[keep]
        if nucleus is not None:  # filaments above and below it are out of focus
            weights *= 1 - 0.8 * nucleus.inside(points[:, 0], points[:, 1])
        return points, weights

    def _starts(self, rng: np.random.Generator, nucleus: Nucleus | None) -> tuple[Doubles, Doubles]:
        """Starting points (n, 2) of filaments and initial directions (n,): from one centre, or aligned."""
        count = max(2, round(rng.uniform(6, 26) * self.side * self.pixel_nm / 6000))
        if rng.random() < 0.3:
            centre = rng.uniform(0.1, 0.9, 2) * self.side
            if nucleus is not None:  # the organising centre sits beside the nucleus
                direction = centre - nucleus.centre
                centre = nucleus.centre + direction / np.linalg.norm(direction) * nucleus.axes.max()
            start = centre + rng.normal(0, 150 / self.pixel_nm, (count, 2))
            return start, rng.uniform(0, 2 * np.pi, count)
        start = rng.uniform(-0.5, 1.5, (2 * count, 2)) * self.side
        spread = rng.uniform(0.15, 1.2)
        angle = rng.uniform(0, np.pi) + rng.normal(0, spread, 2 * count) + np.pi * rng.integers(0, 2, 2 * count)
        return start, angle

    def _chain(self, rng: np.random.Generator, angle: Doubles, steps: int, stiffness: float) -> Doubles:
        """Directions (n, steps) of worm-like chains: independent bends of variance ds / P."""
        bend = math.sqrt(STEP * self.pixel_nm / 1000 / (self.persistence_um * stiffness))
        bends = rng.standard_normal((angle.size, steps), dtype=np.float32) * np.float32(bend)
        return angle[:, None] + np.cumsum(bends, axis=1)

    def _vesicles(self, rng: np.random.Generator) -> tuple[Doubles, Doubles]:
        """Clouds of points, 60-150 nm wide: points (n, 2) in pixels and emitters (n,)."""
        area = (self.side * self.pixel_nm / 1000) ** 2
        count = rng.poisson(area * rng.uniform(0, 0.5))
        centres = rng.uniform(0, self.side, (count, 1, 2))
        radius = rng.uniform(60, 150, (count, 1, 1)) / self.pixel_nm / 4
        points = centres + radius * rng.standard_normal((count, 40, 2))
        weights = rng.gamma(2.0, 0.5, (count, 1)) * radius[..., 0] * rng.uniform(0.1, 0.5, (count, 40))
        return points.reshape(-1, 2), weights.reshape(-1)

    def _cytoplasm(self, rng: np.random.Generator, nucleus: Nucleus | None) -> Float:
        """Emitters of the diffuse pool per pixel, (side, side)."""
        level = rng.uniform(0.005, 0.03)
        field = smooth_field(rng, self.side, GRAIN_UM * 1000 / self.pixel_nm) * np.float32(level)
        if nucleus is not None:
            grid = np.arange(self.side, dtype=np.float32)
            field *= 1 - 0.7 * nucleus.inside(grid[:, None], grid[None, :]).astype(np.float32)
        return field


def deposit(points: Doubles, weights: Doubles, side: int) -> Float:
    """Distribute each point's weight bilinearly over its four pixels: (n, 2), (n,) -> (side, side)."""
    base = np.floor(points).astype(np.int64)
    share = points - base
    stride = side + 2  # a border of one pixel receives what falls outside
    flat = (base[:, 0] + 1) * stride + base[:, 1] + 1
    inside = ((base >= -1) & (base < side)).all(axis=1)
    image = np.zeros(stride * stride)
    for dy in (0, 1):
        for dx in (0, 1):
            part = np.abs(1 - dy - share[:, 0]) * np.abs(1 - dx - share[:, 1]) * weights
            image += np.bincount(flat[inside] + dy * stride + dx, part[inside], stride * stride)
    return image.reshape(stride, stride)[1:-1, 1:-1].astype(np.float32)


def smooth_field(rng: np.random.Generator, side: int, grain: float) -> Float:
    """A random field in [0, 1] with a length scale of about ``grain`` pixels, (side, side)."""
    knots = math.ceil(side / grain) + 4
    centres = (np.arange(knots) - 2) * grain
    basis = np.exp(-0.5 * ((np.arange(side)[:, None] - centres) / (0.7 * grain)) ** 2)
    basis = (basis / basis.sum(axis=1, keepdims=True)).astype(np.float32)
    knot_values = rng.random((knots, knots), dtype=np.float32)
    # Not BLAS products, whose bits depend on the number of threads.
    rows = np.einsum("ik,kl->il", basis, knot_values)
    field: Float = np.einsum("il,jl->ij", rows, basis)
    return field
