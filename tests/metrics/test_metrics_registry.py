"""What every registered metric must do."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

import wavegen.metrics  # noqa: F401
from wavegen.errors import InputError
from wavegen.registry import build, describe, entry, names

OPTIONS = {"kid_vgg16": {"subset_size": 3, "subsets": 4}, "kid_effnet_lite0": {"subset_size": 3, "subsets": 4}}
PAIRED = [name for name in names("metric") if "paired" in entry("metric", name).capabilities]
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
    assert sorted(PAIRED + SETS) == names("metric")


@pytest.mark.parametrize("name", names("metric"))
def test_record(name):
    record = describe("metric", name)
    assert record["summary"]
    assert len({"higher_is_better", "lower_is_better"} & set(record["capabilities"])) == 1


@pytest.mark.parametrize("name", PAIRED)
def test_paired(name, make, noisy_pair):
    metric = make(name)
    restored, target = (image.float() for image in noisy_pair(3))
    values = metric(restored, target, 1.0)
    assert values.shape == (3,)
    assert_close(torch.cat([metric(r[None], t[None], 1.0) for r, t in zip(restored, target, strict=True)]), values)
    assert_close(metric(50 * restored, 50 * target, 50.0), values, rtol=1e-3, atol=1e-5)
    perfect = metric(target, target, 1.0)
    sign = 1 if "higher_is_better" in entry("metric", name).capabilities else -1
    assert bool((sign * perfect > sign * values).all())
    with pytest.raises(InputError):
        metric(restored, target[:2], 1.0)


@pytest.mark.parametrize("name", SETS)
def test_sets(name, make, noisy_pair):
    metric = make(name)
    restored, target = noisy_pair(6, 1, 64)
    score = metric(restored, target, 1.0)
    assert score.metric == name
    assert score.value > metric(target, target, 1.0).value
    assert score == metric(restored, target, 1.0)
    assert metric.features(target, 1.0).shape == (6, score.dimension)


def test_wrong_options_are_refused_before_weights_are_looked_for():
    with pytest.raises(InputError, match="subset_size"):
        build("metric", {"name": "kid_vgg16", "subset_size": 1})
    with pytest.raises(InputError, match="net"):
        build("metric", {"name": "lpips", "net": "squeeze"})
