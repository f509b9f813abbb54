"""Intervals against tables of Student's t and scipy's own tests; fronts against their definition."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavegen.core.errors import InputError
from wavegen.reports import difference, interval, pareto_front

FIGURES = st.lists(st.floats(-100, 100), min_size=2, max_size=6)


def test_interval_of_three_and_two() -> None:
    # t(.975, 2) = 4.303 and t(.975, 1) = 12.706, as printed in tables.
    found = interval([1.0, 2.0, 3.0])
    assert found.mean == 2
    assert found.half == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert interval([1.0, 3.0]).half == pytest.approx(12.706205, rel=1e-6)
    assert interval([5.0]) == (5.0, None, 1)
    assert interval([1.0, math.inf]).half is None
    with pytest.raises(InputError, match="at least one value"):
        interval([])


@given(FIGURES, st.integers(0, 2**16))
def test_difference_agrees_with_the_paired_test(values: list[float], seed: int) -> None:
    import numpy as np
    from scipy.stats import ttest_rel

    base = dict(enumerate(np.random.default_rng(seed).normal(0, 10, len(values)).tolist()))
    ours = dict(enumerate(values))
    found = difference(ours, base, larger_is_better=True)
    assert found is not None
    low, high = ttest_rel(list(ours.values()), list(base.values())).confidence_interval(0.95)
    assert found.mean - (found.half or 0) == pytest.approx(low, rel=1e-6, abs=1e-9)
    assert found.mean + (found.half or 0) == pytest.approx(high, rel=1e-6, abs=1e-9)
    assert found.verdict == ("better" if low > 0 else "worse" if high < 0 else "no difference")


def test_difference_pairs_seeds() -> None:
    """The seeds differ by ten times what the systems do; pairing sees it, two intervals would not."""
    base, ours = {0: 20.0, 1: 21.0, 2: 22.0}, {2: 22.1, 1: 21.12, 0: 20.11, 3: 90.0}
    found = difference(ours, base, larger_is_better=True)
    assert found is not None
    assert (found.verdict, found.seeds) == ("better", 3)
    assert found.mean == pytest.approx(0.11)
    assert difference(ours, base) == found._replace(verdict="worse")  # of an error
    assert difference(base, base) == (0.0, 0.0, 3, "no difference")


def test_difference_of_one_or_no_common_seed() -> None:
    assert difference({1: 2.0, 5: 1.0}, {1: 1.5}) == (0.5, None, 1, "one seed only")
    assert difference({0: 1.0}, {1: 1.0}) is None
    assert difference({0: math.inf, 1: 2.0}, {0: math.inf, 1: 1.0}) == (1.0, None, 1, "one seed only")
    assert difference({0: math.inf}, {0: 1.0}) is None


def test_front_leaves_out_what_is_beaten_and_keeps_ties() -> None:
    times, costs = [1.0, 2.0, 2.0, 3.0, 4.0], [[5.0], [3.0], [3.0], [4.0], [1.0]]
    assert pareto_front(times, costs) == [True, True, True, False, True]
    assert pareto_front([1.0, 2.0], [[1.0], [1.0]]) == [True, False]  # as good, but slower
    assert pareto_front([1.0, 1.0], [[1.0], [2.0]]) == [True, False]  # as fast, but worse
    assert pareto_front([], []) == []


def test_front_with_missing_values() -> None:
    # Without a time or any cost: on no front, and keeps nobody off it.
    assert pareto_front([None, 2.0, 1.0, 1.0], [[0.0], [1.0], [None], [math.inf]]) == [False, True, False, False]
    # One of two missing is the worst, but the other still counts.
    assert pareto_front([1.0, 2.0, 3.0], [[5.0, 1.0], [4.0, None], [4.5, None]]) == [True, True, False]


@given(st.lists(st.tuples(*[st.one_of(st.none(), st.integers(0, 4))] * 3), max_size=8))
def test_front_is_what_its_definition_says(points: list[tuple[float | None, ...]]) -> None:
    found = pareto_front([p[0] for p in points], [p[1:] for p in points])
    filled = [
        None if p[0] is None or p[1:] == (None, None) else [math.inf if v is None else v for v in p] for p in points
    ]
    for own, on in zip(filled, found, strict=True):
        beaten = own is None or any(
            other is not None and other != own and all(a <= b for a, b in zip(other, own, strict=True))
            for other in filled
        )
        assert on != beaten
