"""What every registered metric must do."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

import wavegen.metrics  # noqa: F401
from wavegen.core.errors import InputError
from wavegen.core.registry import build, describe, entry, names

OPTIONS = {"kid_vgg16": {"subset_size": 3, "subsets": 4}, "kid_effnet_lite0": {"subset_size": 3, "subsets": 4}}
OPTIONS |= {name: {"k": 2} for name in names("metric") if name.split("_")[0] in
            ("precision", "recall", "density", "coverage")}  # fmt: skip
PAIRED = [name for name in names("metric") if "paired" in entry("metric", name).capabilities]
ENSEMBLE = [name for name in names("metric") if "ensemble" in entry("metric", name).capabilities]
SINGLE = [name for name in names("metric") if "single" in entry("metric", name).capabilities]
SIZES = {"ms_ssim": 176}  # the smallest image, where 40 pixels are too few
SETS = [name for name in names("metric") if "distribution" in entry("metric", name).capabilities]


@pytest.fixture
def make(need_weights):
    def build_or_skip(name):
        need_weights(name)
        return build("metric", {"name": name, **OPTIONS.get(name, {})})

    return build_or_skip


def test_the_metrics_are_there():
    expected = {"psnr", "ssim", "lpips", "spectrum_error", "kid_vgg16", "kid_effnet_lite0", "fid"}
    assert expected <= set(names("metric"))
    expected |= {"ms_ssim", "range_invariant_psnr", "micro_ssim", "crps", "spread_skill", "frc_resolution", "bead_fwhm"}
    expected |= {"intensity_r2", "precision_vgg16", "recall_vgg16", "density_vgg16", "coverage_effnet_lite0"}
    assert expected <= set(names("metric"))
    assert sorted(PAIRED + SETS + ENSEMBLE + SINGLE) == names("metric")


@pytest.mark.parametrize("name", names("metric"))
def test_record(name):
    record, declared = describe("metric", name), entry("metric", name).factory
    assert record["summary"]
    decided = {capability for capability, holds in declared.facts().items() if holds}
    assert decided == decided & set(record["capabilities"]), "the class and its registration agree"
    assert set(record["capabilities"]) - decided <= {"differentiable", "affine_invariant"}


@pytest.mark.parametrize("name", PAIRED)
def test_paired(name, make, noisy_pair):
    metric = make(name)
    restored, target = (image.float() for image in noisy_pair(3, 1, SIZES.get(name, 40)))
    values = metric(restored, target, 1.0)
    assert values.shape == (3,)
    assert_close(torch.cat([metric(r[None], t[None], 1.0) for r, t in zip(restored, target, strict=True)]), values)
    assert_close(metric(50 * restored, 50 * target, 50.0), values, rtol=1e-3, atol=1e-5)
    perfect = metric(target, target, 1.0)
    sign = 1 if "higher_is_better" in entry("metric", name).capabilities else -1
    assert bool((sign * perfect > sign * values).all())
    if "affine_invariant" in entry("metric", name).capabilities:
        assert_close(metric(3 * restored + 0.7, target, 1.0), values, rtol=1e-3, atol=1e-4)
    with pytest.raises(InputError):
        metric(restored, target[:2], 1.0)


@pytest.mark.parametrize("name", ENSEMBLE)
def test_ensembles(name, make, noisy_pair):
    metric = make(name)
    restored, target = (image.float() for image in noisy_pair(3))
    samples = torch.stack([target + 0.05 * torch.randn(target.shape) for _ in range(4)])
    values = metric(samples, restored, 1.0)
    assert values.shape == (3,)
    assert_close(metric(50 * samples, 50 * restored, 50.0), values, rtol=1e-3, atol=1e-5)
    assert_close(metric(samples[:, :1], restored[:1], 1.0), values[:1])
    with pytest.raises(InputError):
        metric(samples, restored[:2], 1.0)


@pytest.mark.parametrize("name", SETS)
def test_sets(name, make, noisy_pair):
    metric = make(name)
    restored, target = noisy_pair(6, 1, 64)
    score = metric(restored, target, 1.0)
    assert score.metric == name
    features = metric.features(target, 1.0)
    assert features.shape == (6, score.dimension)
    perfect = metric.compare(features, features).value
    assert score.value <= perfect if "higher_is_better" in entry("metric", name).capabilities else score.value > perfect
    assert metric.compare(metric.features(restored, 1.0), features) == score


def test_wrong_options_are_refused_before_weights_are_looked_for():
    with pytest.raises(InputError, match="subset_size"):
        build("metric", {"name": "kid_vgg16", "subset_size": 1})
    with pytest.raises(InputError, match="net"):
        build("metric", {"name": "lpips", "net": "squeeze"})
