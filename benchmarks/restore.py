"""What sampling costs beside its network calls."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import date
from functools import partialmethod
from typing import Any
from unittest.mock import patch

import torch

from wavegen.experiments.spec.record import cpu_name
from wavegen.pipeline.denoiser import Denoiser
from wavegen.pipeline.pipeline import Pipeline
from wavegen.pipeline.precision import kept_casts


class Timed:
    """A callable that keeps what it was given, and when each call began and ended, in seconds."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.given: list[tuple[Any, ...]] = []
        self.spans: list[tuple[float, float]] = []

    def __call__(self, *given: Any) -> Any:
        """What the function returns."""
        began = time.perf_counter()
        result = self.function(*given)
        self.spans.append((began, time.perf_counter()))
        self.given.append(given)
        return result

    @property
    def seconds(self) -> float:
        """Time inside the calls."""
        return sum(end - start for start, end in self.spans)


@torch.no_grad()
def bench_restore(
    model: str = "mscgm-hela", *, size: int = 256, steps: int = 16, runs: int = 15, seed: int = 0
) -> dict[str, Any]:
    """Time restorations of one image beside their network calls, in turn, on one thread; medians over the runs.

    Args:
        model: a trained pipeline.
        size: side of the image in pixels.
        steps: of the bridge.
        runs: after one that warms up.
        seed: of the image's values and of the restoration.

    Returns:
        ms_calls: the coarse network alone, called again with the inputs that a restoration gave it.
        ms_walk: from the first of its calls in a restoration to the end of the last: calls, steps and noise.
        ms_restore: the whole restoration: split, walk, heads, inverse, intensities.
        walk_over_calls: the walk over the calls inside it, taken run by run; restore_over_calls: likewise the
            whole, and restore_over_networks with the heads' calls added to the coarse network's.
        walk_over_calls_alone: ms_walk / ms_calls. Beside them what it was measured on.

    Raises:
        InputError: no such model, or options that ``restore`` refuses.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _bench(Pipeline.from_pretrained(model), model, size, steps, runs, seed) | {
            "date": date.today().isoformat(),
            "torch": torch.__version__,
            "cpu": cpu_name(),
            "threads": 1,
        }
    finally:
        torch.set_num_threads(threads)


def _bench(pipeline: Pipeline, model: str, size: int, steps: int, runs: int, seed: int) -> dict[str, Any]:
    image = torch.rand(pipeline.config.channels, size, size, generator=torch.Generator().manual_seed(seed)).numpy()
    rows: list[dict[str, float]] = []
    calls = 0
    for _ in range(runs + 1):
        coarse, heads = Timed(Denoiser.estimate), Timed(pipeline.detail)
        call = partialmethod(coarse)
        with patch.object(Denoiser, "estimate", call), patch.object(pipeline, "detail", heads):
            whole = pipeline.restore(image, steps=steps, seed=seed).seconds
        began = time.perf_counter()
        with kept_casts(pipeline.device):
            for given in coarse.given:
                Denoiser.estimate(*given)
        alone, calls = time.perf_counter() - began, len(coarse.spans)
        walk = coarse.spans[-1][1] - coarse.spans[0][0]
        networks = coarse.seconds + heads.seconds
        rows.append(
            {
                "ms_calls": 1000 * alone,
                "ms_walk": 1000 * walk,
                "ms_restore": 1000 * whole,
                "walk_over_calls": walk / coarse.seconds,
                "restore_over_networks": whole / networks,
                "restore_over_calls": whole / coarse.seconds,
            }
        )
    medians = {key: statistics.median(row[key] for row in rows[1:]) for key in rows[0]}
    return {
        "model": model,
        "size": size,
        "calls": calls,
        "runs": runs,
        "seed": seed,
        **medians,
        "walk_over_calls_alone": medians["ms_walk"] / medians["ms_calls"],
    }
