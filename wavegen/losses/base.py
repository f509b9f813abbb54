"""What a loss term is: it judges the coarse network's call, the bands of a level, or the image at a scale.

A term is a registered component of the kind ``loss``: a small class whose constructor arguments are its options. It
declares in its capabilities what it needs of the pipeline (``needs:heads``, ``needs:head-noise``, ``needs:noise``,
``needs:critic``, ``needs:teacher``, ``needs:lossy``), that it trains the coarse network whatever the heads are given
(``trains:coarse``), and that no other term may stand beside it (``alone``). What follows from its base class is
checked when it is registered (``facts``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor, nn

from wavegen.bridges import Bridge, from_x0
from wavegen.core.types import Details
from wavegen.gans import Adversarial
from wavegen.pipeline.denoiser import Estimate
from wavegen.transforms import Transform


@dataclass
class Candidate:
    """One image as a critic sees it: generated, true, and y, each (B, c, h, w).

    ``between`` is where the gradient penalty is taken: the true image's share in each item, (B, 1, 1, 1).
    """

    fake: Tensor
    real: Tensor
    y: Tensor
    between: Tensor | None = None


@dataclass(frozen=True)
class Judged:
    """Which items the critics see: ``own``, (B,) of bool, and ``everywhere``, of the whole batch over processes."""

    own: Tensor
    everywhere: Tensor

    def share(self, count: int) -> float:
        """What a mean over the own items, of ``count``, counts in a mean over processes: 1 for a fair share."""
        return int(self.own.sum()) * len(self.everywhere) / (int(self.everywhere.sum()) * count)


@dataclass
class Terms:
    """Unweighted loss terms (scalars), and what the critics judge, coarsest scale first.

    ``share`` is what the critics' terms count in a mean over processes, which may judge unequally many items, and what
    they are multiplied by. It is 0 where none of this process's items are judged, None where nobody's are.
    """

    losses: dict[str, Tensor] = field(default_factory=dict)
    candidates: list[Candidate] = field(default_factory=list)
    share: float | None = None


@dataclass(frozen=True)
class CoarseCall:
    """One call of the coarse network in training; all bands (B, C, h, w), normalised.

    ``end`` is what the estimate is compared with by a distillation: the end of the teacher's trajectory.
    """

    bridge: Bridge
    prediction: str
    x0: Tensor
    y: Tensor
    x_t: Tensor
    t: Tensor
    eps: Tensor
    end: Tensor
    estimate: Estimate
    distance: Callable[[Tensor, Tensor], Tensor]

    def goal(self) -> Tensor:
        """What the network should have said, in the form that it predicts."""
        return from_x0(self.prediction, self.x0, self.x_t, self.y, self.eps, self.bridge.coefficients(self.t))


class CoarseLoss(ABC):
    """A term of the coarse network's call."""

    @classmethod
    def facts(cls) -> dict[str, bool]:
        """What such a term has to declare."""
        return {"trains:coarse": True}

    @abstractmethod
    def __call__(self, call: CoarseCall) -> Tensor:
        """Return a scalar."""


class BandLoss(ABC):
    """A term of one level's normalised detail bands, averaged over levels.

    ``draws`` is 2 for terms that compare two draws at one low band.
    """

    draws: ClassVar[int] = 1

    @classmethod
    def facts(cls) -> dict[str, bool]:
        """What such a term has to declare; a head with noise is a head."""
        return {"needs:head-noise" if cls.draws == 2 else "needs:heads": True}

    @abstractmethod
    def __call__(self, drawn: Details, truth: Details, second: Details) -> Tensor:
        """Return a scalar; with one draw ``second`` is ``drawn``."""


class ImageLoss(ABC):
    """A term of the image at one scale, averaged over scales.

    ``draws`` is 2 for terms that judge two draws of each item: the halves of the batch. ``least_side`` is the number of
    pixels that the smallest scale of a crop must have.
    """

    draws: ClassVar[int] = 1
    least_side: ClassVar[int] = 1

    @classmethod
    def facts(cls) -> dict[str, bool]:
        """What such a term has to declare."""
        return {"needs:noise": True} if cls.draws == 2 else {}

    @abstractmethod
    def __call__(self, image: Tensor, truth: Tensor) -> Tensor | None:
        """Compare (B, C, H, W) in network units; None where this scale is too small to be judged."""


class TransformLoss(ABC):
    """A term of a lossy transform alone."""

    @classmethod
    def facts(cls) -> dict[str, bool]:
        """What such a term has to declare."""
        return {"needs:lossy": True, "alone": True}

    @abstractmethod
    def __call__(self, transform: Transform, images: Tensor) -> Tensor:
        """Return a scalar for images (B, C, H, W), clean and degraded alike."""


class CriticLoss(ABC):
    """A term that the critics give."""

    @classmethod
    def facts(cls) -> dict[str, bool]:
        """What such a term has to declare."""
        return {"needs:critic": True}

    @abstractmethod
    def __call__(self, kind: Adversarial, critics: nn.ModuleList, candidates: Sequence[Candidate]) -> Tensor:
        """Return a scalar; ``kind`` is the adversarial loss of the critic's configuration."""
