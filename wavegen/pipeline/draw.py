"""One sample of a restored batch: the walk of the bridge on the coarsest band, then up through the heads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from wavegen.bridges import Guidance, guided, noise, sample
from wavegen.bridges.sampler import PredictX0
from wavegen.core.types import Subbands
from wavegen.pipeline.levels import Level

if TYPE_CHECKING:
    from wavegen.pipeline.pipeline import Pipeline

HEAD_STREAM = 1 << 16  # noise streams: below it the bridge's steps, from it on the heads' levels
COARSE_STREAM = 1 << 17  # the noise that the coarse network itself takes


class Draw:
    """One sample of a restored batch, in network units.

    Args:
        pipe: the system.
        y: (B, C, H, W), the degraded batch in network units.
        seeds: one for each image.
        index: which of several samples of the same batch.
        options: of :func:`~wavegen.bridges.sample`.
    """

    def __init__(self, pipe: Pipeline, y: Tensor, seeds: list[int], index: int, options: Mapping[str, Any]) -> None:
        self.pipe, self.y, self.seeds, self.index, self.options = pipe, y, seeds, index, options
        self.bands = pipe.transform.forward(y)
        z = self._noise(pipe.config.coarse_noise, self.bands.ll, COARSE_STREAM)
        self.denoiser = pipe.denoiser(pipe.condition(y, self.bands, z))
        self.predict_x0: PredictX0 = self.denoiser

    def __call__(self) -> tuple[Tensor, int]:
        """The sample, and the number of network calls that it took."""
        pipe = self.pipe
        y_low = pipe.norm.low(self.bands.ll, 0)
        result = sample(pipe.bridge, self.predict_x0, y_low, **self.options, seeds=self.seeds, sample_index=self.index)
        low = pipe.norm.low_inverse(result.x, 0)
        return pipe.synthesise(low, self.bands, self.denoiser.features, self._head_noise), result.nfe

    def guide(self, guidance: Guidance, measured: Tensor, offset: Tensor, scale: Tensor) -> None:
        """Correct every estimate by a measurement; ``offset`` and ``scale`` bring network units to its images'."""
        pipe, bands = self.pipe, self.bands

        def to_image(band: Tensor) -> Tensor:
            whole = pipe.transform.inverse(Subbands(pipe.norm.low_inverse(band, 0), bands.details, bands.size))
            return whole * scale + offset

        self.predict_x0 = guided(self.denoiser, guidance, measured, to_image)

    def _head_noise(self, level: Level) -> Tensor:
        return self._noise(self.pipe.head_noise, level.low, HEAD_STREAM + level.index)

    def _noise(self, channels: int, like: Tensor, stream: int) -> Tensor:
        """(B, channels, h, w) on the grid of ``like``: a function of seed, sample, stream and place alone."""
        shape = (len(self.y), channels, *like.shape[-2:])
        return noise(shape, seeds=self.seeds, sample=self.index, stream=stream, device=self.y.device)
