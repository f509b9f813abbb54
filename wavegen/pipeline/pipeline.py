"""The one class that every restoration system is a configuration of."""

from __future__ import annotations

import json
import operator
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from wavegen.bridges import Guidance, chosen_solver, guided, lay_sampler, noise, sample, to_x0
from wavegen.core.config import check, merge
from wavegen.core.errors import InputError
from wavegen.core.files import write_text
from wavegen.core.tensors import check_state, read_tensors, write_tensors
from wavegen.core.types import Restoration, Subbands
from wavegen.pipeline.config import PipelineConfig
from wavegen.pipeline.precision import kept_casts
from wavegen.pipeline.presets import preset
from wavegen.pipeline.storage import locate
from wavegen.pipeline.system import System
from wavegen.pipeline.units import as_batch, intensity_of, result_intensity
from wavegen.transforms import resolved
from wavegen.version import __version__

HEAD_STREAM = 1 << 16  # noise streams: below it the bridge's steps, from it on the heads' levels
COARSE_STREAM = 1 << 17  # the noise that the coarse network itself takes


class _Guide(NamedTuple):
    """A guidance with what its units are in: the measurement, and the images' offset and scale."""

    guidance: Guidance
    measured: Tensor
    offset: Tensor
    scale: Tensor


class Pipeline(System):
    """Wavelet split, a bridge on the coarsest band, heads on the details, and back.

    Build it with :meth:`from_config` or :meth:`from_pretrained`.
    """

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
        made: PipelineConfig = check(PipelineConfig, merged, f"pipeline {given.get('name')!r}")
        return made

    @classmethod
    def from_pretrained(cls, where: str | Path) -> Pipeline:
        """Load a shipped name, a folder that :meth:`save_pretrained` wrote, or a hub id ``owner/name``.

        Raises:
            InputError: nothing is found there, or a tensor is missing or has another shape.
        """
        folder = locate(where)
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))["pipeline"]
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{folder / 'config.json'} is missing or not a pipeline configuration ({error})") from None
        pipeline = cls(check(PipelineConfig, config, str(folder / "config.json")))
        path = folder / "model.safetensors"
        tensors, _ = read_tensors(path)
        check_state(path, tensors, pipeline.state_dict())
        pipeline.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
        return pipeline.eval()

    def save_pretrained(self, where: str | Path, *, card: str | None = None, half: bool = False) -> None:
        """Write ``config.json``, ``model.safetensors`` and a model card; ``half`` stores weights in 16 bits."""
        folder = Path(where)
        exact = ("norm.",) if self.transform.lossy else ("norm.", "transform.")  # a basis must stay one
        tensors = {
            name: tensor.half() if half and not name.startswith(exact) else tensor
            for name, tensor in self.state_dict().items()
        }
        described = {"wavegen": __version__, "pipeline": self.config.model_dump(mode="json")}
        write_tensors(folder / "model.safetensors", tensors)
        write_text(folder / "config.json", json.dumps(described, indent=1) + "\n")
        write_text(
            folder / "README.md",
            card or f"# {self.config.name}\n\nA wavegen pipeline; no evaluation recorded.\n",
        )

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

        Args:
            image: (H, W), (C, H, W) or (B, C, H, W); uint8, uint16, float32 or float64.
            steps: steps of the bridge; the configuration's number by default, or that of a grid of times.
            samples: independent draws; ``image`` is their mean, ``std`` their spread.
            seed: one for all images, or one for each of the batch.
            eta: shorthand for the solver's option ``eta``: 0 = deterministic (DDIM), 1 = fully stochastic steps.
            grid: ``{"name": "uniform", **options}``.
            solver: a registered name, which keeps the configured ``eta``, or ``{"name": ..., **options}``.
            temperature: what the bridge's noise is multiplied by; draws spread about in proportion.
            guidance: a forward model that every estimate of the band is corrected by. The image that it is asked
                about is the estimate put together with y's own details, in the units of ``image``.

        Raises:
            InputError: an image that :func:`~wavegen.pipeline.units.as_batch` refuses, or wrong options.
        """
        if samples < 1:
            raise InputError(f"samples is {samples}; give 1 or more")
        began = time.perf_counter()
        batch, layout = as_batch(image, self.config.channels)
        seeds = _whole_numbers(seed, len(batch))
        sampler = self.config.sampler
        walk = {
            "grid": self.grid(steps, sampler.grid if grid is None else grid),
            "solver": chosen_solver(sampler.solver, solver, eta),
            "temperature": sampler.temperature if temperature is None else temperature,
        }
        offset, scale = intensity_of(batch, self.config.intensity)
        y = ((batch - offset) / scale).to(self.device)
        offset, scale = result_intensity((offset, scale), self.config.intensity)
        guide = (
            None
            if guidance is None
            else _Guide(
                guidance,
                (batch if guidance.measured is None else guidance.measured).to(self.device),
                offset.to(self.device),
                scale.to(self.device),
            )
        )
        drawn, nfe = [], 0
        with kept_casts(self.device):
            for index in range(samples):
                x, nfe = self._draw(y, walk, seeds, index, guide)
                drawn.append(x.cpu() * scale + offset)
        stack = torch.stack(drawn)
        std = stack.std(dim=0) if samples > 1 else torch.zeros_like(stack[0])
        return Restoration(
            image=layout.give_back(stack.mean(dim=0)),
            std=layout.give_back(std, integer=False),
            samples=layout.give_back(stack),
            nfe=nfe,
            seconds=time.perf_counter() - began,
        )

    def _draw(
        self, y: Tensor, walk: Mapping[str, Any], seeds: list[int], index: int, guide: _Guide | None
    ) -> tuple[Tensor, int]:
        """One sample of the restored batch, in network units, by ``sample`` with the options ``walk``."""
        bands = self.transform.forward(y)
        shape = (len(y), self.config.coarse_noise, *bands.ll.shape[-2:])
        z = noise(shape, seeds=seeds, sample=index, stream=COARSE_STREAM, device=y.device)
        condition = self.condition(y, bands, z)
        features: Tensor | None = None

        def predict_x0(x_t: Tensor, t: Tensor, y_low: Tensor) -> Tensor:
            nonlocal features
            out, features = self.predict(x_t, t, condition)
            target = self.config.target
            at_t = self.bridge.coefficients(t.cpu().double()) if target in ("eps", "v") else None
            return to_x0(target, out, x_t, y_low, at_t)

        def to_image(band: Tensor) -> Tensor:
            assert guide is not None
            whole = self.transform.inverse(Subbands(self.norm.low_inverse(band, 0), bands.details, bands.size))
            return whole * guide.scale + guide.offset

        result = sample(
            self.bridge,
            predict_x0 if guide is None else guided(predict_x0, guide.guidance, guide.measured, to_image),
            self.norm.low(bands.ll, 0),
            **walk,
            seeds=seeds,
            sample_index=index,
        )
        low = self.norm.low_inverse(result.x, 0)
        if not bands.details:
            return self.transform.inverse(Subbands(low, (), bands.size)), result.nfe
        sizes, y_low = self.transform.sizes(bands.size), bands.ll
        for level, own in enumerate(bands.details):
            above = len(bands.details) - level
            size = sizes[above - 1]
            shape = (len(y), self.head_noise, *low.shape[-2:])
            z = noise(shape, seeds=seeds, sample=index, stream=HEAD_STREAM + level, device=y.device)
            details = self.detail(level, low, y_low, bands, z, features)
            low = self.transform.inverse_level(low, details, size, above)
            y_low = self.transform.inverse_level(y_low, own, size, above)
        return low, result.nfe

    @torch.no_grad()
    def roundtrip(self, image: Any) -> Any:
        """Self-check: everything that :meth:`restore` does but for the networks; returns ``image`` again."""
        batch, layout = as_batch(image, self.config.channels)
        offset, scale = intensity_of(batch, self.config.intensity)
        bands = self.transform.forward((batch - offset) / scale)
        low = self.norm.low_inverse(self.norm.low(bands.ll, 0), 0)
        details = tuple(self.norm.details_inverse(self.norm.details(d, i), i) for i, d in enumerate(bands.details))
        return layout.give_back(self.transform.inverse(Subbands(low, details, bands.size)) * scale + offset)


def configure_sampler(folder: Path, **settings: Any) -> None:
    """Change defaults of :meth:`Pipeline.restore` (of ``sampler``) in the folder of a trained pipeline.

    Raises:
        InputError: a setting that is unknown or out of range, or a folder that cannot be written; it is then as before.
    """
    file = folder / "config.json"
    described = json.loads(file.read_text(encoding="utf-8"))
    described["pipeline"]["sampler"] = lay_sampler(described["pipeline"]["sampler"], settings)
    config: PipelineConfig = check(PipelineConfig, described["pipeline"], str(file))
    described["pipeline"] = config.model_dump(mode="json")
    write_text(file, json.dumps(described, indent=1) + "\n")


def _whole_numbers(seed: int | Sequence[int], count: int) -> list[int]:
    """One seed for each of ``count`` images."""
    try:
        seeds = [operator.index(seed)] * count if np.ndim(seed) == 0 else [operator.index(s) for s in seed]  # type: ignore[arg-type, union-attr]
    except TypeError:
        raise InputError(f"seed = {seed!r}: give a whole number, or one for each image") from None
    if len(seeds) != count:
        raise InputError(f"{len(seeds)} seeds for {count} images; give one, or one for each")
    return seeds
