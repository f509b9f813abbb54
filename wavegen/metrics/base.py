"""What a metric declares of itself, and one base class for each sort of comparison."""

from __future__ import annotations

import math
from typing import Any, Literal

from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.metrics._inputs import DataRange

Compares = Literal["paired", "single", "ensemble", "distribution"]
Place = Literal["evaluate", "table", "differences", "fronts"]
EVERYWHERE: tuple[Place, ...] = ("evaluate", "table", "differences", "fronts")


class Metric:
    """Declarations that every metric shares; derive from one of the classes below, which say what is compared.

    A subclass declares at least ``title`` and ``higher_is_better``. The declarations are checked when the class is
    made; the scorer, tables and fronts read them, and nothing else is known of a metric there.

    Attributes:
        compares: paired (an image with its target), single (an image alone), ensemble (samples of one image with its
            target) or distribution (two sets of images).
        title: the column's title, without unit.
        unit: the unit in which values are shown, such as "dB".
        form: how a value is formatted, as in ``format(value, form)``.
        factor: what a value is multiplied by before it is shown.
        higher_is_better: True or False; None where neither holds, and then closer to ``best`` is better.
        best: the score of a perfect restoration (of distances between sets: its expectation), or None.
        values: the least and the largest possible value.
        unit_range: whether images must be clipped to [0, 1] first.
        least_side: the smallest image side in pixels; smaller images are left out.
        weight_file: the weights that it needs, a name of :data:`wavegen.metrics.weights.FILES`.
        extra: the extra of the installation that it needs.
        key: what result files call it; by default its registered name.
        places: where it is shown: evaluate (the command's table), table, differences, fronts (all in reports).

    Raises:
        InputError: at the definition of a subclass whose declarations are missing or contradict each other.
    """

    compares: Compares
    title: str
    unit: str = ""
    form: str = ".4f"
    factor: float = 1.0
    higher_is_better: bool | None
    best: float | None = None
    values: tuple[float, float] = (-math.inf, math.inf)
    unit_range: bool = False
    least_side: int = 1
    weight_file: str | None = None
    extra: str | None = None
    key: str = ""
    places: tuple[Place, ...] = EVERYWHERE

    def __init_subclass__(cls, abstract: bool = False, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if not abstract:
            _check(cls)

    @classmethod
    def facts(cls) -> dict[str, bool]:
        """Each capability that the declarations decide, and whether the metric has it."""
        return {
            **{sort: cls.compares == sort for sort in ("paired", "single", "ensemble", "distribution")},
            "higher_is_better": cls.higher_is_better is True,
            "lower_is_better": cls.higher_is_better is False,
            "ideal_is_one": cls.higher_is_better is None and cls.best == 1.0,
            "needs_weights": cls.weight_file is not None,
        }

    @classmethod
    def heading(cls) -> str:
        """The column's title with unit and factor, such as "PSNR dB" or "KID ×1000"."""
        factor = "" if cls.factor == 1.0 else f"×{cls.factor:g}"
        return " ".join(part for part in (cls.title, cls.unit, factor) if part)


def _check(cls: type[Metric]) -> None:
    """Refuse declarations that no table could be made from, or that contradict each other."""

    def refuse(what: str) -> None:
        raise InputError(f"metric class {cls.__name__}: {what}")

    if not hasattr(cls, "compares"):
        refuse("derive it from PairedMetric, SingleMetric, EnsembleMetric or DistributionMetric")
    if not isinstance(getattr(cls, "title", None), str) or not cls.title:
        refuse("title, that of its column, is not declared")
    if getattr(cls, "higher_is_better", "missing") not in (True, False, None):
        refuse("higher_is_better is not declared; give True, False, or None where neither holds")
    try:
        format(1.0, cls.form)
    except (ValueError, TypeError):
        refuse(f"form {cls.form!r} does not format a number; give one such as '.4f'")
    if unknown := set(cls.places) - set(EVERYWHERE):
        refuse(f"places has {sorted(unknown)}; known: {', '.join(EVERYWHERE)}")
    low, high = cls.values
    if not low < high:
        refuse(f"values {cls.values} is no range; give the least and the largest possible value")
    if cls.best is None:
        return
    if not low <= cls.best <= high:
        refuse(f"best {cls.best} lies outside its values {cls.values}")
    if cls.higher_is_better is not None and cls.best == (low if cls.higher_is_better else high):
        word, end = ("higher", "least") if cls.higher_is_better else ("lower", "largest")
        refuse(f"it says that {word} is better, and its best value {cls.best} is the {end} possible one")


class PairedMetric(Metric, abstract=True):
    """Compares each image with its target."""

    compares = "paired"

    def __call__(self, restored: Tensor, target: Tensor, data_range: DataRange) -> Tensor:
        """(B, C, H, W) twice, and the width of the range of intensities (a number or (B,)) -> (B,)."""
        raise NotImplementedError


class SingleMetric(Metric, abstract=True):
    """Judges each image by itself."""

    compares = "single"

    def __call__(self, images: Tensor, data_range: DataRange) -> Tensor:
        """(B, C, H, W) and the width of the range of intensities -> (B,)."""
        raise NotImplementedError


class EnsembleMetric(Metric, abstract=True):
    """Compares several samples of each image with its target."""

    compares = "ensemble"

    def __call__(self, samples: Tensor, target: Tensor, data_range: DataRange) -> Tensor:
        """(S, B, C, H, W), S >= 2, (B, C, H, W), and the width of the range of intensities -> (B,)."""
        raise NotImplementedError


class DistributionMetric(Metric, abstract=True):
    """Compares two sets of images: features first, so that large sets can be collected batch by batch."""

    compares = "distribution"
    least_images: int = 2  # in each set: below, nothing is scored
    few_images: int = 2  # in each set: below, a score comes with a remark

    def features(self, images: Tensor, data_range: DataRange) -> Tensor:
        """(N, C, H, W) images in [0, data_range] -> (N, D) features on the CPU."""
        raise NotImplementedError

    def compare(self, features_a: Tensor, features_b: Tensor) -> Any:
        """The score of restored features (N, D) against real ones (M, D): anything that ``float`` takes."""
        raise NotImplementedError

    def limit(self, images: int) -> None:
        """Told the size of the smaller set before :meth:`compare`, for metrics that draw subsets."""

    def __call__(self, restored: Tensor, target: Tensor, data_range: DataRange) -> Any:
        """The score of two sets of images, (N, C, H, W) and (M, C, H, W); the pairing is not used."""
        return self.compare(self.features(restored, data_range), self.features(target, data_range))
