"""The loss terms of details and images: up level by level, compared with the truth at each scale."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from wavegen.core.draws import among, normal, uniform
from wavegen.core.errors import InputError
from wavegen.core.types import Details, Subbands
from wavegen.losses.adversarial import candidate, image_candidate
from wavegen.losses.base import BandLoss, Candidate, ImageLoss, Judged, Terms
from wavegen.pipeline.config import Stage
from wavegen.pipeline.levels import Level, Scale, climb
from wavegen.pipeline.pipeline import Pipeline
from wavegen.pipeline.precision import autocast
from wavegen.transforms import low_bands


class Ascent:
    """One way up from a coarsest band, and what is compared on it.

    Args:
        pipe: the system.
        stage: what the heads are given.
        true: subbands of x.
        y: subbands of the degraded image.
        features: of the coarse network's call that made the band.
        generator: of the heads' noise.
    """

    def __init__(
        self,
        pipe: Pipeline,
        stage: Stage,
        true: Subbands,
        y: Subbands,
        features: Tensor | None,
        generator: torch.Generator,
    ) -> None:
        self.pipe, self.stage, self.true, self.y = pipe, stage, true, y
        self.features, self.generator = features, generator
        self.true_lows = low_bands(pipe.transform, true)
        self.band_losses: dict[str, BandLoss] = {}
        self.values: dict[str, list[Tensor]] = {}

    def run(
        self,
        low: Tensor,
        bands: dict[str, BandLoss],
        images: dict[str, ImageLoss],
        judged: Judged | None = None,
    ) -> Terms:
        """Terms by name, averaged over levels or scales, and what the critics judge at each scale.

        Args:
            low: the coarsest band to start from, normalised.
            bands: terms of detail bands.
            images: terms of images.
            judged: which items the critics see; None: no critic looks. Where it is another process's only,
                candidates have no items.
        """
        self.band_losses, self.values = bands, {}
        start: Callable[[Level], Tensor] | None = self._true_low if self.stage.teacher_forcing else None
        candidates: list[Candidate] = []
        for scale in climb(self.pipe.transform, self.y, self.pipe.norm.low_inverse(low, 0), self._details, start):
            gain = self._gain(scale)
            image, truth = scale.image / gain, self.true_lows[scale.level.index + 1] / gain
            for name, loss in images.items():
                self._keep(name, loss(image, truth))
            if judged is not None and judged.everywhere.any():
                seen = image[judged.own], truth[judged.own], (scale.y / gain)[judged.own]
                candidates.append(self._candidate(scale, judged, *seen))
        for name in images.keys() - self.values.keys():
            side = min(self.true.size)
            raise InputError(f"the {name} term judges no scale of crops of {side} pixels; give larger ones")
        return Terms({name: torch.stack(values).mean() for name, values in self.values.items()}, candidates)

    def _candidate(self, scale: Scale, judged: Judged, image: Tensor, truth: Tensor, y: Tensor) -> Candidate:
        """One scale's judged items; without any, the numbers that other processes draw are drawn all the same."""
        settings = self.pipe.config.critic
        assert settings is not None
        with among(judged.everywhere, self.generator):
            if not len(image):
                return candidate(settings, image, truth, y, self.generator)
            return image_candidate(self.pipe, image, truth, y, self._shown_lows(scale, judged.own), self.generator)

    def _keep(self, name: str, value: Tensor | None) -> None:
        if value is not None:
            self.values.setdefault(name, []).append(value)

    def _gain(self, scale: Scale) -> float:
        """A low band is ratio^level times its image."""
        return float(self.pipe.transform.ratio ** max(scale.level.depth - 1, 0))

    def _true_low(self, level: Level) -> Tensor:
        """The true low band; with ``noisy`` imperfect by noise of a strength drawn for each item."""
        low, stage, norm = self.true_lows[level.index], self.stage, self.pipe.norm
        if stage.low_band == "true":
            return low
        strength = stage.low_band_noise * uniform((len(low), 1, 1, 1), self.generator)
        noise = (strength * normal(low.shape, self.generator)).to(low.device)
        return norm.low_inverse(norm.low(low, level.index) + noise, level.index)

    def _details(self, level: Level) -> Details:
        """One level's bands from its head, not normalised, compared with the truth on the way."""
        norm, index = self.pipe.norm, level.index
        truth = norm.details(self.true.details[index], index)
        drawn = second = self._estimate(level, truth)
        if any(loss.draws == 2 for loss in self.band_losses.values()):
            second = self._estimate(level, truth)
        for name, loss in self.band_losses.items():
            self._keep(name, loss(drawn, truth, second))
        return norm.details_inverse(drawn, index)

    def _estimate(self, level: Level, truth: Details) -> Details:
        """What training compares with the normalised ``truth`` (:meth:`~wavegen.gans.Head.estimate`), normalised."""
        pipe = self.pipe
        z = pipe.draw_noise(level.low, self.generator)
        with autocast(pipe.precision, level.low.device):
            given = pipe.level_input(level, self.features)
            return pipe.head(level.index).estimate(given, truth, z, self.generator)

    def _shown_lows(self, scale: Scale, judged: Tensor) -> tuple[Tensor, Tensor]:
        """The low bands that the image and the true one were made from; at the image's size if a critic sees them."""
        level, critic = scale.level, self.pipe.config.critic
        lows = (level.low, self.true_lows[level.index])
        if critic is not None and critic.low and level.depth:
            gain = self._gain(scale)
            lows = (self._without_details(level, lows[0]) / gain, self._without_details(level, lows[1]) / gain)
        return lows[0][judged], lows[1][judged]

    def _without_details(self, level: Level, low: Tensor) -> Tensor:
        """A low band as an image one level up, without details."""
        nothing = torch.zeros_like(low)
        return self.pipe.transform.inverse_level(low, Details(nothing, nothing, nothing), level.size, level.depth)
