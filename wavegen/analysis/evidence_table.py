"""Evidence as tables of text, and as a report in Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from wavegen.analysis.condition import step_bound
from wavegen.analysis.evidence import BandEvidence, Evidence
from wavegen.analysis.verdict import sentences
from wavegen.reports.blocks import Table

LEGEND = (
    "KS: distance sup|F - G| to the fitted Gaussian, with its 95 % interval over images; limit: 95 % of Gaussian bands "
    "with the same spectrum have a smaller distance",
    "negentropy in nats; a Gaussian has kurtosis 3, Gini 0.414, Hoyer 0.202; a Laplacian 6, 0.5, 0.293",
    "correlation: distance in pixels at which the correlation falls to 1/e (0.63 coefficients for white noise); kappa: "
    "largest over smallest power",
    "bound: kappa³, the scaling of the paper's theorem 1, relative to the image; calls: the planner's number for 0.9 "
    "of the spread of the band without y (as in the theorem), and given y",
)


def _number(value: float | None, form: str = ".3g") -> str:
    return "-" if value is None or math.isnan(value) else "infinite" if math.isinf(value) else format(value, form)


def _calls(calls: int | None) -> str:
    return "-" if calls is None else str(calls)


Cell = Callable[[BandEvidence], str]
CELLS: dict[str, Cell] = {
    "band": lambda b: b.name,
    "size": lambda b: f"{b.height}x{b.width}",
    "kurtosis": lambda b: _number(b.kurtosis),
    "negentropy": lambda b: _number(b.negentropy, ".3f"),
    "KS": lambda b: _number(b.ks, ".3f"),
    "interval": lambda b: "-" if b.ks_low is None else f"{b.ks_low:.3f} to {b.ks_high:.3f}",
    "limit": lambda b: _number(b.ks_gaussian, ".3f"),
    "Gini": lambda b: _number(b.gini, ".3f"),
    "Hoyer": lambda b: _number(b.hoyer, ".3f"),
    "correlation": lambda b: _number(b.correlation),
    "kappa": lambda b: _number(b.kappa),
    "calls": lambda b: _calls(b.calls),
    "calls given y": lambda b: _calls(b.calls_given_y),
}
LOW = ("band", "size", "kurtosis", "negentropy", "KS", "interval", "limit", "correlation", "kappa", "bound", "calls")
HIGH = ("band", "size", "kurtosis", "negentropy", "KS", "Gini", "Hoyer", "correlation", "kappa")


def _table(bands: Sequence[BandEvidence], columns: Sequence[str], cells: Mapping[str, Cell]) -> Table:
    return Table(tuple(columns), tuple(tuple(cells[column](band) for column in columns) for band in bands))


def low_table(evidence: Evidence) -> Table:
    """The low bands, from the image to the coarsest."""
    image = evidence.low[0].kappa

    def bound(band: BandEvidence) -> str:
        return "-" if band.kappa is None or image is None else f"{step_bound(band.kappa) / step_bound(image):.1e}"

    given_y = any(band.calls_given_y for band in evidence.low)
    return _table(evidence.low, (*LOW, "calls given y") if given_y else LOW, {**CELLS, "bound": bound})


def high_table(evidence: Evidence) -> Table:
    """The details, coarsest first."""
    return _table(evidence.high, HIGH, CELLS)


def report(title: str, results: Sequence[Evidence], remarks: Sequence[str], about: Mapping[str, object]) -> str:
    """All tables and verdicts in Markdown, with a link to the figure ``analysis.png``."""
    parts = [f"# {title}", *remarks, "![Gaussianity, sparsity and spectra by scale](analysis.png)"]
    for evidence in results:
        parts += [f"## {evidence.transform}", "\n".join(f"- {text}." for text in sentences(evidence))]
        parts += [table.markdown().rstrip("\n") for table in (low_table(evidence), high_table(evidence)) if table.rows]
    parts += ["\n".join(f"- {text}." for text in LEGEND), "\n".join(f"- {k}: {v}" for k, v in about.items())]
    return "\n\n".join(parts) + "\n"
