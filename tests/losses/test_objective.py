"""The loss terms of a stage, the states they are taken at, and what the critics judge."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from systems import PIPELINES, SEVERAL, answer_with, tiny
from torch import Tensor

from wavegen import Pipeline
from wavegen.core import registry
from wavegen.core.errors import InputError
from wavegen.core.registry import names, register
from wavegen.losses import BandLoss, CoarseLoss, CriticLoss, ImageLoss, Objective, TransformLoss
from wavegen.losses.adversarial import build_critics, critics_loss
from wavegen.losses.rollout import roll_out
from wavegen.losses.times import draw_times
from wavegen.metrics import weights


@pytest.mark.parametrize("name", PIPELINES)
def test_losses_depend_on_their_generator_only(name: str) -> None:
    pipeline = tiny(name)
    critics = build_critics(pipeline.config, max(pipeline.transform.levels, 1)).eval()
    x, y = torch.rand(2, 4, 1, 32, 32)
    for index in range(len(pipeline.config.stages)):
        runs = [
            Objective(pipeline)(x, y, index, torch.Generator().manual_seed(seed), critics).losses for seed in (3, 3, 4)
        ]
        for key, value in runs[0].items():
            assert value.ndim == 0
            torch.testing.assert_close(value, runs[1][key], rtol=0, atol=0)
        if name in SEVERAL and "autoencoder" not in runs[0]:
            assert any((runs[0][key] - runs[2][key]).norm() > 0 for key in runs[0])


def test_a_perfect_network_has_no_loss() -> None:
    """With y = x and a network that returns its condition, every distance is zero."""
    pipeline = tiny("unet", stages=[{"name": "fit", "weights": {"coarse": 1, "l1": 1, "l2": 1, "ssim": 1}}])
    x = torch.rand(2, 1, 16, 16)

    def perfect(x_t: Tensor, t: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        return condition, condition

    answer_with(pipeline, perfect)
    losses = Objective(pipeline)(x, x).losses
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
    losses = Objective(pipeline)(x, y, 0, torch.Generator().manual_seed(0)).losses
    assert all(torch.isfinite(value) for value in losses.values())


def extreme_seed(least: float) -> int:
    """A seed whose first uniform number is nearly 1."""
    return next(s for s in range(100_000) if torch.rand(2, generator=torch.Generator().manual_seed(s))[0] > least)


@pytest.mark.parametrize("max_t", [1.0, 0.6, 0.02])
def test_rolled_out_states(max_t: float) -> None:
    """The model's own states, at one time that the critic judges."""
    pipeline = tiny("bbdm")
    y, condition = torch.rand(2, 3, 1, 8, 8)
    for seed in (*range(10), extreme_seed(0.9995)):
        states, times = roll_out(pipeline, pipeline.denoiser(condition), y, max_t, torch.Generator().manual_seed(seed))
        torch.testing.assert_close(times, times[:1].expand(3))
        assert 0 < times[0] <= max_t
        assert torch.isfinite(states).all()
        assert (states - y).norm() > 1e-3


def losses_of(name: str, weights: dict[str, float], **stage: Any) -> Any:
    pipeline = tiny(name, stages=[{"name": "one", "weights": weights, **stage}])
    critics = build_critics(pipeline.config, max(pipeline.transform.levels, 1))
    x, y = torch.rand(2, 8, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    return pipeline, critics, Objective(pipeline)(x, y, 0, torch.Generator().manual_seed(1), critics)


@pytest.mark.parametrize("rollout", [False, True])
def test_only_late_states_are_judged(rollout: bool) -> None:
    """3 of 8 states lie at t = 1; of the other 5 those below max_t; of rolled out ones half a batch."""
    _, _, terms = losses_of("mscgm-joint", {"l1": 1.0, "adversarial": 1.0}, max_t=0.6, rollout=rollout)
    assert len(terms.candidates) == 1
    assert len(terms.candidates[0].fake) == (4 if rollout else 3)
    assert terms.losses.keys() == {"l1", "adversarial"}


def test_a_rollout_leaves_the_other_terms_alone() -> None:
    """A state that the model reached says nothing of this x: regressing on it would teach to ignore the state."""
    weights = {"coarse": 1.0, "l1": 1.0}
    _, _, plain = losses_of("mscgm-joint", weights)
    _, _, rolled = losses_of("mscgm-joint", weights | {"adversarial": 1.0}, rollout=True)
    for name in weights:
        torch.testing.assert_close(rolled.losses[name], plain.losses[name], rtol=0, atol=0)


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
        values.append(critics_loss(pipeline, critics, terms.candidates, r1 > 0).detach())
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
    stage = int("autoencoder" in pipeline.config.stages[0].weights)
    Objective(pipeline)(x, y, stage, torch.Generator().manual_seed(1))
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
    terms = Objective(pipeline)(x, y, 0, torch.Generator().manual_seed(1), critics)
    finest = terms.candidates[-1]
    torch.testing.assert_close(finest.fake.detach(), pipeline.restore(y, steps=1).image, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(finest.real, x, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(finest.y, y, rtol=1e-4, atol=1e-4)


# -- heads of every kind ---------------------------------------------------------------------------

JOINT: dict[str, Any] = {"name": "mscgm-joint", "network": {"width": 8}}
SMALL = {"name": "unet", "width": 8, "multipliers": [1, 2]}
HEADS: list[dict[str, Any]] = [
    {"name": "copy"},
    {"name": "shrink"},
    {"name": "regression", "network": SMALL, "noise_level": True},
    {"name": "gan", "network": SMALL, "noise": 2, "inject": True, "features": 4},
    {"name": "bridge", "network": SMALL, "features": 4, "noise_level": True},
]


def with_head(head: dict[str, Any], weights: dict[str, float], **stage: Any) -> Pipeline:
    """Two levels; a head spec of another name replaces the preset's."""
    differences = {"transform": {"levels": 2}, "stages": [{"name": "one", "weights": weights, **stage}]}
    return Pipeline.from_config({**JOINT, **differences, "head": head})


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("head", HEADS, ids=lambda h: h["name"])
def test_every_head_trains_and_restores(head: dict[str, Any], shared: bool) -> None:
    """Batch 1 and 3 alike; the same seed, the same image; another sample, another."""
    spec = {**JOINT, "transform": {"levels": 2}, "head": head, "shared_head": shared, "critic": {"width": 8}}
    pipeline = Pipeline.from_config({**spec, "stages": [{"name": "one", "weights": {"bands": 1.0, "l1": 1.0}}]})
    pipeline.precision = "float32"
    assert len(pipeline.heads) == (1 if shared else 2)
    for batch in (1, 3):
        x, y = torch.rand(2, batch, 1, 29, 22, generator=torch.Generator().manual_seed(0))
        sum(Objective(pipeline)(x, y).losses.values()).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in pipeline.parameters())
    found = pipeline.restore(y, samples=2, seed=1)
    torch.testing.assert_close(pipeline.restore(y, samples=2, seed=1).image, found.image, rtol=0, atol=0)
    assert torch.isfinite(found.image).all()
    alone = pipeline.restore(y[:1], samples=2, seed=1).image
    torch.testing.assert_close(alone, found.image[:1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("head", HEADS, ids=lambda h: h["name"])
def test_empty_images_are_handled(head: dict[str, Any]) -> None:
    pipeline = with_head(head, {"bands": 1.0, "l1": 1.0})
    for value in (0.0, 7.0):
        constant = torch.full((1, 1, 16, 16), value)
        assert all(torch.isfinite(v) for v in Objective(pipeline)(constant, constant).losses.values())
        assert torch.isfinite(pipeline.restore(constant).image).all()


def test_a_shared_head_is_stored_once(tmp_path: Path) -> None:
    spec = {**JOINT, "transform": {"levels": 3}, "head": {"network": {"width": 8}}, "shared_head": True}
    pipeline = Pipeline.from_config(spec)
    pipeline.save_pretrained(tmp_path)
    image = torch.rand(1, 1, 24, 24)
    loaded = Pipeline.from_pretrained(tmp_path)
    torch.testing.assert_close(loaded.restore(image).image, pipeline.eval().restore(image).image, rtol=0, atol=0)
    assert len({key.split(".")[1] for key in loaded.state_dict() if key.startswith("heads.")}) == 1


def test_draws_are_compared_with_the_truth() -> None:
    """energy and diversity need two draws: their gradient reaches the weights of the noise."""
    pipeline = with_head(HEADS[3], {"energy": 1.0, "diversity": 1.0})
    x, y = torch.rand(2, 2, 1, 32, 32)
    losses = Objective(pipeline)(x, y).losses
    assert losses.keys() == {"energy", "diversity"}
    sum(losses.values()).backward()
    assert all(mix.weight.grad.norm() > 0 for mix in pipeline.head(0).network.mix)


def test_every_distance_of_images() -> None:
    names = {"l1", "l2", "ssim", "fourier"} | ({"lpips"} if weights.locate("lpips_alex") else set())
    pipeline = with_head({"name": "regression", "network": SMALL}, dict.fromkeys(names, 1.0))
    x, y = torch.rand(2, 2, 1, 64, 64)
    losses = Objective(pipeline)(x, y).losses
    assert losses.keys() == names
    sum(losses.values()).backward()
    for value in losses.values():
        assert value > 0
    same = Objective(pipeline)(x, x).losses
    assert same.keys() == names


@pytest.mark.parametrize(
    ("head", "stage", "message"),
    [
        ({"name": "copy"}, {"weights": {"l1": 1.0}, "ll": "true"}, "trains nothing.*'copy' has no parameters"),
        ({"name": "shrink"}, {"weights": {"l1": 1.0}, "ll": "sampled"}, "trains nothing"),
        ({"name": "copy"}, {"weights": {"energy": 1.0}}, "'energy': head 'copy' has no noise"),
        ({"name": "regression"}, {"weights": {"diversity": 1.0}}, "'diversity': head 'regression' has no noise"),
        ({"name": "bridge"}, {"weights": {"energy": 1.0}}, "'energy': head 'bridge' has no noise"),
        ({"name": "gan", "features": 4}, {"weights": {"l1": 1.0}, "ll": "noisy"}, "needs low_band: predicted"),
        ({"name": "gan"}, {"weights": {"l1": -1.0}}, r"weights.l1 = -1.0: input should be greater than 0"),
        ({"name": "gan"}, {"weights": {"l3": 1.0}}, "l3"),
    ],
)
def test_stages_that_do_not_fit_are_refused(head: dict[str, Any], stage: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Pipeline.from_config({**JOINT, "head": head, "stages": [{"name": "one", **stage}]})


@pytest.mark.parametrize("term", ["bands", "energy"])
def test_terms_of_bands_need_bands(term: str) -> None:
    with pytest.raises(InputError, match=f"weighs '{term}', but the transform has no detail bands"):
        Pipeline.from_config({"name": "bbdm", "stages": [{"name": "one", "weights": {term: 1.0}}]})


# -- what the heads are given ----------------------------------------------------------------------


@pytest.mark.parametrize("ll", ["noisy", "sampled"])
def test_imperfect_low_bands_train_the_heads_alone(ll: str) -> None:
    pipeline, _, terms = losses_of("mscgm", {"l1": 1.0, "bands": 1.0}, ll=ll)
    sum(terms.losses.values()).backward()
    assert all(p.grad is None for p in pipeline.coarse.parameters())
    assert all(p.grad is not None and p.grad.norm() > 0 for p in pipeline.heads.parameters())


@pytest.mark.parametrize("strength", [0.01, 0.5])
def test_noisy_low_bands_are_as_noisy_as_said(strength: float) -> None:
    """A head that is given noise up to ll_noise sees up to that much, in units of the normalised band."""
    stage = {"name": "one", "weights": {"bands": 1.0}, "ll": "noisy", "ll_noise": strength}
    pipeline, seen = tiny("mscgm", stages=[stage]), []
    pipeline.head(0).register_forward_pre_hook(lambda module, given: seen.append(given[0].ll))
    x, y = torch.rand(2, 64, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    Objective(pipeline)(x, y)
    clean = pipeline.norm.low(pipeline.transform.forward(x).ll, 0)
    deviations = (seen[0] - clean).std(dim=(1, 2, 3))
    assert deviations.max() < 1.3 * strength
    assert deviations.max() > 0.7 * strength
    assert deviations.min() < 0.3 * strength


def test_sampled_low_bands_are_the_pipelines_own() -> None:
    """The band that a head is given is one that the sampler reached, with the features of its last call."""
    stage = {"name": "one", "weights": {"bands": 1.0}, "ll": "sampled"}
    pipeline, seen, calls = tiny("mscgm-joint", stages=[stage], sampler={"steps": 3}), [], []
    pipeline.head(0).register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    pipeline.coarse.register_forward_hook(lambda module, given, out: calls.append(out))
    x, y = torch.rand(2, 2, 1, 32, 32)
    Objective(pipeline)(x, y)
    assert len(calls) == 3
    torch.testing.assert_close(seen[0].ll, calls[-1][0], rtol=1e-4, atol=1e-4)  # target x0: the last estimate
    torch.testing.assert_close(seen[0].features, calls[-1][1])


# -- critics ---------------------------------------------------------------------------------------

CRITICS: list[dict[str, Any]] = [
    {"kind": "multiscale", "resolutions": 2, "on": "image"},
    {"on": "image", "low": True},
    {"on": "bands", "low": True, "coarse": True},
    {"loss": "relativistic", "r1": 1.0, "r2": 1.0, "spectral_norm": False},
    {"loss": "wasserstein", "gradient_penalty": 10.0, "spectral_norm": False},
    {"augment": ["flip", "translate", "cutout"]},
    {"kind": "projected", "on": "image"},
]


@pytest.mark.parametrize("critic", CRITICS, ids=str)
def test_every_critic_learns_and_teaches(critic: dict[str, Any]) -> None:
    if critic.get("kind") == "projected" and weights.locate("effnet_lite0") is None:
        pytest.skip("the weights of EfficientNet-Lite0 are not found")
    head = {"name": "gan", "network": SMALL, "features": 4}
    stage = {"name": "one", "weights": {"l1": 1.0, "adversarial": 1.0}}
    full = {"width": 8, "layers": 2, **critic}
    pipeline = Pipeline.from_config({**JOINT, "head": head, "critic": full, "stages": [stage]})
    critics = build_critics(pipeline.config, 1)
    assert len(critics) == (2 if critic.get("coarse") else 1)
    for batch in (1, 3):
        x, y = torch.rand(2, batch, 1, 64, 64, generator=torch.Generator().manual_seed(0))
        terms = Objective(pipeline)(x, y, 0, torch.Generator().manual_seed(1), critics)
        assert len(terms.candidates) == len(critics)
        terms.losses["adversarial"].backward()
        assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in pipeline.parameters())
        critics.zero_grad()
        loss = critics_loss(pipeline, critics, terms.candidates, True)
        loss.backward()
        assert torch.isfinite(loss)
        assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in critics.parameters())
        assert sum(float(p.grad.norm()) for p in critics.parameters() if p.grad is not None) > 0


def test_lazy_penalties_are_as_much_stronger() -> None:
    pipeline, critics, terms = losses_of("mscgm", {"l1": 1.0, "adversarial": 1.0})
    critics.eval()
    values = {}
    for every in (1, 4):
        settings = {"r1": 1.0, "r2": 0.5, "penalty_every": every}
        pipeline.config = pipeline.config.model_copy(
            update={"critic": pipeline.config.critic.model_copy(update=settings)}
        )
        values[every] = [
            critics_loss(pipeline, critics, terms.candidates, penalised).detach() for penalised in (False, True)
        ]
    torch.testing.assert_close(values[1][0], values[4][0])
    torch.testing.assert_close(4 * (values[1][1] - values[1][0]), values[4][1] - values[4][0], rtol=1e-3, atol=1e-6)


def test_a_critic_that_sees_low_bands_sees_them_grown() -> None:
    """With true low bands the extra channels of the generated and of the true candidate are the same."""
    stage = {"name": "one", "weights": {"adversarial": 1.0}, "ll": "true"}
    pipeline = tiny("mscgm", critic={"low": True, "width": 8}, stages=[stage])
    critics = build_critics(pipeline.config, 2)
    x, y = torch.rand(2, 2, 1, 32, 32)
    for k, side in zip(Objective(pipeline)(x, y, 0, critics=critics).candidates, (16, 32), strict=True):
        assert k.fake.shape == (2, 2, side, side)
        torch.testing.assert_close(k.fake[:, 1], k.real[:, 1])
        means = torch.nn.functional.avg_pool2d(k.real, 2)
        torch.testing.assert_close(means[:, 0], means[:, 1], rtol=1e-4, atol=1e-5)  # Haar: the same local means


def test_projected_critics_judge_images(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for wrong in ({"on": "bands"}, {"low": True}, {"coarse": True}):
        with pytest.raises(InputError, match="a projected critic judges images"):
            tiny("cgan", critic={"kind": "projected", "on": "image", **wrong})
    monkeypatch.setattr(weights, "locate", lambda name: None)
    monkeypatch.setenv("WAVEGEN_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(weights, "distribution", _not_installed)
    with pytest.raises(InputError, match="effnet_lite0"):
        build_critics(tiny("cgan", critic={"kind": "projected"}).config, 1)


def _not_installed(name: str) -> Any:
    raise PackageNotFoundError(name)


# -- the coarse network as a generator -------------------------------------------------------------


def test_a_coarse_gan_draws_from_its_noise() -> None:
    pipeline = tiny("gan-all", head={"noise": 0})
    image = torch.rand(1, 1, 32, 32)
    found = pipeline.restore(image, samples=3, seed=0)
    assert found.nfe == 1
    assert float(found.std.mean()) > 1e-4
    torch.testing.assert_close(pipeline.restore(image, samples=3, seed=0).std, found.std, rtol=0, atol=0)
    silent = tiny("gan-all", head={"noise": 0}, coarse_noise=0)
    assert float(silent.restore(image, samples=3, seed=0).std.max()) == 0


DRAWN: dict[str, Any] = {
    "coarse_noise": 1,
    "head": {"name": "gan", "inject": True, "noise": 1, "features": 4},
    "stages": [{"name": "one", "weights": {"crps": 1.0}}],
}


def test_crps_scores_two_whole_draws() -> None:
    """The score rewards a draw of the coarse network's noise and of the heads': both learn from it."""
    pipeline = tiny("mscgm-joint", **DRAWN).train()
    x, y = torch.rand(2, 3, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    losses = Objective(pipeline)(x, y, 0, torch.Generator().manual_seed(1)).losses
    assert losses.keys() == {"crps"}
    losses["crps"].backward()
    for network in (pipeline.coarse, pipeline.head(0).network):
        gradient = network.mix[0].weight.grad
        assert gradient is not None
        assert float(gradient.norm()) > 0


def test_crps_needs_noise_and_whole_draws() -> None:
    with pytest.raises(InputError, match="nothing is drawn without coarse_noise or a head's noise"):
        tiny("unet", stages=DRAWN["stages"])
    sampled = [{"name": "one", "weights": {"crps": 1.0}, "ll": "sampled"}]
    with pytest.raises(InputError, match="stage 'one': crps draws the whole image: give low_band: predicted"):
        tiny("mscgm-joint", stages=sampled)


# -- losses from outside ---------------------------------------------------------------------------


class NoSort:
    """A loss that derives from none of the base classes."""


class TwoDraws(ImageLoss):
    """A loss of two draws that does not say that it needs noise."""

    draws = 2

    def __call__(self, image: Tensor, truth: Tensor) -> Tensor:
        return (image.chunk(2)[0] - image.chunk(2)[1]).abs().mean()


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (NoSort, "stage 'a': loss 'outside' is a NoSort, none of"),
        (lambda: TwoDraws(), "a loss of two draws, but nothing is drawn"),  # a function says nothing of its class
    ],
)
def test_losses_that_do_not_fit_are_refused(loss: Any, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names("loss")
    monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    register("loss", "outside", "a loss from outside")(loss)
    pipeline = tiny("unet", stages=[{"name": "a", "weights": {"outside": 1.0, "coarse": 1.0}}])
    with pytest.raises(InputError, match=said):
        Objective(pipeline)


@pytest.mark.parametrize(
    ("base", "draws", "lacking"),
    [
        (CoarseLoss, 1, "trains:coarse"),
        (BandLoss, 1, "needs:heads"),
        (BandLoss, 2, "needs:head-noise"),
        (ImageLoss, 2, "needs:noise"),
        (TransformLoss, 1, "needs:lossy"),
        (CriticLoss, 1, "needs:critic"),
    ],
)
def test_what_follows_from_the_base_class_is_declared(
    base: type, draws: int, lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names("loss")
    monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    loss = type("Outside", (base,), {"draws": draws, "__call__": lambda *_: torch.zeros(())})
    with pytest.raises(ValueError, match=f"loss 'outside' has the capability '{lacking}' .*; declare it"):
        register("loss", "outside", "a loss from outside")(loss)


def test_a_distillation_stands_beside_no_other_term_of_the_coarse_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its states are the teacher's, not the truth's."""
    names("loss")
    monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    loss = type("Outside", (CoarseLoss,), {"__call__": lambda self, call: call.distance(call.estimate.x0, call.x0)})
    register("loss", "outside", "a loss from outside", capabilities=("trains:coarse",))(loss)
    first = {"name": "teach", "weights": {"outside": 1.0}}
    with pytest.raises(InputError, match=r"stage 'learn': distill takes the place of .*; drop 'outside'"):
        tiny("bbdm", stages=[first, {"name": "learn", "weights": {"distill": 1.0, "outside": 1.0}}])
    tiny("bbdm", stages=[first, {"name": "learn", "weights": {"distill": 1.0}}])
