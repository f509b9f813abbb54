"""The one class that every restoration system is a configuration of."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wavegen.bridges import Bridge, Guidance, chosen_solver, grid_of, lay_sampler, make_solver
from wavegen.core.config import check, merge
from wavegen.core.draws import normal
from wavegen.core.errors import InputError
from wavegen.core.guard import guarded
from wavegen.core.registry import build
from wavegen.core.types import Details, Pair, Restoration, Subbands
from wavegen.data.matched import on_input_scale
from wavegen.gans import Head, LevelInput, noise_deviation
from wavegen.pipeline import storage
from wavegen.pipeline.assembly import coarse_network, heads
from wavegen.pipeline.config import PipelineConfig
from wavegen.pipeline.denoiser import Denoiser
from wavegen.pipeline.draw import Draw
from wavegen.pipeline.levels import Level, climb
from wavegen.pipeline.norm import SubbandNorm
from wavegen.pipeline.precision import Precision, autocast, kept_casts
from wavegen.pipeline.presets import preset
from wavegen.pipeline.stages import check_stages
from wavegen.pipeline.units import (
    as_batch,
    check_result,
    intensity_of,
    is_constant,
    result_intensity,
    scaled_by_input,
    target_intensity,
    whole_numbers,
)
from wavegen.transforms import Transform, resolved


class Pipeline(nn.Module):
    """Wavelet split, a bridge on the coarsest band, heads on the details, and back.

    Build it with :meth:`from_config` or :meth:`from_pretrained`. How it is trained is not its business:
    see :class:`wavegen.losses.Objective` and :func:`wavegen.training.fit`.

    Attributes:
        config: the whole configuration.
        transform: image <-> subbands.
        bridge: the process on the coarsest band.
        coarse: the network of that band.
        heads: one for each level, or one for all; empty without levels.
        norm: statistics of the subbands.
        times: the sampler's default time grid.
        precision: the arithmetic of the networks.
    """

    def __init__(self, config: PipelineConfig) -> None:
        super().__init__()
        self.config = config
        self.precision: Precision = "auto"
        self.transform: Transform = build("transform", config.transform)
        self.bridge: Bridge = build("bridge", config.bridge)
        self.cell = self.transform.ratio**self.transform.levels  # pixels of the image along one of the coarsest band's
        self.full = config.conditioning == "full" and self.transform.levels > 0
        self.coarse = coarse_network(config, self.transform, self.bridge)
        self.heads = heads(config, self.transform, self.coarse)
        self.norm = SubbandNorm(self.transform, config.channels)
        self.to(memory_format=torch.channels_last)  # convolutions are faster in this layout
        sampler = config.sampler  # refused now rather than at the first image
        self.times = self.grid(sampler.steps, sampler.grid)
        make_solver(sampler.solver, bridge=self.bridge)
        check_stages(self)

    # -- construction and storage --------------------------------------------------------------

    @classmethod
    def from_config(cls, config: Mapping[str, Any] | str) -> Pipeline:
        """Build from a name or ``{"name": ..., **differences}`` (nested, laid on the named preset).

        Raises:
            InputError: unknown names, misspelt options, values out of range.
        """
        return cls(cls.configure(config))

    @staticmethod
    def configure(config: Mapping[str, Any] | str) -> PipelineConfig:
        """The whole configuration that :meth:`from_config` builds; options of components are checked by building.

        Raises:
            InputError: unknown names of pipelines, misspelt settings, values out of range.
        """
        if not isinstance(config, str | Mapping):
            raise InputError(f"a pipeline is configured by a name or a mapping, not {type(config).__name__}")
        given: dict[str, Any] = {"name": config} if isinstance(config, str) else dict(config)
        base = preset(given.get("name"))
        merged = merge(base, given)
        if isinstance(given.get("sampler"), Mapping):
            merged["sampler"] = lay_sampler(base.get("sampler", {}), given["sampler"])
        if isinstance(merged.get("transform"), Mapping):
            merged["transform"] = resolved(merged["transform"])  # what is saved must not depend on other files
        whole: PipelineConfig = check(PipelineConfig, merged, f"pipeline {given.get('name')!r}")
        return whole

    @classmethod
    def from_pretrained(cls, where: str | Path) -> Pipeline:
        """Load a shipped name, a folder that :meth:`save_pretrained` wrote, or a hub id ``owner/name``.

        Raises:
            InputError: nothing is found there, or a tensor is missing or has another shape.
        """
        folder = storage.locate(where)
        config = storage.read_config(folder)
        pipeline = guarded(folder / "config.json", lambda _: cls(config), "no pipeline can be built of it")
        pipeline.load_state_dict(storage.read_weights(folder, pipeline.state_dict()))
        return pipeline.eval()

    def save_pretrained(self, where: str | Path, *, card: str | None = None, half: bool = False) -> None:
        """Write ``config.json``, ``model.safetensors`` and a model card; ``half`` stores weights in 16 bits."""
        # Statistics keep 32 bits, and so does a learned basis: rounded, it would not be one.
        exact = ("norm.",) if self.transform.lossy else ("norm.", "transform.")
        tensors = {
            name: tensor.half() if half and not name.startswith(exact) else tensor
            for name, tensor in self.state_dict().items()
        }
        storage.write(Path(where), self.config, tensors, card)

    # -- parts ---------------------------------------------------------------------------------

    def head(self, index: int) -> Head:
        """The head of level ``index`` (0 = coarsest); all levels may share one."""
        head: Head = self.heads[0 if self.config.shared_head else index]  # type: ignore[assignment]
        return head

    @property
    def head_noise(self) -> int:
        """Noise channels that each head takes."""
        return self.head(0).noise_channels if len(self.heads) else 0

    @property
    def device(self) -> torch.device:
        """Where the parameters live."""
        return self.norm.low_mean.device

    @property
    def last_layer(self) -> Tensor:
        """Weights of the last convolution of the finest trainable network."""
        finest = self.head(self.transform.levels - 1) if len(self.heads) else None
        network = finest if finest is not None and finest.trainable else self.coarse
        return [p for p in network.parameters() if p.ndim == 4][-1]

    @property
    def parameters_count(self) -> int:
        """Number of trainable parameters."""
        return sum(p.numel() for p in self.parameters())

    def grid(self, steps: int | None, spec: Mapping[str, Any]) -> list[float]:
        """The time grid of a specification, refused where the process cannot follow it.

        Without ``steps`` a list of times has its own number, any other grid the configuration's.
        """
        return grid_of(self.bridge, spec, steps, self.config.sampler.steps)

    # -- units ---------------------------------------------------------------------------------

    def normalise(self, pair: Pair, *, matched: bool = False) -> Pair:
        """Bring a pair of whole images (C, H, W) to network units, by the intensities that the configuration names.

        A constant y has no scale that x could be given; it takes the width of x's own.

        Args:
            pair: target and input.
            matched: the target is on its input's scale already (:class:`~wavegen.data.matched.Matched`), so that no
                line need be fitted where the configuration wants one.
        """
        if self.config.intensity.target == "matched" and not matched:
            pair = on_input_scale(pair)
        of_y = intensity_of(pair.y[None], self.config.intensity)
        if scaled_by_input(self.config.intensity) and bool(is_constant(pair.y[None])):
            of_y = of_y[0], intensity_of(pair.x[None], self.config.intensity)[1]
        of_x = target_intensity(pair.x[None], of_y, self.config.intensity)
        return Pair(
            *((image - offset[0]) / scale[0] for image, (offset, scale) in zip(pair, (of_x, of_y), strict=True))
        )

    def fit_normalisation(self, images: Iterable[Tensor]) -> None:
        """Take subband statistics from clean images (C, H, W) in network units."""
        self.norm.fit(self.transform, (image[None].to(self.device) for image in images))

    # -- the coarsest band ---------------------------------------------------------------------

    def condition(self, y: Tensor, bands: Subbands, noise: Tensor | None = None) -> Tensor:
        """What the coarse network sees beside the state.

        Args:
            y: (B, C, H, W), the degraded image in network units.
            bands: its subbands.
            noise: (B, coarse_noise, h, w); None: its mean, zeros.

        Returns:
            (B, K, h, w): nothing of y, its own normalised band, or all of it on that band's grid; then the noise.
        """
        if self.config.conditioning == "none":
            seen = bands.ll[:, :0]
        elif self.full:
            seen = self._on_grid(y, bands)
        else:
            seen = self.norm.low(bands.ll, 0)
        if not self.config.coarse_noise:
            return seen
        shape = (len(seen), self.config.coarse_noise, *bands.ll.shape[-2:])
        return torch.cat([seen, seen.new_zeros(shape) if noise is None else noise], dim=1)

    def _on_grid(self, y: Tensor, bands: Subbands) -> Tensor:
        """All of y rearranged to the grid of the coarsest band."""
        (rows, columns), cell = bands.ll.shape[-2:], self.cell
        padded = F.pad(y, (0, columns * cell - y.shape[-1], 0, rows * cell - y.shape[-2]), mode="replicate")
        # A low band is ratio^levels times its image: give y the same units.
        return F.pixel_unshuffle(self.norm.low(padded * cell, 0), cell)

    def denoiser(self, condition: Tensor, network: nn.Module | None = None) -> Denoiser:
        """The coarse network, or a teacher in its place, as an estimate of x0 under a conditioning."""
        chosen = self.coarse if network is None else network
        return Denoiser(chosen, self.config.prediction, self.bridge, condition, self.precision)

    # -- the details ---------------------------------------------------------------------------

    def level_input(self, level: Level, features: Tensor | None) -> LevelInput:
        """What a head is given, normalised; ``features`` are the coarse network's, used at the coarsest level."""
        index, sigma = level.index, None
        if self.head(index).needs_sigma:
            noise = noise_deviation(level.y.details[-1].d)
            sigma = self.norm.details(Details(noise, noise, noise), index)
        return LevelInput(
            self.norm.low(level.low, index),
            self.norm.low(level.y_low, index),
            self.norm.details(level.y.details[index], index),
            features if index == 0 else None,
            sigma,
        )

    def detail(self, level: Level, z: Tensor, features: Tensor | None) -> Details:
        """Draw the detail bands of a level, not normalised, from the head's noise ``z``."""
        with autocast(self.precision, level.low.device):
            bands = self.head(level.index)(self.level_input(level, features), z)
        return self.norm.details_inverse(bands, level.index)

    def synthesise(self, low: Tensor, y: Subbands, features: Tensor | None, draw: Callable[[Level], Tensor]) -> Tensor:
        """The image that the heads make of a coarsest band.

        Args:
            low: (B, C', h, w), not normalised.
            y: subbands of the degraded image.
            features: of the coarse network's last call.
            draw: the noise of a level's head.
        """
        if not y.details:
            return self.transform.inverse(Subbands(low, (), y.size))
        *_, finest = climb(self.transform, y, low, lambda level: self.detail(level, draw(level), features))
        return finest.image

    def draw_noise(self, low: Tensor, generator: torch.Generator) -> Tensor:
        """Noise for one call of a head whose low band is ``low``."""
        return normal((len(low), self.head_noise, *low.shape[-2:]), generator).to(low.device)

    # -- restoration ---------------------------------------------------------------------------

    @torch.no_grad()
    def restore(
        self,
        image: Any,
        *,
        steps: int | None = None,
        samples: int = 1,
        seed: int | Sequence[int] = 0,
        eta: float | None = None,
        grid: Mapping[str, Any] | None = None,
        solver: str | Mapping[str, Any] | None = None,
        temperature: float | None = None,
        guidance: Guidance | None = None,
    ) -> Restoration:
        """Restore an image, or a batch, in the units, shape and dtype that it came in.

        Where results have the scale of the input, restore(a x + b) is a restore(x) + b, and a constant image comes
        back as it is.

        Args:
            image: (H, W), (C, H, W) or (B, C, H, W); uint8, uint16, float32 or float64.
            steps: steps of the bridge; the configuration's number by default, or that of a grid of times.
            samples: independent draws; ``image`` is their mean, ``std`` their spread.
            seed: one for all images, or one for each of the batch.
            eta: shorthand for the solver's option ``eta``: 0 = deterministic (DDIM), 1 = fully stochastic steps.
            grid: ``{"name": "uniform", **options}``.
            solver: ``generic``, ``multistep``, ``heun`` (two network calls in each step), ...
            temperature: what the bridge's noise is multiplied by; the spread of samples grows about in proportion.
            guidance: a forward model that corrects every estimate of the band. The image that it is asked
                about is the estimate put together with y's own details, in the units of ``image``.

        Raises:
            InputError: an image that :func:`~wavegen.pipeline.units.as_batch` refuses, wrong options, or a result
                that is not finite.
        """
        if samples < 1:
            raise InputError(f"samples is {samples}; give 1 or more")
        began = time.perf_counter()
        batch, layout = as_batch(image, self.config.channels)
        seeds = whole_numbers(seed, len(batch))
        sampler = self.config.sampler
        options = {
            "grid": self.grid(steps, sampler.grid if grid is None else grid),
            "solver": chosen_solver(sampler.solver, solver, eta),
            "temperature": sampler.temperature if temperature is None else temperature,
        }
        y, offset, scale = self._network_units(batch)
        measured = batch if guidance is None or guidance.measured is None else guidance.measured
        drawn, nfe = [], 0
        with kept_casts(self.device):
            for index in range(samples):
                draw = Draw(self, y, seeds, index, options)
                if guidance is not None:
                    draw.guide(guidance, *(k.float().to(self.device) for k in (measured, offset, scale)))
                x, nfe = draw()
                drawn.append(x.cpu())
        # Moments in network units: on a large offset they would be rounded to that offset's.
        stack = torch.stack(drawn)
        if guidance is None and scaled_by_input(self.config.intensity):
            # A constant image has no contrast that anything could be restored from: it comes back as it is.
            scale = torch.where(is_constant(batch), 0.0, scale)
        std = stack.std(dim=0) if samples > 1 else torch.zeros_like(stack[0])
        images = stack * scale + offset
        check_result(images)
        return Restoration(
            image=layout.give_back(stack.mean(dim=0) * scale + offset),
            std=layout.give_back(std * scale, integer=False),
            samples=layout.give_back(images),
            nfe=nfe,
            seconds=time.perf_counter() - began,
        )

    def _network_units(self, batch: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """y in network units, on the device, and the offset and scale that bring results back."""
        of_y = intensity_of(batch, self.config.intensity)
        y = ((batch - of_y[0]) / of_y[1]).float().to(self.device)
        return y, *result_intensity(of_y, self.config.intensity)

    @torch.no_grad()
    def roundtrip(self, image: Any) -> Any:
        """Self-check: everything that :meth:`restore` does but for the networks; returns ``image`` again."""
        batch, layout = as_batch(image, self.config.channels)
        offset, scale = intensity_of(batch, self.config.intensity)
        bands = self.transform.forward(((batch - offset) / scale).float())
        low = self.norm.low_inverse(self.norm.low(bands.ll, 0), 0)
        details = tuple(self.norm.details_inverse(self.norm.details(d, i), i) for i, d in enumerate(bands.details))
        return layout.give_back(self.transform.inverse(Subbands(low, details, bands.size)) * scale + offset)
