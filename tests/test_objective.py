"""The loss terms of a stage, the states they are taken at, and what the critics judge."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from systems import PIPELINES, SEVERAL, tiny
from torch import Tensor

from wavegen.objective import _roll_out, build_critics, critics_loss, draw_times


@pytest.mark.parametrize("name", PIPELINES)
def test_losses_depend_on_their_generator_only(name: str) -> None:
    pipeline = tiny(name)
    critics = build_critics(pipeline.config, max(pipeline.transform.levels, 1)).eval()
    x, y = torch.rand(2, 4, 1, 32, 32)
    for index in range(len(pipeline.config.stages)):
        runs = [pipeline.losses(x, y, index, torch.Generator().manual_seed(seed), critics).losses for seed in (3, 3, 4)]
        for key, value in runs[0].items():
            assert value.ndim == 0
            torch.testing.assert_close(value, runs[1][key], rtol=0, atol=0)
        if name in SEVERAL:
            assert any((runs[0][key] - runs[2][key]).norm() > 0 for key in runs[0])


def test_a_perfect_network_has_no_loss() -> None:
    """With y = x and a network that returns its condition, every distance is zero."""
    pipeline = tiny("unet", stages=[{"name": "fit", "weights": {"coarse": 1, "l1": 1, "l2": 1, "ssim": 1}}])
    x = torch.rand(2, 1, 16, 16)

    def perfect(x_t: Tensor, t: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        return condition, condition

    pipeline.predict = perfect  # type: ignore[method-assign]
    losses = pipeline.losses(x, x).losses
    assert set(losses) == {"coarse", "l1", "l2", "ssim"}
    for value in losses.values():
        torch.testing.assert_close(value, torch.tensor(0.0), rtol=0, atol=1e-6)


@settings(deadline=None, max_examples=30, derandomize=True)
@given(st.integers(1, 40), st.floats(0, 1), st.integers(0, 1000))
def test_times_are_stratified(count: int, start_fraction: float, seed: int) -> None:
    t = draw_times(count, start_fraction, torch.Generator().manual_seed(seed))
    starts = int((t == 1).sum())
    assert starts in (int(start_fraction * count), int(start_fraction * count) + 1)
    assert t.shape == (count,)
    assert t.dtype == torch.float64
    torch.testing.assert_close(t[:starts], torch.ones(starts, dtype=torch.float64), rtol=0, atol=0)
    rest = t[starts:]
    assert (rest > 0).all()
    # One in each of as many equal parts of (0, 1].
    edges = torch.arange(len(rest) + 1, dtype=torch.float64) / max(len(rest), 1)
    assert (rest >= edges[:-1] - 1e-6).all()
    assert (rest <= (edges[1:] + 1e-6).clamp_min(1e-3)).all()


GRID = [1.0, 0.7, 0.2, 0.05, 0.0]


@settings(deadline=None, max_examples=30, derandomize=True)
@given(st.integers(1, 40), st.integers(0, 1000))
def test_times_near_a_grid(count: int, seed: int) -> None:
    """Each entry has the same share, and no time is nearer to another entry than to its own."""
    t = draw_times(4 * count, 0.0, torch.Generator().manual_seed(seed), "grid", GRID)
    entries = torch.tensor(GRID[:-1], dtype=torch.float64)
    nearest = (t[:, None] - entries).abs().argmin(dim=1)
    assert torch.bincount(nearest, minlength=4).tolist() == [count] * 4
    assert t.min() > 0.025 - 1e-9
    assert t.max() <= 1


def test_logit_normal_times() -> None:
    """Their logits are standard normal: stratified, the moments of 4000 are within a hundredth."""
    t = draw_times(4000, 0.0, torch.Generator().manual_seed(0), "logit-normal")
    logits = t.logit()
    assert abs(float(logits.mean())) < 0.01
    assert abs(float(logits.std()) - 1) < 0.01
    assert ((t > 0) & (t < 1)).all()


@pytest.mark.parametrize("times", ["logit-normal", "grid"])
@pytest.mark.parametrize("name", SEVERAL)
def test_every_distribution_of_times_trains(name: str, times: str) -> None:
    pipeline = tiny(name, times=times, start_fraction=0.25)
    x, y = torch.rand(2, 4, 1, 32, 32)
    losses = pipeline.losses(x, y, 0, torch.Generator().manual_seed(0)).losses
    assert all(torch.isfinite(value) for value in losses.values())


def extreme_seed(least: float) -> int:
    """A seed whose first uniform number is nearly 1."""
    return next(s for s in range(100_000) if torch.rand(2, generator=torch.Generator().manual_seed(s))[0] > least)


@pytest.mark.parametrize("max_t", [1.0, 0.6, 0.02])
def test_rolled_out_states(max_t: float) -> None:
    """States at t = 1 stay; the others become the model's own, at one time that the critic judges."""
    pipeline = tiny("bbdm")
    x_t, y, condition = torch.rand(3, 3, 1, 8, 8)
    t = torch.tensor([1.0, 0.7, 0.2], dtype=torch.float64)
    for seed in (*range(10), extreme_seed(0.9995)):
        states, times = None, None
        times, states = _roll_out(pipeline, x_t, y, condition, t, max_t, torch.Generator().manual_seed(seed))
        torch.testing.assert_close(times[0], t[0])
        torch.testing.assert_close(states[0], x_t[0], rtol=0, atol=0)
        torch.testing.assert_close(times[1], times[2])
        assert 0 < times[1] <= max_t
        assert torch.isfinite(states).all()
        assert (states[1:] - x_t[1:]).norm() > 1e-3


def losses_of(name: str, weights: dict[str, float], **stage: Any) -> Any:
    pipeline = tiny(name, stages=[{"name": "one", "weights": weights, **stage}])
    critics = build_critics(pipeline.config, max(pipeline.transform.levels, 1))
    x, y = torch.rand(2, 8, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    return pipeline, critics, pipeline.losses(x, y, 0, torch.Generator().manual_seed(1), critics)


@pytest.mark.parametrize("rollout", [False, True])
def test_only_late_states_are_judged(rollout: bool) -> None:
    """3 of 8 states lie at t = 1; of the other 5 those below max_t, or all once they are rolled out."""
    _, _, terms = losses_of("mscgm-joint", {"l1": 1.0, "adversarial": 1.0}, max_t=0.6, rollout=rollout)
    assert len(terms.candidates) == 1
    assert len(terms.candidates[0].fake) == (5 if rollout else 3)
    assert terms.losses.keys() == {"l1", "adversarial"}


def test_critics_see_whitened_bands() -> None:
    _, _, terms = losses_of("mscgm-joint", {"l1": 1.0, "adversarial": 1.0})
    (candidate,) = terms.candidates
    assert candidate.fake.shape == candidate.real.shape == candidate.y.shape == (8, 4, 16, 16)
    torch.testing.assert_close(candidate.real.std(dim=(0, 2, 3)), torch.ones(4), rtol=1e-4, atol=0)
    assert candidate.fake.requires_grad
    assert not candidate.real.requires_grad


def test_critics_see_every_scale_in_the_units_of_the_image() -> None:
    _, _, terms = losses_of("mscgm", {"l1": 1.0, "adversarial": 1.0})
    assert [tuple(c.real.shape) for c in terms.candidates] == [(8, 1, 16, 16), (8, 1, 32, 32)]
    means = [c.real.mean() for c in terms.candidates]
    torch.testing.assert_close(means[0], means[1], rtol=1e-4, atol=0)


def test_r1_is_added_with_its_weight() -> None:
    pipeline, critics, terms = losses_of("mscgm", {"l1": 1.0, "adversarial": 1.0})
    critics.eval()  # the power iteration rests
    values = []
    for r1 in (0.0, 1.0, 2.0):
        pipeline.config = pipeline.config.model_copy(
            update={"critic": pipeline.config.critic.model_copy(update={"r1": r1})}
        )
        values.append(critics_loss(pipeline, critics, terms.candidates, with_r1=r1 > 0).detach())
    assert values[1] > values[0]
    torch.testing.assert_close(values[2] - values[0], 2 * (values[1] - values[0]), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("ll", ["true", "predicted"])
def test_what_the_heads_are_given(ll: str) -> None:
    """True bands keep the coarse network out of the heads' losses; predicted ones train it with them."""
    pipeline, _, terms = losses_of("mscgm", {"l1": 1.0, "bands": 1.0}, ll=ll)
    sum(terms.losses.values()).backward()
    trained = any(p.grad is not None and p.grad.norm() > 0 for p in pipeline.coarse.parameters())
    assert trained == (ll == "predicted")
    assert all(p.grad is not None and p.grad.norm() > 0 for p in pipeline.heads.parameters())


@pytest.mark.parametrize("name", SEVERAL)
def test_states_have_the_moments_of_the_process(name: str) -> None:
    """x_t = a x0 + b y + c eps with standard normal eps, at the times that the network is told."""
    pipeline, seen = tiny(name), []
    x, y = torch.rand(2, 6, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    pipeline.coarse.register_forward_hook(lambda module, given, out: seen.append(given))
    pipeline.losses(x, y, 0, torch.Generator().manual_seed(1))
    ((inputs, t),) = seen
    bands = [pipeline.norm.low(pipeline.transform.forward(image).ll, 0) for image in (x, y)]
    x_t = inputs[:, : bands[0].shape[1]]
    for item, time in enumerate(t.double()):
        a, b, c = (float(k) for k in pipeline.bridge.coefficients(time))
        rest = x_t[item] - a * bands[0][item] - b * bands[1][item]
        # Five standard errors of the mean and of the standard deviation, and rounding.
        count = rest.numel()
        assert abs(float(rest.mean())) <= 5 * c * count**-0.5 + 1e-5
        assert abs(float(rest.std()) - c) <= 5 * c * (2 * count) ** -0.5 + 1e-5


@pytest.mark.parametrize("name", ["mscgm", "mscgm-joint", "bbdm", "bbdm-patch", "unet"])
def test_training_and_restoring_compute_the_same_image(name: str) -> None:
    """At t = 1, and with silent heads, the image that is trained is the one that one step restores."""
    silent = {"head": {"noise": 0}} if name.startswith("mscgm") else {}
    stage = {"name": "one", "weights": {"adversarial": 1.0}}
    settings = {"start_fraction": 1.0, "intensity": {"mode": "fixed"}, "critic": {"on": "image", "width": 4}}
    pipeline = tiny(name, **settings, **silent, stages=[stage])
    critics = build_critics(pipeline.config, max(pipeline.transform.levels, 1))
    x, y = torch.rand(2, 3, 1, 29, 22, generator=torch.Generator().manual_seed(0))
    terms = pipeline.losses(x, y, 0, torch.Generator().manual_seed(1), critics)
    finest = terms.candidates[-1]
    torch.testing.assert_close(finest.fake.detach(), pipeline.restore(y, steps=1).image, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(finest.real, x, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(finest.y, y, rtol=1e-4, atol=1e-4)
