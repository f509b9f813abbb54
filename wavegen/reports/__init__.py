"""Result files as tables with intervals, fronts, verdicts and pages; trains and scores nothing."""

from wavegen.reports.docs import write_docs
from wavegen.reports.fronts import pareto_front
from wavegen.reports.intervals import Difference, Interval, difference, interval
from wavegen.reports.pack import pack
from wavegen.reports.page import report_page
from wavegen.reports.study import Study, read_study
from wavegen.reports.tables import aggregate, markdown

__all__ = [
    "Difference",
    "Interval",
    "Study",
    "aggregate",
    "difference",
    "interval",
    "markdown",
    "pack",
    "pareto_front",
    "read_study",
    "report_page",
    "write_docs",
]
