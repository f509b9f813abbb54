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
from wavegen.bridges import make_grid
from wavegen.core.errors import InputError


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
    with pytest.raises(InputError, match="steps = 2: Regression takes at most 1"):
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


def test_eta_of_bbdm() -> None:
    y = picture(16, 16)
    pipeline = tiny("bbdm", sampler={"steps": 4})
    equal(pipeline.restore(y, solver={"name": "bbdm"}).image, pipeline.restore(y).image)
    # Without its noise every draw is the same, and none of them is that of eta = 0.
    bbdm = {"name": "bbdm", "eta": 0.0}
    a, b = (pipeline.restore(y, solver=bbdm, seed=seed).image for seed in (1, 2))
    equal(a, b)
    assert np.linalg.norm(a - pipeline.restore(y, eta=0.0).image) > 1
    equal(pipeline.restore(y, solver="bbdm", eta=0.0).image, a)
    equal(tiny("bbdm", sampler={"steps": 4, "solver": bbdm}).restore(y).image, a)


def test_temperature() -> None:
    y = picture(16, 16)
    pipeline = tiny("bbdm", sampler={"steps": 4})
    images = [pipeline.restore(y, temperature=heat).image for heat in (1.0, 1.5)]
    equal(images[0], pipeline.restore(y).image)
    assert np.linalg.norm(images[1] - images[0]) > 1
    configured = tiny("bbdm", sampler={"steps": 4, "temperature": 1.5})
    equal(configured.restore(y).image, images[1])
    equal(*(pipeline.restore(y, temperature=0.0, seed=seed).image for seed in (1, 2)))
    assert "temperature" not in pipeline.config.model_dump()["sampler"]  # as in models that were saved before
    assert configured.config.model_dump()["sampler"]["temperature"] == 1.5
    with pytest.raises(InputError, match="temperature"):
        tiny("bbdm", sampler={"temperature": -1.0})
    with pytest.raises(InputError, match="temperature = -1"):
        pipeline.restore(y, temperature=-1.0)


def test_solver() -> None:
    y = picture(16, 16)
    pipeline = tiny("bbdm", sampler={"steps": 4})
    images = {}
    for solver, calls_made in (("generic", 4), ("multistep", 4), ("heun", 7)):
        with counted(pipeline) as calls:
            found = pipeline.restore(y, solver=solver, eta=0.0)
        assert found.nfe == len(calls) == calls_made
        images[solver] = found.image
    equal(images["generic"], pipeline.restore(y, eta=0.0).image)
    assert np.linalg.norm(images["multistep"] - images["generic"]) > 1
    configured = tiny("bbdm", sampler={"steps": 4, "eta": 0.0, "solver": "heun"})
    equal(configured.restore(y).image, images["heun"])


def test_grid_of_times() -> None:
    """A list has its own number of steps; another number is refused."""
    grid = {"name": "times", "values": [1.0, 0.6, 0.1, 0.0]}
    pipeline = tiny("bbdm", sampler={"grid": grid})
    assert pipeline.config.sampler.steps == 3
    for given in ({}, {"grid": grid}, {"steps": 3}):
        with counted(pipeline) as calls:
            pipeline.restore(picture(8, 8), **given)
        np.testing.assert_allclose([float(t) for t in calls], [1, 0.6, 0.1], rtol=1e-6)
    with pytest.raises(InputError, match="grid 'times' has 3 steps, not 5"):
        pipeline.restore(picture(8, 8), steps=5)


def test_grid_of_the_process() -> None:
    pipeline = tiny("irsde")
    with counted(pipeline) as calls:
        pipeline.restore(picture(8, 8), steps=3, grid={"name": "snr", "high": 2.0}, solver="euler-sde")
    expected = make_grid("snr", 3, bridge=pipeline.bridge, high=2.0)[:-1]
    np.testing.assert_allclose([float(t) for t in calls], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("sampler", "said"),
    [
        ({"solver": "huen"}, "did you mean 'heun'"),
        ({"solver": "euler-sde"}, "needs a process with published Euler steps"),
        ({"solver": "heun", "eta_bbdm": 0.5}, "of the solver 'bbdm'"),
    ],
)
def test_a_configured_solver_is_refused_at_once(sampler: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        tiny("bbdm", sampler=sampler)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"steps": 0}, "steps"),
        ({"steps": 2.5}, "steps = 2.5"),
        ({"samples": 0}, "samples is 0; give 1 or more"),
        ({"eta": 1.5}, "eta = 1.5"),
        ({"eta": -0.1}, "eta = -0.1"),
        ({"solver": {"name": "bbdm", "eta": 2.0}}, "eta = 2"),
        ({"eta": 0.5, "solver": {"name": "bbdm", "eta": 0.4}}, "give one of them"),
        ({"solver": {"eta": 0.5}}, "give a name"),
        ({"grid": {"name": "unifrom"}}, "unknown grid 'unifrom'; did you mean 'uniform'"),
        ({"grid": {"name": "uniform", "exponent": 2}}, "exponent"),
        ({"grid": {"name": "power", "exponent": 0}}, "exponent = 0"),
        ({"grid": {"name": "uniform", "steps": 3}}, "steps"),
        ({"grid": {"exponent": 2.0}}, "give {'name'"),
        ({"grid": {"name": "times", "values": [0.9, 0.0]}}, "starts at t = 1"),
        ({"grid": {"name": "times", "values": [1.0]}}, "at least two times"),
        ({"grid": {"name": "times", "values": [1.0, 0.5, 0.7, 0.0]}}, "decreases strictly"),
        ({"grid": {"name": "times", "values": [1.0, 0.5]}}, "ends at t = 0"),
        ({"solver": "huen"}, "unknown solver 'huen'; did you mean 'heun'"),
        ({"solver": "euler-ode"}, "needs a process with published Euler steps"),
    ],
    ids=str,
)
def test_wrong_options_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        tiny("bbdm").restore(picture(8, 8), **options)
