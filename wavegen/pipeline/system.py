"""The parts of a restoration system and how they are called: what training and sampling share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wavegen.bridges import Bridge, grid_of, make_solver
from wavegen.core.errors import InputError
from wavegen.core.registry import build, validate
from wavegen.core.types import Details, Pair, Subbands
from wavegen.gans import Given, Head, noise_deviation
from wavegen.networks import UNet
from wavegen.pipeline.config import PipelineConfig
from wavegen.pipeline.norm import SubbandNorm
from wavegen.pipeline.precision import Precision, autocast
from wavegen.pipeline.units import intensity_of, target_intensity
from wavegen.transforms import Transform, low_bands

COARSE_TERMS = frozenset({"coarse", "distill"})  # the loss terms that are of the coarse network alone


class System(nn.Module):
    """Transform, bridge, networks and normalisation of one configuration."""

    def __init__(self, config: PipelineConfig) -> None:
        super().__init__()
        self.config = config
        self.precision: Precision = "auto"
        c = config.channels
        self.transform: Transform = build("transform", config.transform)
        self.bridge: Bridge = build("bridge", config.bridge)
        if config.target not in self.bridge.targets:
            raise InputError(
                f"bridge {config.bridge['name']!r} has no target {config.target!r}; "
                f"it has {', '.join(sorted(self.bridge.targets))}"
            )
        low = self.transform.coarse_channels(c)
        self.cell = self.transform.ratio**self.transform.levels
        self.full = config.conditioning == "full" and self.transform.levels > 0
        probe = (64 * self.cell, 64 * self.cell)
        if self.full and self.transform.sizes(probe)[-1] != (64, 64):
            raise InputError(
                f"pipeline {config.name!r}: conditioning 'full' needs bands of ceil(size / 2) at each level; "
                "use the transform's mode 'periodization', or conditioning 'll'"
            )
        seen = {"none": 0, "ll": low, "full": c * self.cell**2 if self.full else low}[config.conditioning]
        self.coarse: UNet = build(
            "network",
            config.network,
            in_channels=low + seen + config.coarse_noise,
            out_channels=low,
            time=not self.bridge.one_step,
            **({"inject": config.coarse_noise} if config.coarse_noise else {}),
        )
        self.heads = nn.ModuleList()
        if self.transform.levels:
            if config.head is None:
                raise InputError(f"pipeline {config.name!r}: a transform with levels needs a head for its details")
            trunk = (self.coarse.feature_channels, self.coarse.patch)
            self.heads.extend(
                build("head", config.head, channels=c, trunk=trunk if i == 0 else None)
                for i in range(1 if config.shared_head else self.transform.levels)
            )
        elif config.head is not None:
            validate("head", config.head)  # not used without detail bands, but not to be wrong either
        self._check_stages()
        self.norm = SubbandNorm(self.transform, c)
        self.to(memory_format=torch.channels_last)  # convolutions are faster so
        sampler = config.sampler  # refused now rather than at the first image
        self.times = self.grid(sampler.steps, sampler.grid)
        make_solver(sampler.solver, bridge=self.bridge)
        if self.bridge.pinned and len(self.times) == 2 and any("distill" in s.weights for s in config.stages):
            raise InputError(
                f"distilling {config.bridge['name']!r} to one call leaves its mean: it starts at y, and its noise "
                "enters at the second call; give sampler.steps of 2 or more"
            )

    def _check_stages(self) -> None:
        """Refuse stages whose terms the heads cannot give, or that train nothing."""
        head = self.head(0) if len(self.heads) else None
        if self.transform.lossy != ("autoencoder" in self.config.stages[0].weights):
            raise InputError(
                f"transform {self.config.transform['name']!r}: a first stage that weighs 'autoencoder' is what a "
                "lossy transform needs, and no other can have"
            )
        for index, stage in enumerate(self.config.stages):
            if "autoencoder" in stage.weights:
                if index or len(stage.weights) > 1:
                    raise InputError(f"stage {stage.name!r}: 'autoencoder' stands alone, and in the first stage only")
                continue
            of_bands = sorted(stage.weights.keys() & {"bands", "energy", "diversity"})
            if of_bands and head is None:
                raise InputError(f"stage {stage.name!r} weighs {of_bands[0]!r}, but the transform has no detail bands")
            kind = (self.config.head or {}).get("name")
            two = sorted(stage.weights.keys() & {"energy", "diversity"})
            if two and head is not None and (head.process or not head.noise_channels):
                raise InputError(
                    f"stage {stage.name!r} weighs {two[0]!r}: head {kind!r} has no noise to draw twice from"
                )
            if "crps" in stage.weights and not self.config.coarse_noise + self.head_noise:
                raise InputError(
                    f"stage {stage.name!r} weighs 'crps': nothing is drawn without coarse_noise or a head's noise"
                )
            coarse = stage.ll == "predicted" or not stage.weights.keys().isdisjoint(COARSE_TERMS)
            if not coarse and (head is None or not head.trainable):
                raise InputError(
                    f"stage {stage.name!r} trains nothing: ll: {stage.ll} leaves the coarse network as it is, and "
                    + ("there is no head" if head is None else f"head {kind!r} has no parameters")
                )

    def head(self, index: int) -> Head:
        """The head of level ``index`` (0 = coarsest); all levels may share one."""
        made: Head = self.heads[0 if self.config.shared_head else index]  # type: ignore[assignment]
        return made

    @property
    def device(self) -> torch.device:
        """Where the parameters live."""
        return self.norm.low_mean.device

    @property
    def last_layer(self) -> Tensor:
        """The weights that the finest trainable output leaves through: the finest head's, or the coarse network's."""
        finest = self.head(self.transform.levels - 1) if len(self.heads) else None
        maker = finest if finest is not None and finest.trainable else self.coarse
        return [p for p in maker.parameters() if p.ndim == 4][-1]

    @property
    def parameters_count(self) -> int:
        """Number of trainable parameters."""
        return sum(p.numel() for p in self.parameters())

    def normalise(self, pair: Pair) -> Pair:
        """Bring a pair of whole images (C, H, W) to network units, by the intensities that the configuration names."""
        of_y = intensity_of(pair.y[None], self.config.intensity)
        of_x = target_intensity(pair.x[None], of_y, self.config.intensity)
        return Pair(
            *((image - offset[0]) / scale[0] for image, (offset, scale) in zip(pair, (of_x, of_y), strict=True))
        )

    def fit_normalisation(self, images: Iterable[Tensor]) -> None:
        """Take subband statistics from clean images (C, H, W) in network units."""
        self.norm.fit(self.transform, (image[None].to(self.device) for image in images))

    def condition(self, y: Tensor, bands: Subbands, noise: Tensor | None = None) -> Tensor:
        """What the coarse network sees beside the state: y, as configured, and its noise (None: its mean, zeros)."""
        seen = self._seen(y, bands)
        if not self.config.coarse_noise:
            return seen
        shape = (len(seen), self.config.coarse_noise, *bands.ll.shape[-2:])
        return torch.cat([seen, seen.new_zeros(shape) if noise is None else noise], dim=1)

    def _seen(self, y: Tensor, bands: Subbands) -> Tensor:
        """Nothing of y, its own normalised band, or all of it on that band's grid."""
        if self.config.conditioning == "none":
            return bands.ll[:, :0]
        if not self.full:
            return self.norm.low(bands.ll, 0)
        rows, columns = bands.ll.shape[-2:]
        cell = self.cell
        padded = F.pad(y, (0, columns * cell - y.shape[-1], 0, rows * cell - y.shape[-2]), mode="replicate")
        # A low band is ratio^levels times its image: give y the same units.
        return F.pixel_unshuffle(self.norm.low(padded * cell, 0), cell)

    def predict(self, x_t: Tensor, t: Tensor, condition: Tensor, network: UNet | None = None) -> tuple[Tensor, Tensor]:
        """One call of the coarse network, or of a teacher in its place: (output in the target, feature maps)."""
        inputs = torch.cat([x_t, condition], dim=1).contiguous(memory_format=torch.channels_last)
        with autocast(self.precision, inputs.device):
            out, features = (self.coarse if network is None else network)(inputs, t)
        return out.float(), features

    def given(self, index: int, low: Tensor, y_low: Tensor, own: Subbands, features: Tensor | None) -> Given:
        """What head ``index`` is told, from unnormalised bands; ``own`` are all bands of y."""
        sigma: Details | None = None
        if self.head(index).needs_sigma:
            noise = noise_deviation(own.details[-1].d)
            sigma = self.norm.details(Details(noise, noise, noise), index)
        return Given(
            self.norm.low(low, index),
            self.norm.low(y_low, index),
            self.norm.details(own.details[index], index),
            features if index == 0 else None,
            sigma,
        )

    def detail(
        self, index: int, low: Tensor, y_low: Tensor, own: Subbands, z: Tensor, features: Tensor | None
    ) -> Details:
        """Call head ``index`` (0 = coarsest) on unnormalised bands; returns unnormalised details."""
        with autocast(self.precision, low.device):
            bands = self.head(index)(self.given(index, low, y_low, own, features), z)
        return self.norm.details_inverse(bands, index)

    def estimate(
        self,
        index: int,
        low: Tensor,
        y_low: Tensor,
        own: Subbands,
        truth: Details,
        z: Tensor,
        features: Tensor | None,
        generator: torch.Generator,
    ) -> Details:
        """What training compares with the normalised ``truth``: normalised details (:meth:`Head.estimate`)."""
        with autocast(self.precision, low.device):
            return self.head(index).estimate(self.given(index, low, y_low, own, features), truth, z, generator)

    def with_details(self, low: Tensor, own: Subbands, features: Tensor | None, generator: torch.Generator) -> Tensor:
        """The image that the heads make of an unnormalised coarsest band; ``own`` are y's bands."""
        if not own.details:
            return self.transform.inverse(Subbands(low, (), own.size))
        sizes, own_lows = self.transform.sizes(own.size), low_bands(self.transform, own)
        for index in range(len(own.details)):
            level = len(own.details) - index
            z = self.draw_noise(low, generator)
            details = self.detail(index, low, own_lows[index], own, z, features)
            low = self.transform.inverse_level(low, details, sizes[level - 1], level)
        return low

    def draw_noise(self, low: Tensor, generator: torch.Generator) -> Tensor:
        """Noise for one call of a head whose low band is ``low``."""
        return torch.randn((len(low), self.head_noise, *low.shape[-2:]), generator=generator).to(low.device)

    @property
    def head_noise(self) -> int:
        """Noise channels that each head takes."""
        return self.head(0).noise_channels if len(self.heads) else 0

    def grid(self, steps: int | None, spec: Mapping[str, Any]) -> list[float]:
        """The time grid of a specification, refused where the process cannot walk it.

        Without ``steps`` a list of times has its own number, any other grid the configuration's.
        """
        return grid_of(self.bridge, spec, steps, self.config.sampler.steps)
