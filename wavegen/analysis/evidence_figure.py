"""Evidence as a picture: Gaussianity of LL, sparsity of the details, and spectra, by scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from wavegen.analysis.evidence import SHOWN, BandEvidence, Evidence
from wavegen.analysis.measures import BIN, GAUSSIAN_GINI, LAPLACE_GINI
from wavegen.core.files import atomic
from wavegen.core.optional import need

GREY = "0.55"


def draw_evidence(path: Path, title: str, all_found: Sequence[Evidence]) -> Path:
    """Write a PNG of six panels; densities and spectra are of the first transform. Returns the path.

    Raises:
        InputError: matplotlib is not installed, or the file cannot be written.
    """
    figure = need("matplotlib.figure", "plot").Figure(figsize=(13.5, 8), layout="constrained")
    panels = figure.subplots(2, 3).flatten()
    figure.suptitle(title)
    first = all_found[0]
    _tendency(panels[0], all_found)
    _densities(panels[1], first.low, f"Low bands, {first.transform}")
    _spectra(panels[2], first)
    _sparsity(panels[3], all_found)
    finest = [band for band in first.high if band.kind == "h"]
    _densities(panels[4], finest[::-1], f"Horizontal details, {first.transform}", laplace=True)
    _conditioning(panels[5], all_found)
    with atomic(path) as file:
        figure.savefig(file, dpi=90, format="png")
    return path


def _tendency(axes: Any, all_found: Sequence[Evidence]) -> None:
    for index, found in enumerate(all_found):
        levels = [band.level for band in found.low]
        line = axes.plot(levels, [b.ks for b in found.low], "o-", color=f"C{index}", label=found.transform)[0]
        bars = [(b.level, b.ks_low, b.ks_high) for b in found.low if b.ks_low is not None]
        axes.vlines(*zip(*bars, strict=True), color=line.get_color()) if bars else None
        limits = [b.ks_gaussian or math.nan for b in found.low]
        axes.plot(levels, limits, ":", color=line.get_color(), label="limit of a Gaussian" if not index else None)
    axes.set(xlabel="level of LL (0: the image)", ylabel="KS distance", title="LL: distance to the fitted Gaussian")
    axes.set_ylim(bottom=0)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(fontsize=8)


def _densities(axes: Any, bands: Sequence[BandEvidence], title: str, laplace: bool = False) -> None:
    low, high = SHOWN
    z = torch.arange(low + BIN / 2, high, BIN, dtype=torch.float64)
    for index, band in enumerate(bands):
        density = [k / BIN or math.nan for k in band.density]
        axes.semilogy(z.tolist(), density, ".-", markersize=3, linewidth=0.9, color=f"C{index}", label=band.name)
    axes.semilogy(z.tolist(), (torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)).tolist(), "k--", label="Gaussian")
    if laplace:
        axes.semilogy(z.tolist(), (torch.exp(-math.sqrt(2) * z.abs()) / math.sqrt(2)).tolist(), "k:", label="Laplacian")
    axes.set(xlabel="standard deviations", ylabel="density", title=title, ylim=(1e-6, 20))
    axes.legend(fontsize=8)


def _spectra(axes: Any, found: Evidence) -> None:
    for index, band in enumerate(b for b in found.low if b.frequency):
        axes.loglog(band.frequency, band.power, color=f"C{index}", label=band.name)
    for band in found.high:
        if band.frequency and band.kind == "h":
            axes.loglog(band.frequency, band.power, "--", color=GREY, linewidth=0.8)
    axes.plot([], [], "--", color=GREY, linewidth=0.8, label="horizontal details")
    axes.set(xlabel="cycles per coefficient", ylabel="power (band: 1)", title=f"Spectra, {found.transform}")
    axes.legend(fontsize=8)


def _sparsity(axes: Any, all_found: Sequence[Evidence]) -> None:
    for index, found in enumerate(all_found):
        for kind, style in (("h", "o-"), ("v", "s--"), ("d", "^:")):
            bands = [b for b in found.high if b.kind == kind]
            label = f"{found.transform}, {kind.upper()}" if index == 0 or kind == "h" else None
            axes.plot([b.level for b in bands], [b.gini for b in bands], style, color=f"C{index}", label=label)
    for value, name in ((GAUSSIAN_GINI, "Gaussian"), (LAPLACE_GINI, "Laplacian")):
        axes.axhline(value, color=GREY, linewidth=0.8)
        axes.annotate(name, (0, value), xycoords=("axes fraction", "data"), fontsize=8, color=GREY, va="bottom")
    axes.set(xlabel="level (1: the finest)", ylabel="Gini index", title="Details: sparsity", ylim=(0.3, 1))
    axes.xaxis.get_major_locator().set_params(integer=True)
    if any(found.high for found in all_found):
        axes.legend(fontsize=8)


def _conditioning(axes: Any, all_found: Sequence[Evidence]) -> None:
    for index, found in enumerate(all_found):
        low = [(b.level, b.kappa) for b in found.low if b.kappa is not None]
        high = [(b.level, b.kappa) for b in found.high if b.kappa is not None]
        label = found.transform
        if low:
            axes.semilogy(*zip(*low, strict=True), "o-", color=f"C{index}", label=f"{label}, low")
        if high:
            axes.semilogy(*zip(*high, strict=True), "x", color=f"C{index}", label=f"{label}, details")
    axes.set(xlabel="level (0: the image)", ylabel="condition number", title="Largest over smallest power")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(fontsize=8)
