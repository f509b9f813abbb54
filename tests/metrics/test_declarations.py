"""What metrics declare: contradictions are refused, and the built-in ones score as they say."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from wavegen.core import optional
from wavegen.core.errors import InputError
from wavegen.core.registry import build, names
from wavegen.metrics import Scorer
from wavegen.metrics.base import DistributionMetric, EnsembleMetric, Metric, PairedMetric
from wavegen.metrics.catalogue import STANDARD, catalogue, declared, is_declared, key_of, named, outside
from wavegen.metrics.perceptual import Lpips

KEYS = ["psnr", "ri_psnr", "ssim", "ms_ssim", "spectrum_error", "lpips", "rmse", "spread", "crps", "spread_skill"]
KEYS += ["kid_effnet_lite0"]
FULL = [name for name in names("metric") if declared(name).compares == "paired" and declared(name).best is not None]
SIDES = {"ms_ssim": 176}


def test_the_standard_scores_keep_their_keys() -> None:
    assert [key_of(name) for name in STANDARD] == KEYS
    plain = Scorer(perceptual=False)
    assert plain.keys == KEYS
    assert set(plain.metrics) == set(KEYS) - {"lpips", "kid_effnet_lite0"}, "those that need no weights"
    assert list(catalogue())[: len(KEYS)] == KEYS
    assert outside() == []


@pytest.mark.parametrize(
    ("declarations", "message"),
    [
        ({"title": ""}, "title, that of its column, is not declared"),
        ({"higher_is_better": "yes"}, "higher_is_better is not declared; give True, False, or None"),
        ({"form": "four digits"}, "form 'four digits' does not format a number"),
        ({"places": ("tabel",)}, r"places has \['tabel'\]; known: evaluate, table"),
        ({"values": (1.0, 0.0)}, "is no range"),
        ({"best": 2.0}, r"best 2.0 lies outside its values \(0.0, 1.0\)"),
        ({"best": 0.0}, "says that higher is better, and its best value 0.0 is the least possible one"),
        ({"higher_is_better": False}, "says that lower is better, and its best value 1.0 is the largest possible one"),
    ],
)
def test_contradictions_are_refused_when_the_class_is_made(declarations: dict[str, Any], message: str) -> None:
    good = {"title": "T", "higher_is_better": True, "best": 1.0, "values": (0.0, 1.0)}
    assert type("Good", (PairedMetric,), good)
    with pytest.raises(InputError, match=f"metric class Bad: .*{message}"):
        type("Bad", (PairedMetric,), good | declarations)


def test_a_class_of_no_sort_is_refused() -> None:
    with pytest.raises(InputError, match="derive it from PairedMetric"):
        type("Bad", (Metric,), {"title": "T", "higher_is_better": True})


@pytest.mark.parametrize("name", FULL)
def test_a_perfect_restoration_scores_best_and_more_noise_scores_worse(
    name: str, need_weights: Callable[[str], None], noisy_pair: Callable[..., tuple[Tensor, Tensor]]
) -> None:
    need_weights(name)
    metric, kind = build("metric", name), declared(name)
    _, target = (image.float() for image in noisy_pair(2, 1, SIDES.get(name, 48)))
    noise = torch.randn(target.shape, generator=torch.Generator().manual_seed(1))
    perfect, little, much = (metric(target + share * noise, target, 1.0) for share in (0.0, 0.05, 0.3))
    assert_close(perfect, torch.full_like(perfect, float(kind.best or 0.0)), atol=1e-5, rtol=1e-5)
    sign = 1 if kind.higher_is_better else -1
    assert bool((sign * little > sign * much).all())
    low, high = kind.values
    assert all(bool(((v >= low - 1e-6) & (v <= high + 1e-6)).all()) for v in (perfect, little, much))


class Wrong(PairedMetric):
    """One value for a batch."""

    title, higher_is_better = "wrong", True

    def __call__(self, restored: Tensor, target: Tensor, data_range: Any) -> Tensor:
        return (restored - target).mean()


def test_a_metric_that_gives_no_value_for_each_image_is_named() -> None:
    scorer = Scorer(["psnr"])
    scorer.metrics["wrong"] = Wrong()
    images = torch.rand(2, 1, 16, 16)
    with pytest.raises(InputError, match=r"metric 'wrong' gave \(\) for 2 images; it must give one value for each"):
        scorer.paired(images, images)


class Clipped(EnsembleMetric):
    """The largest value that it was given."""

    title, higher_is_better, unit_range = "top", None, True

    def __call__(self, samples: Tensor, target: Tensor, data_range: Any) -> Tensor:
        return samples.amax(dim=(0, 2, 3, 4))


def test_the_unit_range_is_given_to_those_that_need_it() -> None:
    scorer = Scorer(["psnr"], scale="fixed")
    scorer.metrics["top"] = Clipped()
    samples, target = torch.full((2, 1, 1, 16, 16), 510.0), torch.full((1, 1, 16, 16), 255.0)
    assert_close(scorer.ensemble(samples, target)["top"], torch.ones(1).double())
    Clipped.unit_range = False
    assert_close(scorer.ensemble(samples, target)["top"], torch.full((1,), 2.0).double())


def test_images_that_are_too_small_are_left_out_with_one_remark() -> None:
    scorer = Scorer(["psnr", "ms_ssim"])
    images = torch.rand(2, 1, 32, 32)
    for _ in range(3):
        assert scorer.paired(images, images.flip(0)).keys() == {"psnr"}
    assert scorer.remarks == ["left out: MS-SSIM (images have fewer than 176 pixels a side)"]
    assert scorer.keys == ["psnr", "ms_ssim"]


def test_without_weights_the_default_goes_on_and_a_named_metric_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for module in ("perceptual", "backbones", "distribution"):
        monkeypatch.setattr(f"wavegen.metrics.{module}.need", lambda *_: None, raising=False)
    monkeypatch.setattr("wavegen.metrics.weights._candidates", lambda record: iter(()))
    scorer = Scorer()
    assert scorer.keys == KEYS
    assert not {"lpips", "kid_effnet_lite0"} & scorer.metrics.keys()
    assert scorer.remarks == ["left out: LPIPS, KID (weights not installed; see wavegen weights)"]
    with pytest.raises(InputError, match="weights 'lpips_alex'"):
        Scorer(["lpips"])


def test_without_the_extra_the_default_goes_on_and_says_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(module: str) -> Any:
        raise ModuleNotFoundError(name=module.partition(".")[0])

    monkeypatch.setattr(optional, "import_module", absent)
    monkeypatch.setattr("wavegen.metrics.weights._candidates", lambda record: iter(()))  # the package comes first
    scorer = Scorer()
    images = torch.rand(2, 1, 32, 32)
    assert {"psnr", "ssim", "ri_psnr", "spectrum_error", "rmse"} == scorer.paired(images, images.flip(0)).keys()
    lacking = [remark for remark in scorer.remarks if 'pip install "wavegen[eval]"' in remark]
    assert [remark.split(" (")[0] for remark in lacking] == ["left out: LPIPS", "left out: KID"]
    with pytest.raises(InputError, match=r'LPIPS needs the package lpips, .*pip install "wavegen\[eval\]"'):
        Lpips()


def test_metrics_are_named_by_name_or_by_key() -> None:
    assert named("ri_psnr") == named("range_invariant_psnr") == "range_invariant_psnr"
    with pytest.raises(InputError, match="did you mean 'ssim'"):
        named("sim")


def test_headings_have_unit_and_factor() -> None:
    known = catalogue()
    assert known["psnr"].heading() == "PSNR dB"
    assert known["kid_effnet_lite0"].heading() == "KID ×1000"
    assert len({metric.heading() for metric in known.values()}) == len(known), "no two columns have one title"
    assert math.isinf(known["psnr"].best or 0)


class MeanGap(DistributionMetric):
    """The distance of the means of two sets."""

    title, higher_is_better, best = "gap", False, 0.0

    def features(self, images: Tensor, data_range: Any) -> Tensor:
        return images.flatten(1)

    def compare(self, features_a: Tensor, features_b: Tensor) -> float:
        return float((features_a.mean() - features_b.mean()).abs())


def test_two_images_are_a_set_unless_a_metric_asks_for_more() -> None:
    scorer = Scorer(["psnr"], scale="fixed")
    scorer.metrics["gap"] = MeanGap()
    images = 255 * torch.rand(2, 1, 16, 16)
    assert scorer.distances([images + 51], [images])["gap"] == pytest.approx(0.2, abs=1e-6)
    assert scorer.distances([images[:1]], [images[:1]]) == {"gap": None}
    assert scorer.remarks == ["left out: gap (1 patches; fewer than 2 say nothing)"]


def test_only_densities_have_neither_a_best_value_nor_a_largest() -> None:
    for net in ("vgg16", "effnet_lite0"):
        facts = {kind: declared(f"{kind}_{net}") for kind in ("precision", "recall", "density", "coverage")}
        assert {kind: fact.best for kind, fact in facts.items()} == {
            "precision": 1.0, "recall": 1.0, "density": None, "coverage": 1.0,
        }  # fmt: skip
        assert {kind: fact.values[1] for kind, fact in facts.items() if kind != "density"} == {
            "precision": 1.0, "recall": 1.0, "coverage": 1.0,
        }  # fmt: skip
        assert facts["density"].values == (0.0, math.inf)


@pytest.mark.parametrize("factory", [lambda: None, dict])
def test_what_is_no_metric_class_declares_nothing(monkeypatch: pytest.MonkeyPatch, factory: Any) -> None:
    monkeypatch.setattr("wavegen.metrics.catalogue.entry", lambda kind, name: type("Entry", (), {"factory": factory}))
    assert not is_declared("any")
    with pytest.raises(InputError, match=r"is no subclass of wavegen\.metrics\.PairedMetric"):
        declared("any")
