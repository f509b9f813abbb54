"""How sure a mean over seeds is: Student's intervals, of systems and of paired differences."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from wavegen.core.errors import InputError

LEVEL = 0.95
BETTER, WORSE, SAME, ONE = "better", "worse", "no difference", "one seed only"


class Interval(NamedTuple):
    """``mean`` ± ``half`` of ``number`` values; ``half`` is None of one value and of values that are not finite."""

    mean: float
    half: float | None
    number: int


class Difference(NamedTuple):
    """``mean`` ± ``half`` over ``seeds`` common seeds, and what it says: one of the four verdicts of this module."""

    mean: float
    half: float | None
    seeds: int
    verdict: str


def interval(values: Sequence[float]) -> Interval:
    """Mean and half width of Student's 95 % interval, t(0.975, n - 1) · s / sqrt(n) (Student 1908).

    Raises:
        InputError: no values.
    """
    if not values:
        raise InputError("an interval needs at least one value, got none")
    count, mean = len(values), statistics.fmean(values)
    if count < 2 or not math.isfinite(mean):
        return Interval(mean, None, count)
    from scipy.special import stdtrit  # scipy.stats.t.ppf, without a second of imports

    half = float(stdtrit(count - 1, (1 + LEVEL) / 2)) * statistics.stdev(values) / math.sqrt(count)
    return Interval(mean, half, count)


def difference(of: Mapping[int, float], base: Mapping[int, float], larger_is_better: bool = False) -> Difference | None:
    """``of`` less ``base``, seed by seed, with the interval of the paired differences.

    Args:
        of: one score of a system by seed.
        base: the same score of the system that it is compared with.
        larger_is_better: whether a higher score is better.

    Returns:
        The verdict is on ``of``: better or worse where the interval leaves out zero, else no difference. None without
        a common seed at which both scores are finite.
    """
    common = sorted(seed for seed in of.keys() & base.keys() if math.isfinite(of[seed]) and math.isfinite(base[seed]))
    if not common:
        return None
    mean, half, count = interval([of[seed] - base[seed] for seed in common])
    if half is None:
        verdict = ONE
    elif abs(mean) <= half:
        verdict = SAME
    else:
        verdict = BETTER if (mean > 0) == larger_is_better else WORSE
    return Difference(mean, half, count, verdict)
