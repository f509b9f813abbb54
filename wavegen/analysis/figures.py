"""A sampling plan as a figure: preserved spread and residual variance by frequency, and the times of the calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from wavegen.analysis.spectra import BandSpectrum
from wavegen.bridges import Plan
from wavegen.core.files import atomic
from wavegen.core.optional import need
from wavegen.core.registry import build

LIMITS = (0.6, 1.2)  # acceptable ratios of predicted to true variance


def draw_plan(path: Path, bands: Sequence[BandSpectrum], compared: Mapping[str, Plan], plan: Plan) -> Path:
    """Write a PNG of three panels; returns its path.

    Args:
        path: the file.
        bands: spectra, starting with that of the planned band.
        compared: other sampling settings by name, for the same variances.
        plan: the chosen plan.

    Raises:
        InputError: matplotlib is not installed, or the file cannot be written.
    """
    figure = need("matplotlib.figure", "plot").Figure(figsize=(13.5, 4.1), layout="constrained")
    kept, spectra, grid = figure.subplots(1, 3)
    frequency = bands[0].frequency
    kept.axhspan(*LIMITS, color="0.93", zorder=0)
    kept.axhline(1, color="0.6", linewidth=0.8)
    for name, other in compared.items():
        kept.plot(frequency, other.shares, linewidth=1.2, label=f"{name}: {other.mean:.2f}")
    kept.plot(frequency, plan.shares, color="black", linewidth=2, label=f"planned, {plan.calls} calls: {plan.mean:.2f}")
    kept.set(
        xlabel="frequency, cycles per coefficient",
        ylabel="share of the true variance",
        ylim=(0, max(1.3, plan.most * 1.05)),
        title=f"Spread preserved in {bands[0].name} (predicted; legend: mean over power)",
    )
    kept.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.16))
    for band in bands:
        width, style = (2.0, "-") if band is bands[0] else (0.9, "--")
        spectra.semilogy(band.frequency, band.residual, style, linewidth=width, label=f"{band.name}, given y")
    spectra.semilogy(frequency, bands[0].power, ":", color="C0", label=f"{bands[0].name}, total")
    spectra.set(
        xlabel="frequency, cycles per coefficient", ylabel="variance (band: 1)", title="Residual variance given y"
    )
    spectra.legend(fontsize=8, ncols=2)
    _draw_grid(grid, plan)
    with atomic(path) as file:
        figure.savefig(file, dpi=110, format="png")
    return path


def _draw_grid(axes: object, plan: Plan) -> None:
    """Noise-to-signal variance of every call over time, and the range of residual variances."""
    times = torch.tensor(plan.times[1:-1], dtype=torch.float64)
    line = torch.linspace(1e-4, 1 - 1e-4, 400, dtype=torch.float64)
    process = build("bridge", plan.bridge)
    for t, style in ((line, {"color": "C0", "linewidth": 1.0}), (times, {"color": "black", "marker": "o", "ls": ""})):
        a, _, c = process.coefficients(t)
        axes.semilogy(t.tolist(), (c / a).square().tolist(), **style)  # type: ignore[attr-defined]
    axes.axhspan(min(plan.v), max(plan.v), color="0.9", zorder=0)  # type: ignore[attr-defined]
    axes.set(  # type: ignore[attr-defined]
        xlabel="t (the call at t = 1 is not shown)",
        ylabel="c² / a²",
        title=f"Calls of {plan.bridge['name']}; grey: the residual variances",
    )
