"""Baselines without learning: they do their job where it is possible, and their options come from tuning."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch.testing import assert_close

from wavegen.core.errors import InputError
from wavegen.core.types import Pair
from wavegen.inference.evaluate import evaluate
from wavegen.metrics.classical import METHODS, Classical, method_named, restorer, richardson_lucy, tune


class Few:
    """Smooth scenes and a degraded view of each."""

    def __init__(self, degrade: Any, channels: int = 1, side: int = 48) -> None:
        rng = np.random.default_rng(0)
        scenes = [gaussian_filter(rng.random((channels, side, side)), (0, 3, 3)) for _ in range(3)]
        clean = [255 * (s - s.min()) / (s.max() - s.min()) for s in scenes]
        self.pairs = [Pair(*(torch.from_numpy(v).float() for v in (x, degrade(x, rng)))) for x in clean]

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Pair:
        return self.pairs[index]


def noisy(x: Any, rng: np.random.Generator) -> Any:
    return x + 30 * rng.standard_normal(x.shape)


def holes(x: Any, rng: np.random.Generator) -> Any:
    return np.where(rng.random(x.shape[-2:]) < 0.2, 0, x + 1)


def dark(x: Any, rng: np.random.Generator) -> Any:
    return 255 * (x / 255) ** 2 / 2


def shaded(x: Any, rng: np.random.Generator) -> Any:
    return x * np.linspace(0.2, 1, x.shape[-1])


JOBS = {
    "gaussian": (noisy, "affine", 5.0),
    "total variation": (noisy, "affine", 5.0),
    "non-local means": (noisy, "affine", 4.0),
    "bm3d": (noisy, "affine", 4.0),
    "gain and gamma": (dark, "fixed", 10.0),
    "adaptive histogram": (dark, "fixed", 0.5),
    "retinex": (shaded, "fixed", 0.5),
    "biharmonic": (holes, "fixed", 10.0),
}


def installed(names: Iterable[str]) -> list[Any]:
    """Methods as parameters; BM3D, whose licence is not free, is tested where it is found."""
    skipped = pytest.mark.skipif(find_spec("bm3d") is None, reason="bm3d is not installed")
    return [pytest.param(name, marks=[skipped] if name == "bm3d" else []) for name in sorted(names)]


@pytest.mark.parametrize("name", installed(METHODS))
def test_shape_and_channels_are_kept(name: str) -> None:
    method = METHODS[name]
    for channels in (1, 3):
        image = np.random.default_rng(0).uniform(1, 255, (channels, 24, 20)).astype(np.float32)
        made = method.apply(image, **method.candidates()[0])
        assert made.shape == image.shape
        assert made.dtype == np.float32
        assert np.isfinite(made).all()


@pytest.mark.parametrize("name", installed(JOBS))
def test_it_improves_what_it_is_for(name: str) -> None:
    degrade, scale, gained = JOBS[name]
    data = Few(degrade)
    from wavegen.inference.evaluate import Scorer

    scorer = Scorer(perceptual=False, scale=scale)  # type: ignore[arg-type]
    method = method_named(name)
    options = tune(method, data, scale)  # type: ignore[arg-type]
    before = evaluate(restorer(METHODS["input"], {}, data, scale), data, scorer=scorer)["psnr"]  # type: ignore[arg-type]
    after = evaluate(restorer(method, options, data, scale), data, scorer=scorer)["psnr"]  # type: ignore[arg-type]
    assert after is not None
    assert before is not None
    assert after > before + gained


def test_richardson_lucy_sharpens_a_point_and_keeps_its_light() -> None:
    scene = np.zeros((33, 33), np.float32)
    scene[16, 16] = 1000
    blurred = gaussian_filter(scene, 2.0).astype(np.float32)
    sharp = richardson_lucy(blurred, 2.0, 200)
    assert sharp[16, 16] > 5 * blurred[16, 16]
    assert_close(float(sharp.sum()), 1000.0, rtol=1e-2, atol=0)


def test_what_is_known_is_not_searched() -> None:
    data = Few(lambda x, rng: np.stack([gaussian_filter(p, 2) for p in x]))
    assert tune(METHODS["richardson-lucy"], data, "target", {"sigma": 2.0})["sigma"] == 2.0
    assert tune(METHODS["input"], data, "target") == {}


@pytest.mark.parametrize(
    ("name", "degrade", "scale"),
    [("gaussian", noisy, "affine"), ("total variation", noisy, "affine"), ("gain and gamma", dark, "fixed")],
)
def test_a_walk_through_the_options_ends_where_a_search_of_all_does(name: str, degrade: Any, scale: Any) -> None:
    data, tried = Few(degrade), []
    method = METHODS[name]

    def apply(image: Any, **options: float) -> Any:
        tried.append(options)
        return method.apply(image, **options)

    best = tune(method, data, scale)
    assert tune(Classical(apply, method.options), data, scale, quick=True) == best
    assert len(tried) < len(data) * len(method.candidates())


def test_a_walk_leaves_known_options_alone() -> None:
    data = Few(lambda x, rng: np.stack([gaussian_filter(p, 1) for p in x]))
    found = tune(METHODS["richardson-lucy"], data, "target", {"sigma": 1.0}, quick=True)
    assert found["sigma"] == 1.0
    assert found["iterations"] in METHODS["richardson-lucy"].options["iterations"]


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bm3d", None)
    with pytest.raises(InputError, match=r"BM3D needs the package bm3d, for non-commercial use: pip install bm3d"):
        METHODS["bm3d"].apply(np.ones((1, 16, 16), np.float32), h=1.0)


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(InputError, match="did you mean 'gaussian'"):
        method_named("gausian")
