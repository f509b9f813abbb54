"""Evidence as tables of text, and as a report in Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from wavegen.analysis.condition import step_bound
from wavegen.analysis.evidence import BandEvidence, Evidence
from wavegen.analysis.verdict import sentences

LEGEND = (
    "KS: distance sup|F - G| to the fitted Gaussian, its 95 % interval over images, and the limit that a Gaussian "
    "band of the same spectrum stays below",
    "negentropy in nats; a Gaussian has kurtosis 3, Gini .414, Hoyer .202; a Laplacian 6, .5, .293",
    "correlation: pixels until the correlation is 1/e (.63 coefficients is none); kappa: largest over smallest power",
    "bound: kappa³, the scaling of the paper's theorem 1, over that of the image; calls: the planner's for .9 of the "
    "spread of the band alone (y tells nothing, as in the theorem), and of what y leaves unknown",
)


class Table(NamedTuple):
    """Cells of text; the first column names the rows."""

    head: list[str]
    rows: list[list[str]]

    def markdown(self) -> str:
        """One line for each row."""
        made = ["| " + " | ".join(line) + " |" for line in (self.head, *self.rows)]
        return "\n".join([made[0], "|---" * len(self.head) + "|", *made[1:]])


def low_table(found: Evidence) -> Table:
    """The low bands, from the image to the coarsest."""
    image = found.low[0]
    given = any(band.calls_given_y for band in found.low)
    head = [
        "band",
        "size",
        "kurtosis",
        "negentropy",
        "KS",
        "interval",
        "limit",
        "correlation",
        "kappa",
        "bound",
        "calls",
    ]
    rows = []
    for band in found.low:
        cells = [
            band.name, f"{band.height}x{band.width}", _number(band.kurtosis), _number(band.negentropy, ".3f"),
            _number(band.ks, ".3f"), _interval(band), _number(band.ks_gaussian, ".3f"), _number(band.correlation),
            _number(band.kappa), _bound(band, image), _calls(band.calls),
        ]  # fmt: skip
        rows.append([*cells, _calls(band.calls_given_y)] if given else cells)
    return Table([*head, "calls given y"] if given else head, rows)


def high_table(found: Evidence) -> Table:
    """The details, coarsest first."""
    head = ["band", "size", "kurtosis", "negentropy", "KS", "Gini", "Hoyer", "correlation", "kappa"]
    return Table(
        head,
        [
            [
                b.name, f"{b.height}x{b.width}", _number(b.kurtosis), _number(b.negentropy, ".3f"),
                _number(b.ks, ".3f"), _number(b.gini, ".3f"), _number(b.hoyer, ".3f"),
                _number(b.correlation), _number(b.kappa),
            ]
            for b in found.high
        ],
    )  # fmt: skip


def report(title: str, all_found: Sequence[Evidence], remarks: Sequence[str], about: Mapping[str, object]) -> str:
    """All tables and verdicts in Markdown, with the figure ``analysis.png`` beside it."""
    parts = [f"# {title}", *remarks, "![Gaussianity, sparsity and spectra by scale](analysis.png)"]
    for found in all_found:
        parts += [f"## {found.transform}", "\n".join(f"- {text}." for text in sentences(found))]
        parts += [table.markdown() for table in (low_table(found), high_table(found)) if table.rows]
    parts += ["\n".join(f"- {text}." for text in LEGEND), "\n".join(f"- {k}: {v}" for k, v in about.items())]
    return "\n\n".join(parts) + "\n"


def _number(value: float | None, form: str = ".3g") -> str:
    return "-" if value is None or math.isnan(value) else "beyond" if math.isinf(value) else format(value, form)


def _interval(band: BandEvidence) -> str:
    return "-" if band.ks_low is None else f"{band.ks_low:.3f} to {band.ks_high:.3f}"


def _calls(calls: int | None) -> str:
    return "-" if calls is None else str(calls)


def _bound(band: BandEvidence, image: BandEvidence) -> str:
    if band.kappa is None or image.kappa is None:
        return "-"
    return f"{step_bound(band.kappa) / step_bound(image.kappa):.1e}"
