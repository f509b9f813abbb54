"""The benchmark of the transforms as a table, with what was to be reached."""

from __future__ import annotations

from math import prod

from benchmarks.transform_peers import PEERS
from benchmarks.transforms import (
    BESIDE,
    COPIES,
    COPY,
    EXPONENT,
    FASTER,
    OWN,
    PLAIN,
    SIZES,
    Bench,
    Size,
    Timing,
)

HEAD = (
    "size",
    "basis",
    "operation",
    "ms",
    "without kernels",
    "copy",
    "/ copy",
    *PEERS,
    "fastest / ours",
    "memory",
    "bars",
)


def bench_table(bench: Bench) -> str:
    """The figures as markdown: milliseconds, ratios, memory over that of the image, and which bars are met."""
    lines = [
        f"{bench.machine}; {bench.threads} thread(s), float32, {bench.levels} levels, medians in milliseconds.",
        "",
        f"Bars: haar forward <= {COPIES[OWN]:g} copies ({COPIES[PLAIN]:g} without kernels); every basis >= {FASTER:g} "
        f"times faster than the fastest peer; time ~ pixels to the power <= {EXPONENT}.",
        "",
        f"| {' | '.join(HEAD)} |",
        "|" + "---|" * len(HEAD),
    ]
    rows: dict[tuple[Size, str, str], dict[str, Timing]] = {}
    for timing in bench.timings:
        rows.setdefault((timing.size, timing.basis, timing.operation), {})[timing.library] = timing
    lines += [_row(*key, cells) for key, cells in rows.items()]
    if bench.exponents:
        lines += ["", "| basis | time ~ pixels to the power | |", "|---|---|---|"]
        lines += [
            f"| {basis} | {value:.2f} | {_verdict(value <= EXPONENT)} |" for basis, value in bench.exponents.items()
        ]
    lines += ["", "| roofline | |", "|---|---|"]
    lines += [f"| {key} | {value:.0f} |" for key, value in bench.roofline.items()]
    moved = sum(0.25**level for level in range(bench.levels))
    lines += [
        "",
        f"- Haar of {bench.levels} levels reads and writes {moved:.2f} times what a copy does, in as many steps.",
    ]
    return "\n".join([*lines, *(f"- {note}" for note in bench.notes)])


def _row(size: Size, basis: str, operation: str, cells: dict[str, Timing]) -> str:
    ours, plain, copy = (cells[name].seconds for name in (OWN, PLAIN, COPY))
    peers = [cells[p].seconds if p in cells else None for p in PEERS]
    rivals = [seconds for seconds in peers if seconds is not None]
    ratio = min(rivals) / cells[BESIDE].seconds if rivals else None
    bars: dict[str, bool] = {}
    if basis == "haar" and operation == "forward" and size in SIZES:
        bars |= {"copy": ours <= COPIES[OWN] * copy, "copy without kernels": plain <= COPIES[PLAIN] * copy}
    if ratio is not None and size in SIZES:
        bars["peers"] = ratio >= FASTER
    peak = cells[OWN].peak
    columns = [
        "x".join(map(str, size)),
        basis,
        operation,
        *(f"{1e3 * seconds:.2f}" for seconds in (ours, plain, copy)),
        f"{ours / copy:.2f}",
        *("-" if seconds is None else f"{1e3 * seconds:.1f}" for seconds in peers),
        "-" if ratio is None else f"{ratio:.1f}",
        "-" if peak is None else f"{peak / (4 * prod(size)):.1f}",
        ", ".join(f"{bar}: {_verdict(passed)}" for bar, passed in bars.items()),
    ]
    return f"| {' | '.join(columns)} |"


def _verdict(passed: bool) -> str:
    return "pass" if passed else "FAIL"
