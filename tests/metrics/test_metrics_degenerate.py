"""Scores of images that divide by nothing: constants, equal images, sparse ones, large offsets, huge values."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_metrics_registry import ENSEMBLE, OPTIONS, PAIRED, SETS, SINGLE, SIZES
from torch.testing import assert_close

from wavegen.core.registry import build
from wavegen.metrics import (
    Scorer,
    bead_fwhm,
    fit_affine,
    fourier_ring_correlation,
    frc_resolution,
    frechet_distance,
    intensity_linearity,
    micro_ssim,
    ms_ssim,
    psnr,
    range_invariant_psnr,
    rmse,
    spectrum_error,
    spread_skill,
    ssim,
)
from wavegen.metrics.catalogue import declared
from wavegen.metrics.means import left_out_lines, means, without_mean
from wavegen.metrics.scales import affine_fit, has_scale, scaled, target_range


def smooth(side=40, seed=0):
    generator = torch.Generator().manual_seed(seed)
    line = torch.linspace(0, 6, side)
    return (torch.sin(line[:, None]) * torch.cos(1.7 * line) + torch.rand(side, side, generator=generator))[None, None]


def sparse(side=40):
    image = torch.zeros(1, 1, side, side)
    image[0, 0, side // 2, side // 3] = 40.0
    return image


KINDS = {
    "smooth": smooth,
    "sparse": sparse,
    "zero": lambda side: torch.zeros(1, 1, side, side),
    "constant": lambda side: torch.full((1, 1, side, side), 0.1),
    "offset": lambda side: 1e6 + smooth(side),
    "hot": lambda side: smooth(side) + 1e6 * sparse(side),
    "huge": lambda side: 1e30 * smooth(side),
    "tiny": lambda side: 1e-30 * smooth(side),
    "negative": lambda side: -smooth(side, 1),
}


@settings(max_examples=60)
@given(
    pair=st.tuples(*2 * [st.sampled_from(sorted(KINDS))]), data_range=st.sampled_from([1e-6, 1.0, 65535.0]),
    wide=st.booleans(),
)  # fmt: skip
def test_ssim_stays_within_its_bounds(pair, data_range, wide):
    restored, target = (KINDS[kind](24).to(torch.float64 if wide else torch.float32) for kind in pair)
    score = float(ssim(restored, target, data_range))
    assert -1 <= score <= 1 + 1e-7
    assert_close(ssim(target, target, data_range), torch.ones(1, dtype=target.dtype))


@pytest.mark.parametrize("target", ["zero", "sparse", "constant", "offset", "huge"])
@pytest.mark.parametrize("restored", ["smooth", "hot", "negative"])
def test_ms_ssim_stays_within_its_bounds(restored, target):
    score = float(ms_ssim(KINDS[restored](176), KINDS[target](176), 1e-3))
    assert 0 <= score <= 1 + 1e-7


def test_variances_do_not_cancel_on_an_offset():
    """Of 1e6 + values in [0, 1], float32 keeps 4 bits: the score is that of the rounded images, exactly."""
    a, b = 1e6 + smooth(), 1e6 + smooth(seed=1)
    expected = ssim((a - 1e6).double(), (b - 1e6).double(), 1e9)  # the constants of a range that hides luminance
    assert_close(ssim(a, b, 1e9).double(), expected, rtol=1e-6, atol=1e-6)
    a, b = (1e6 + image.double() for image in (smooth(), smooth(seed=1)))
    assert_close(psnr(a, b, 1.0), psnr(a - 1e6, b - 1e6, 1.0), rtol=1e-6, atol=0)
    assert_close(rmse(a, b, 1.0), rmse(a - 1e6, b - 1e6, 1.0), rtol=1e-6, atol=0)


def test_errors_beyond_float32_are_still_ranked():
    assert -700 < float(psnr(KINDS["huge"](16).double(), smooth(16).double(), 1.0)) < -590
    assert float(psnr(1e25 * smooth(16), smooth(16), 1.0)) == pytest.approx(-500, abs=10)


# -- what is not defined -----------------------------------------------------------------------------


def test_constants_have_no_score_where_one_is_relative():
    x, flat = smooth(64), torch.full((1, 1, 64, 64), 0.1)
    both = torch.cat([x, flat])
    assert range_invariant_psnr(both, both.flip(0), 1.0).isnan().tolist() == [True, False]
    assert micro_ssim(both, both.flip(0), 1.0).isnan().tolist() == [True, False]
    assert frc_resolution(both, both.flip(0)).isnan().tolist() == [True, True]
    assert frc_resolution(both).isnan().tolist() == [False, True]
    assert fourier_ring_correlation(both, both).isnan().all(dim=1).tolist() == [False, True]
    assert intensity_linearity(both, both.flip(0)).r2.isnan().tolist() == [True, False]
    assert intensity_linearity(both, both.flip(0)).slope.isnan().tolist() == [True, False]
    assert bead_fwhm(both[1:]).isnan().tolist() == [True]


def test_a_constant_restoration_explains_nothing():
    """0.1 is no binary fraction: the means of its blocks differ by rounding, which is no correlation."""
    x, flat = smooth(64).double(), torch.full((1, 1, 64, 64), 0.1, dtype=torch.float64)
    line = intensity_linearity(flat, x)
    assert_close((line.r2, line.slope), (torch.zeros(1).double(), torch.zeros(1).double()), rtol=0, atol=1e-12)
    assert intensity_linearity(x, flat).slope.isnan().all(), "and is none of a truth either"
    assert_close(fit_affine(flat, x).gain, torch.zeros(1).double())
    assert_close(affine_fit(flat, x), x.mean().expand_as(x))


def test_a_fit_on_an_offset_is_that_without_it():
    a, b = smooth().double(), smooth(seed=1).double()
    assert_close(fit_affine(1e6 + a, b).gain, fit_affine(a, b).gain, rtol=1e-6, atol=0)
    on_scale = scaled("affine", 1e6 + a, b)[0]
    assert_close(on_scale, scaled("affine", a, b)[0], rtol=0, atol=1e-6)


def test_spectra_of_empty_images_are_at_a_finite_distance():
    zero, x = torch.zeros(1, 1, 40, 40), smooth()
    assert float(spectrum_error(zero, zero)) == 0
    for a, b in ((zero, x), (x, zero), (zero + 0.1, x), (1e-30 * x, x)):
        assert 0 < float(spectrum_error(a, b)) <= 120 + 1e-4


def test_equal_images():
    x = smooth()
    assert float(psnr(x, x, 1.0)) == math.inf
    samples = torch.stack([x, x])
    assert float(spread_skill(samples, x)) != float(spread_skill(samples, x)), "no spread, no error: NaN"
    zero = torch.zeros_like(x)
    assert float(spread_skill(torch.stack([zero - 1, zero + 1]), zero)) == math.inf


def test_images_that_correlate_nowhere_resolve_nothing():
    x = smooth(64)
    assert float(frc_resolution(x, -x)) == 64
    assert float(frc_resolution(x, x)) == 2


def test_the_frechet_distance_is_not_negative():
    features = torch.rand(12, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 1e-4
    mean, covariance = features.mean(dim=0), torch.cov(features.T)
    assert 0 <= frechet_distance(mean, covariance, mean, covariance) < 1e-12


@pytest.mark.parametrize("target", sorted(KINDS))
@pytest.mark.parametrize("name", PAIRED + ENSEMBLE + SINGLE)
def test_every_metric_gives_a_value_of_its_range_or_none(name, target, need_weights):
    """Through the scorer, which clips images and leaves constant targets out."""
    need_weights(name)
    scorer = Scorer([name])
    side = max(SIZES.get(name, 40), 40)
    x = KINDS[target](side)
    for restored in ("smooth", "zero", target):
        y = KINDS[restored](side)
        values = scorer.paired(y, x) | scorer.ensemble(torch.stack([y, y + 1e-3 * smooth(side, 2)]), x)
        (value,) = values.values()
        low, high = next(iter(scorer.metrics.values())).values
        assert value.isnan().all() or bool(((value >= low - 1e-6) & (value <= high + 1e-6)).all())
        assert bool(value.isnan().all()) >= (target in ("zero", "constant")), "a constant target has no score"


# -- scales ------------------------------------------------------------------------------------------


def test_scales_of_sparse_and_constant_targets():
    low, width = target_range(torch.cat([sparse(), smooth(), torch.full((1, 1, 40, 40), 7.0)]))
    assert low.flatten().tolist()[::2] == [0, 7]
    assert width.flatten().tolist()[::2] == [40, 0]
    percentiles = np.percentile(smooth().numpy(), [0.1, 99.9])
    np.testing.assert_allclose(float(width[1]), np.diff(percentiles)[0], rtol=1e-6)
    a, b = scaled("target", sparse() / 2, sparse())
    assert (float(a.max()), float(b.max())) == (0.5, 1.0)
    a, b = scaled("target", torch.full((1, 1, 8, 8), 9.0), torch.full((1, 1, 8, 8), 7.0))
    assert_close(a, torch.full_like(a, 2.0))
    assert_close(b, torch.zeros_like(b))


@pytest.mark.parametrize(("scale", "known"), [("target", False), ("affine", False), ("fixed", True), ("luma", True)])
def test_a_constant_has_a_scale_where_it_is_given(scale, known):
    images = torch.cat([smooth(), torch.full((1, 1, 40, 40), 7.0)])
    assert has_scale(scale, images).tolist() == [True, known]
    value = Scorer(["psnr"], scale=scale).paired(images + 1, images)["psnr"]
    assert value.isfinite().tolist() == [True, known]


# -- means -------------------------------------------------------------------------------------------


def test_means_are_of_finite_scores():
    scores = {
        "psnr": [torch.tensor([30.0, math.inf]), torch.tensor([math.nan, 20.0])],
        "ssim": [torch.tensor([0.5, 0.7]), torch.tensor([math.nan, 0.6])],
        "rmse": [torch.tensor([math.nan]), torch.tensor([math.nan])],
        "lpips": [],
    }
    found = means(scores)
    assert (found["rmse"], found["lpips"]) == (None, None)
    assert (found["psnr"], found["ssim"]) == pytest.approx((25.0, 0.6))
    assert without_mean(scores) == {
        "psnr": {"undefined": [2], "infinite": [1]},
        "ssim": {"undefined": [2]},
        "rmse": {"undefined": [0, 1]},
    }


def test_what_is_left_out_is_said_once_for_each_set_of_images():
    names = ["a", "b", "c", "d"]
    row = {"images": 9, "left_out": {"psnr": {"undefined": ["c"], "infinite": names}, "ssim": {"undefined": ["c"]}}}
    assert left_out_lines(row) == [
        "PSNR, SSIM: without 1 of 9 images (c), whose score is not defined, as where a target is constant",
        "PSNR: without 4 of 9 images (a, b, c and 1 more), "
        "whose score is infinite, as where an image equals its target",
    ]
    assert left_out_lines({"images": 9}) == []


def test_no_distance_is_given_of_fewer_than_ten_images():
    assert {name: declared(name).least_images for name in SETS} == dict.fromkeys(SETS, 10)


@pytest.mark.parametrize("name", ["kid_effnet_lite0", "coverage_vgg16"])
def test_distances_of_few_images_are_not_given(name, need_weights):
    need_weights(name)
    scorer = Scorer([name])
    scorer.metrics = {name: build("metric", {"name": name, **OPTIONS.get(name, {})})}
    images = torch.rand(12, 1, 40, 40, generator=torch.Generator().manual_seed(0))
    assert scorer.distances([images[:9]], [images[:9].flip(0)]) == {name: None}
    assert scorer.remarks == [f"left out: {scorer.metrics[name].title} (9 patches; fewer than 10 say nothing)"]
    flat = torch.ones(5, 1, 40, 40)
    assert scorer.distances([images[:9], flat], [images[:9].flip(0), flat]) == {name: None}, "constants do not count"
    assert scorer.distances([images, flat], [images.flip(0), flat])[name] is not None
    assert "of 12 patches only; uncertain below" in scorer.remarks[-1]
    assert scorer.distances([flat], [flat]) == {name: None}
