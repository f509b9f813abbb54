"""Steps, eta and grids of one restoration: counted at the network, taken from the configuration, refused when wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from systems import PIPELINES, SEVERAL, picture, tiny
from torch import Tensor

from wavegen import Pipeline
from wavegen.errors import InputError


def equal(got: Any, want: Any) -> None:
    """The same bits."""
    np.testing.assert_allclose(got, want, rtol=0, atol=0)


@contextmanager
def counted(pipeline: Pipeline) -> Iterator[list[Tensor]]:
    """Times that the coarse network is called with."""
    calls: list[Tensor] = []
    hook = pipeline.coarse.register_forward_hook(lambda module, given, out: calls.append(given[1]))
    yield calls
    hook.remove()


@pytest.mark.parametrize("name", PIPELINES)
def test_nfe_is_the_number_of_calls(name: str) -> None:
    pipeline, y = tiny(name), picture(8, 8)
    for steps in (1, 2, 3, 8) if name in SEVERAL else (1,):
        with counted(pipeline) as calls:
            assert pipeline.restore(y, steps=steps, samples=2).nfe == steps
        assert len(calls) == 2 * steps
        times = [float(t) for t in calls[:steps]]
        assert times[0] == 1
        assert times == sorted(set(times), reverse=True)
        assert times[-1] > 0


@pytest.mark.parametrize("name", SEVERAL)
def test_steps_and_grid_come_from_the_configuration(name: str) -> None:
    pipeline = tiny(name, sampler={"steps": 3, "grid": {"name": "power", "exponent": 2.0}})
    with counted(pipeline) as calls:
        pipeline.restore(picture(8, 8))
    np.testing.assert_allclose([float(t) for t in calls], [1, 4 / 9, 1 / 9], rtol=1e-6)
    with counted(pipeline) as calls:
        pipeline.restore(picture(8, 8), steps=2, grid={"name": "uniform"})
    np.testing.assert_allclose([float(t) for t in calls], [1, 0.5], rtol=1e-6)


def test_one_step_is_refused_more() -> None:
    with pytest.raises(InputError, match="steps = 2: regression takes at most 1"):
        tiny("unet").restore(picture(8, 8), steps=2)


def test_eta() -> None:
    y = picture(16, 16)
    pipeline = tiny("bbdm", sampler={"steps": 4})
    full, half, none = (pipeline.restore(y, eta=eta).image for eta in (1.0, 0.5, 0.0))
    equal(full, pipeline.restore(y).image)
    assert np.linalg.norm(full - half) > 1
    assert np.linalg.norm(half - none) > 1
    configured = tiny("bbdm", sampler={"steps": 4, "eta": 0.5})
    equal(configured.restore(y).image, half)


def test_eta_bbdm() -> None:
    y = picture(16, 16)
    pipeline = tiny("bbdm", sampler={"steps": 4})
    equal(pipeline.restore(y, eta_bbdm=1.0).image, pipeline.restore(y).image)
    # Without its noise every draw is the same, and none of them is that of eta = 0.
    a, b = (pipeline.restore(y, eta_bbdm=0.0, seed=seed).image for seed in (1, 2))
    equal(a, b)
    assert np.linalg.norm(a - pipeline.restore(y, eta=0.0).image) > 1
    configured = tiny("bbdm", sampler={"steps": 4, "eta_bbdm": 0.0})
    equal(configured.restore(y).image, a)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"steps": 0}, "steps"),
        ({"steps": 2.5}, "steps = 2.5"),
        ({"samples": 0}, "samples is 0; give 1 or more"),
        ({"eta": 1.5}, "eta = 1.5"),
        ({"eta": -0.1}, "eta = -0.1"),
        ({"eta_bbdm": 2.0}, "eta_bbdm = 2"),
        ({"eta": 0.5, "eta_bbdm": 0.5}, "give one of them"),
        ({"grid": {"name": "unifrom"}}, "unknown grid 'unifrom'; did you mean 'uniform'"),
        ({"grid": {"name": "uniform", "exponent": 2}}, "exponent"),
        ({"grid": {"name": "power", "exponent": 0}}, "exponent = 0"),
        ({"grid": {"name": "uniform", "steps": 3}}, "steps"),
        ({"grid": {"exponent": 2.0}}, "give {'name'"),
    ],
    ids=str,
)
def test_wrong_options_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        tiny("bbdm").restore(picture(8, 8), **options)
