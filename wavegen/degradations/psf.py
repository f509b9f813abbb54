"""Point spread functions of microscopes: scalar diffraction, no aberrations.

Radial profiles h(r), r in nm in the specimen's plane, follow from the pupil integral of Debye's theory
(Born & Wolf, Principles of Optics, 8.8; with the exact defocus phase). v = 2 pi NA r / wavelength.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wavegen.core.errors import InputError

Doubles = NDArray[np.float64]
Profile = Callable[[Doubles], Doubles]
NODES = 256  # Gauss-Legendre nodes of the pupil integral
AIRY = 0.61  # the first dark ring has radius 0.61 wavelength / NA; an Airy unit is its diameter
KNOT = 0.025  # knot spacing of the mean over a pinhole, in Airy radii
SUPPORT = 8  # radius of a rendered PSF in Airy radii; contains 97 % of the light in focus


@dataclass(frozen=True)
class Objective:
    """An objective lens at one wavelength.

    Args:
        na: numerical aperture, 0 < NA < n.
        wavelength_nm: in vacuum.
        n: refractive index of the immersion.

    Raises:
        InputError: a value out of range.
    """

    na: float
    wavelength_nm: float
    n: float = 1.518

    def __post_init__(self) -> None:
        if not 0 < self.na < self.n:
            raise InputError(
                f"na = {self.na:g}, n = {self.n:g}: the aperture must be positive and below the index of the immersion"
            )
        if not 0 < self.wavelength_nm < math.inf:
            raise InputError(f"wavelength_nm = {self.wavelength_nm:g}: must be positive and finite")

    @property
    def airy_radius_nm(self) -> float:
        """Radius of the first dark ring in focus."""
        return AIRY * self.wavelength_nm / self.na

    def reach_nm(self, defocus_nm: float = 0.0) -> float:
        """Radius in nm beyond which the PSF is neglected."""
        return SUPPORT * self.airy_radius_nm + abs(defocus_nm) * math.tan(math.asin(self.na / self.n))


def widefield(lens: Objective, defocus_nm: float = 0.0) -> Profile:
    """|2 ∫ J0(v ρ) exp(i k z sqrt(n² - NA² ρ²)) ρ dρ|² over the pupil, 1 at the centre in focus.

    In focus this is Airy's pattern (2 J1(v) / v)², of full width at half maximum 0.5145 wavelength / NA.
    """
    from scipy.special import j0

    rho, weight = _nodes()
    path = np.sqrt(lens.n**2 - (lens.na * rho) ** 2) - lens.n
    pupil = weight * rho * np.exp(2j * math.pi * defocus_nm / lens.wavelength_nm * path)

    def profile(r: Doubles) -> Doubles:
        v = 2 * math.pi * lens.na / lens.wavelength_nm * np.asarray(r, dtype=np.float64)
        value: Doubles = np.abs(2 * j0(v[..., None] * rho) @ pupil) ** 2
        return value

    return profile


def doughnut(lens: Objective) -> Profile:
    """|∫ J1(v ρ) ρ dρ|² (a 2 pi vortex in the pupil), 0 at the centre, 1 on its crest."""
    from scipy.special import j1

    rho, weight = _nodes()

    def raw(v: Doubles) -> Doubles:
        value: Doubles = (j1(v[..., None] * rho) @ (weight * rho)) ** 2
        return value

    crest = raw(np.linspace(1.5, 4.0, 2501)).max()

    def profile(r: Doubles) -> Doubles:
        value: Doubles = raw(2 * math.pi * lens.na / lens.wavelength_nm * np.asarray(r, dtype=np.float64)) / crest
        return value

    return profile


def confocal(
    excitation: Objective, detection: Objective, pinhole_airy: float = 1.0, defocus_nm: float = 0.0
) -> Profile:
    """Excitation times (detection averaged over the pinhole), 1 at the centre in focus.

    Args:
        excitation: the lens at the wavelength of the laser.
        detection: the lens at the wavelength of the fluorescence.
        pinhole_airy: diameter in Airy units of the fluorescence (1.22 wavelength / NA in the specimen); >= 0.
        defocus_nm: distance from the focus.

    Raises:
        InputError: a negative pinhole.
    """
    if not 0 <= pinhole_airy < math.inf:
        raise InputError(f"pinhole_airy = {pinhole_airy:g}: must be finite and not negative")
    illumination, imaging = widefield(excitation, defocus_nm), widefield(detection, defocus_nm)
    through = _over_disc(imaging, pinhole_airy * detection.airy_radius_nm, detection.airy_radius_nm)
    peak = 1.0 / float(through(np.zeros(1))[0]) if defocus_nm == 0 else 1.0

    def profile(r: Doubles) -> Doubles:
        return illumination(r) * through(r) * peak

    return profile


def sted(imaging: Profile, depletion: Objective, saturation: float) -> Profile:
    """A focused PSF narrowed by stimulated emission: h(r) 2^(-saturation · doughnut(r)).

    Near the axis the doughnut is a parabola, which gives Hell's law, width ~ 1 / sqrt(1 + saturation · const)
    (Hell, Nature Methods 6 (2009) 24).

    Args:
        imaging: the PSF without depletion.
        depletion: the lens at the wavelength of the depletion laser.
        saturation: intensity on the crest of the doughnut relative to the one that halves the fluorescence, >= 0.

    Raises:
        InputError: a negative saturation.
    """
    if not 0 <= saturation < math.inf:
        raise InputError(f"saturation = {saturation:g}: must be finite and not negative")
    ring = doughnut(depletion)

    def profile(r: Doubles) -> Doubles:
        return imaging(r) * np.exp2(-saturation * ring(r))

    return profile


def render(profile: Profile, pixel_nm: float, reach_nm: float) -> Doubles:
    """The PSF sampled at pixel centres, (2 k + 1, 2 k + 1), k = ceil(reach / pixel), sum 1.

    The light is not averaged over pixels: for a camera with large pixels, render on a finer grid and bin.

    Raises:
        InputError: a pixel size that is not positive, or so small that the PSF exceeds 1025 pixels per side.
    """
    if not 0 < pixel_nm < math.inf:
        raise InputError(f"pixel_nm = {pixel_nm:g}: must be positive and finite")
    radius = math.ceil(reach_nm / pixel_nm)
    if radius > 512:
        raise InputError(f"pixel_nm = {pixel_nm:g}: the PSF would have {2 * radius + 1} pixels a side; 1025 at most")
    axis = np.arange(radius + 1)
    distance, index = np.unique(axis[:, None] ** 2 + axis[None, :] ** 2, return_inverse=True)
    quarter = profile(pixel_nm * np.sqrt(distance.astype(np.float64)))[index].reshape(radius + 1, radius + 1)
    half = np.concatenate((quarter[:0:-1], quarter))
    full = np.concatenate((half[:, :0:-1], half), axis=1)
    result: Doubles = full / full.sum()
    return result


def fwhm(profile: Profile, reach_nm: float) -> float:
    """Full width at half maximum of a profile that falls from r = 0, in nm."""
    from scipy.optimize import brentq

    r = np.linspace(0, reach_nm, 2001)
    value = profile(r)
    below = int(np.argmax(value < value[0] / 2))
    if below == 0:
        raise InputError(f"the profile does not fall to half of its centre within {reach_nm:g} nm")
    root = brentq(lambda at: float(profile(np.array([at]))[0]) - value[0] / 2, r[below - 1], r[below])
    return 2 * float(root)


def _nodes() -> tuple[Doubles, Doubles]:
    """Gauss-Legendre nodes and weights on [0, 1]."""
    x, w = np.polynomial.legendre.leggauss(NODES)
    return (x + 1) / 2, w / 2


def _over_disc(profile: Profile, radius_nm: float, airy_nm: float) -> Profile:
    """Mean of a profile over a disc centred at distance r from its axis."""
    from scipy.interpolate import CubicSpline

    if radius_nm == 0:
        return profile
    # The mean over the disc by Gauss-Legendre in the squared radius and equal steps in angle; the nodes must
    # resolve the rings of the profile, which are half an Airy radius apart at most.
    count = min(200, 16 + 8 * math.ceil(radius_nm / airy_nm))
    x, w = np.polynomial.legendre.leggauss(count)
    s, weight = radius_nm * np.sqrt((x + 1) / 2), w / 2
    angle = (np.arange(count) + 0.5) * math.pi / count
    dx, dy = (s[:, None] * np.cos(angle)).ravel(), (s[:, None] * np.sin(angle)).ravel()
    weights = np.repeat(weight / count, count)
    step = airy_nm / 200  # linear interpolation is then exact to 1e-5 of the peak

    def mean(r: Doubles) -> Doubles:
        r = np.asarray(r, dtype=np.float64)
        table_r = np.arange(0, float(r.max()) + radius_nm + 9 * KNOT * airy_nm, step)
        table = profile(table_r)
        # The mean is smoother than the profile, so a spline through fewer radii suffices.
        knots = np.arange(0, float(r.max()) + 8 * KNOT * airy_nm, KNOT * airy_nm)
        means = [weights @ np.interp(np.hypot(at + dx, dy), table_r, table) for at in knots]
        value: Doubles = CubicSpline(knots, means)(r)
        return value

    return mean
