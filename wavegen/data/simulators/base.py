"""Simulated confocal -> STED pairs: the base class of all simulated specimens.

Intensity convention: target and input share one scale; x is the photon count of a STED image of about equal peak
brightness. The peak of an isolated object (a bead, a filament) in x is ``CONTRAST`` times its noise-free peak in y.
``CONTRAST`` is a constant of the specimen and the optics and is not fitted to images; it is chosen such that the
99.9th percentile of x is typically 1 to 2 times that of y. x shows the specimen alone, without noise, haze or
detector background.
"""

from __future__ import annotations

import inspect
import json
from abc import abstractmethod
from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from wavegen.core.config import Spec
from wavegen.core.errors import InputError
from wavegen.core.registry import entry
from wavegen.core.types import Pair
from wavegen.data.base import PairDataset
from wavegen.degradations import camera
from wavegen.version import __version__

Float = NDArray[np.float32]
Doubles = NDArray[np.float64]
Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

Size = Annotated[int, Field(ge=16, le=4096)]
Length = Annotated[int, Field(ge=1, le=10_000_000)]
Seed = Annotated[int, Field(ge=0)]
Nanometres = Annotated[float, Field(ge=1, le=2000)]
Photons = Annotated[float, Field(gt=0, le=1e6)]
Noise = Annotated[float, Field(ge=0, le=1e4)]


class Views(NamedTuple):
    """One specimen imaged by both instruments, (size, size) each; an isolated object of unit brightness has peak 1."""

    sted: Float
    confocal: Float


class Simulator(PairDataset):
    """A data set that computes its items: item i is a pure function of (seed, split, i).

    A subclass draws one specimen in :meth:`views`; this class adds the photon budget and the camera. The photons of
    the brightest pixel of the noise-free confocal image are drawn log-uniformly from ``photons``, so that the
    signal-to-noise ratio varies between images.

    Args:
        size: height and width in pixels.
        length: number of items; a longer set starts with the items of a shorter one.
        split: the three splits have no item in common.
        seed: of the whole data set.
        pixel_nm: pixel size in nm.
        confocal_fwhm_nm: width of the confocal spot in nm.
        sted_fwhm_nm: width of the STED spot in nm.
        photons: range of the photons of the brightest noise-free pixel of y.
        background: mean detector background of y in photons per pixel.
        read_noise: standard deviation of the read noise of y in photons.

    Raises:
        InputError: an empty range of photons, or a STED spot that is not smaller than the confocal one.
    """

    CONTRAST: ClassVar[float]
    channels = 1
    one_scale = True

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
    ) -> None:
        if photons[0] > photons[1]:
            raise InputError(f"photons = {photons}: give the range as (least, most)")
        if sted_fwhm_nm >= confocal_fwhm_nm:
            raise InputError(f"sted_fwhm_nm = {sted_fwhm_nm:g} must be below confocal_fwhm_nm = {confocal_fwhm_nm:g}")
        self.size = size
        self.length = length
        self.split = split
        self.seed = seed
        self.pixel_nm = pixel_nm
        self.confocal_fwhm_nm = confocal_fwhm_nm
        self.sted_fwhm_nm = sted_fwhm_nm
        self.photons = photons
        self.background = background
        self.read_noise = read_noise

    @abstractmethod
    def views(self, rng: np.random.Generator) -> Views:
        """Draw a specimen and return its noise-free STED and confocal images."""

    def haze(self, rng: np.random.Generator) -> Float | float:
        """Out-of-focus light in the confocal image only, relative to its peak."""
        return 0.0

    def key(self) -> str:
        """The options and the version as JSON; equal keys mean equal items."""
        options = {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}
        return json.dumps({"dataset": type(self).__name__, "wavegen": __version__, **options})

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Pair:
        """Item ``index``: x the STED target, y the confocal input, (1, size, size) float32 photons."""
        if not 0 <= index < self.length:
            raise IndexError(f"item {index} of a data set of {self.length}")
        sequence = np.random.SeedSequence(self.seed, spawn_key=(SPLITS.index(self.split), index))
        rng = np.random.default_rng(sequence)
        peak = np.exp(rng.uniform(*np.log(self.photons)))
        views = self.views(rng)
        # The floor keeps a nearly empty field dim instead of scaling it to full brightness.
        gain = np.float32(peak / max(float(views.confocal.max()), 0.5))
        expected = gain * views.confocal + np.float32(peak) * self.haze(rng)
        y = camera(expected, rng, self.read_noise, self.background)
        x = np.float32(self.CONTRAST) * gain * views.sted
        return Pair(torch.from_numpy(x)[None], torch.from_numpy(y)[None])


def is_simulator(spec: Spec) -> bool:
    """Whether a data set is simulated, so that its number of items, size and split are options."""
    factory = entry("dataset", str(spec.get("name"))).factory
    return inspect.isclass(factory) and issubclass(factory, Simulator)
