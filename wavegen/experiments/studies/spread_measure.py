"""The share of the spread that draws have: of the Gaussian toy, and of a trained pipeline on its band."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from wavegen.analysis import BandSpectrum, Rings
from wavegen.bridges import Plan, judge, sample
from wavegen.core.registry import build
from wavegen.core.types import PairSource
from wavegen.inference.evaluate import Scorer
from wavegen.pipeline.pipeline import Pipeline
from wavegen.pipeline.units import intensity_of


def toy(plan: Plan, side: int, seed: int = 0) -> Tensor:
    """V_0 / v as the sampler itself leaves it, one value for each of the plan's variances, (V,).

    Every variance is a channel of ``side`` x ``side`` independent pixels with the mean y; the network is the exact
    conditional mean. The standard error is sqrt(2) / side of the share.
    """
    process = build("bridge", plan.bridge)
    v = torch.tensor(plan.v).view(1, -1, 1, 1)

    def ideal(x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        a, b, c = (float(k) for k in process.coefficients(t[0].double()))
        gain = a * v / (a * a * v + c * c) if a > 0 else torch.zeros_like(v)
        return y + gain * (x - (a + b) * y)

    y = torch.zeros(1, len(plan.v), side, side)
    x = sample(process, ideal, y, grid=plan.times, eta=plan.eta, solver=plan.solver, seeds=seed).x
    return x.double().var(dim=(0, 2, 3)) / v.flatten().double()


def figures(name: str, shares: Tensor, power: Sequence[float]) -> dict[str, float]:
    """Mean over power, least and most of shares, under the given name."""
    mean = float((shares.double() * torch.tensor(power, dtype=torch.float64)).sum())
    return {name: mean, f"{name} least": float(shares.min()), f"{name} most": float(shares.max())}


@torch.no_grad()
def measure(
    pipe: Pipeline, data: PairSource, plan: Plan, band: BandSpectrum, draws: int, images: int, scorer: Scorer | None
) -> dict[str, Any]:
    """Spread of real draws over rings, beside the residual that it should have; and the scores of the first draw.

    With V the variance over draws and R the power of x0 minus their mean, the residual's variance is R - V / draws.
    Predicted is what the plan keeps of the network's own residual ``band``: where its energy lies, and of its average.
    """
    x, y = (torch.stack([data[i][k] for i in range(images)]) for k in (0, 1))
    offset, scale = intensity_of(y, pipe.config.intensity)
    grid = {"name": "times", "values": list(plan.times)}
    seeds = list(range(len(y)))
    restored = pipe.restore(y, samples=draws, seed=seeds, eta=plan.eta, solver=plan.solver, grid=grid).samples
    low = pipe.norm.low((restored - offset) / scale, 0)
    rings = Rings(*y.shape[-2:])

    def power(image: Tensor) -> Tensor:
        return rings.mean(rings.transform(image).abs().square().flatten(0, -3).mean(0))

    mean = low.mean(0)
    spread = power(low - mean) * draws / (draws - 1)
    residual = (power(pipe.norm.low((x - offset) / scale, 0) - mean) - spread / draws).clamp_min(1e-12)
    weights = residual * rings.modes / (residual * rings.modes).sum()
    shares = spread / residual

    def predicted(v: Sequence[float]) -> Plan:
        return judge(plan.bridge, plan.times, v, band.weights, eta=plan.eta, solver=plan.solver)

    tails = predicted(band.variances)
    results = {
        "for v alone": predicted(band.residual).mean,
        **figures("predicted", torch.tensor(tails.shares), tails.power),
        **figures("measured", shares, weights.tolist()),
        "shares": shares.tolist(),
        "residual": residual.tolist(),
    }
    if scorer is not None:
        results |= {name: float(values.mean()) for name, values in scorer.paired(restored[0], x).items()}
        results |= scorer.distances([restored[0]], [x])
    return results
