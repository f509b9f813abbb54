"""Guards the training loop: losses fall, divergence is named, steps are planned, rates and averages have formulas."""

from __future__ import annotations

import itertools
import json
import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from runs import Blobs, Recording, assert_same, system, training, weights
from torch import nn

from wavegen import Pair, Pipeline
from wavegen.core.errors import InputError
from wavegen.core.tensors import read_tensors
from wavegen.training import JsonLog, Preview, fit
from wavegen.training.config import Training
from wavegen.training.pace import Forecast, Pace
from wavegen.training.stream import Stream


@pytest.mark.parametrize("name", ["unet", "ddpm", "mscgm", "mscgm-joint"])
def test_loss_falls(name: str, tmp_path: Path) -> None:
    seen = Recording()
    options = training(steps=40, batch=4, warmup=5, learning_rate=5e-3)
    trained = fit(system(name), Blobs(), options, tmp_path, callbacks=[seen])
    first = seen.records[0]["stage"]
    losses = [r["total"] for r in seen.records if r["stage"] == first]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:3])
    assert len(seen.records) == 40
    assert not trained.training


def test_restoring_beats_the_input(tmp_path: Path) -> None:
    options = training(steps=80, batch=4, warmup=5, learning_rate=1e-2)
    trained = fit(system("unet"), Blobs(), options, tmp_path)
    trained.precision = "float32"
    x, y = Blobs()[0]
    restored = trained.restore(y).image
    assert (restored - x).norm() < 0.9 * (y - x).norm()


def test_what_is_left_behind(tmp_path: Path) -> None:
    trained = fit(system("mscgm-joint"), Blobs(), training(), tmp_path / "run")
    assert {p.name for p in (tmp_path / "run").iterdir()} == {"checkpoint.safetensors", "model"}
    loaded = Pipeline.from_pretrained(tmp_path / "run" / "model")
    assert_same(weights(loaded), weights(trained))
    assert float(loaded.norm.detail_scale.min()) > 0
    assert not torch.equal(loaded.norm.low_scale, torch.ones_like(loaded.norm.low_scale))


def test_steps_or_minutes(tmp_path: Path) -> None:
    for options in (Training(), Training(steps=2, minutes=1.0)):
        with pytest.raises(InputError, match="either steps or minutes"):
            fit(system("unet"), Blobs(), options, tmp_path)


@pytest.mark.parametrize("name", ["unet", "mscgm-joint"])
def test_only_the_seed_decides(name: str, tmp_path: Path, straight: Callable[..., Any]) -> None:
    """The global generator moves neither crops nor noise nor the critics' first weights."""
    plain, results = straight(name).weights, []
    for seed in (0, 1):
        pipeline = system(name)
        torch.manual_seed(2)  # another state than the undisturbed run had
        results.append(weights(fit(pipeline, Blobs(), training(seed=seed), tmp_path / str(seed))))
    assert_same(results[0], plain)
    assert any(not torch.equal(value, results[1][key]) for key, value in plain.items())


def test_too_small_images_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="32x32, smaller than the crop of 64"):
        fit(system("unet"), Blobs(), training(crop=64), tmp_path)


def test_a_step_without_a_gradient_is_named(tmp_path: Path) -> None:
    """The critics judge no state as late as that."""
    stages = [{"name": "only", "weights": {"adversarial": 1.0}, "max_t": 1e-6}]
    with pytest.raises(InputError, match=r"stage 'only', step 1: no loss term has a gradient \(adversarial\)"):
        fit(system("mscgm-joint", stages=stages), Blobs(), training(), tmp_path)


class Constant(Blobs):
    """Images of one value, or inputs."""

    def __init__(self, both: bool) -> None:
        self.both = both

    def __getitem__(self, index: int) -> Pair:
        pair = super().__getitem__(index)
        nothing = torch.full_like(pair.x, float(index))
        return Pair(nothing if self.both else pair.x, nothing)


@pytest.mark.parametrize(("both", "said"), [(True, "targets"), (False, "inputs")])
def test_data_without_content_are_refused(both: bool, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"the {said} are constant in all of the first 64 crops"):
        fit(system("unet"), Constant(both), training(), tmp_path)


def test_a_term_that_judges_nothing_is_named(tmp_path: Path) -> None:
    """LPIPS needs 32 pixels: with smaller crops it was left out in silence."""
    stages = [{"name": "only", "weights": {"coarse": 1.0, "lpips": 1.0}}]
    with pytest.raises(InputError, match="the lpips term judges no scale of crops of 24 pixels"):
        fit(system("unet", stages=stages), Blobs(), training(), tmp_path)


@pytest.mark.parametrize(("steps", "plan"), [(5, [2, 3]), (2, [1, 1]), (12, [6, 6])])
def test_all_steps_are_planned(steps: int, plan: list[int], tmp_path: Path) -> None:
    """Halves of an odd number are both rounded down."""
    halves = [{"name": name, "share": 0.5, "weights": {"coarse": 1.0}} for name in ("a", "b")]
    fit(system("unet", stages=halves), Blobs(), training(steps=steps), tmp_path)
    assert read_tensors(tmp_path / "checkpoint.safetensors")[1]["progress"]["plan"] == plan


def test_fewer_steps_than_stages_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="steps = 1: mscgm-joint has 2 stages"):
        fit(system("mscgm-joint"), Blobs(), training(steps=1), tmp_path)


# -- divergence ------------------------------------------------------------------------------------


def poisoned(monkeypatch: pytest.MonkeyPatch, first: int) -> None:
    """Values whose square is infinite, from a given batch on."""
    batches = Stream.batches

    def spoil(self: Stream, step: int, device: torch.device) -> Iterator[Pair]:
        for place, pair in enumerate(batches(self, step, device), step):
            yield pair if place < first else Pair(pair.x * 1e30, pair.y)

    monkeypatch.setattr(Stream, "batches", spoil)


@pytest.mark.parametrize("log_every", [1, 5, 100])
def test_divergence_is_named_and_keeps_the_last_good_state(
    log_every: int, tmp_path: Path, straight: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = training(log_every=log_every, checkpoint_every=4)
    said = r"diverged at step \d+: .*total.* not finite.*lower the learning rate"
    with monkeypatch.context() as patched:
        poisoned(patched, 6)
        with pytest.raises(InputError, match=said):
            fit(system("unet"), Blobs(), options, tmp_path)
    tensors, note = read_tensors(tmp_path / "checkpoint.safetensors")
    assert note["progress"]["step"] == 4
    assert all(torch.isfinite(value).all() for value in tensors.values())
    assert not (tmp_path / "model").exists()
    # Its data mended, the run goes on as if nothing had been.
    resumed = fit(system("unet", 3), Blobs(), options, tmp_path, resume=True)
    assert_same(weights(resumed), straight("unet").weights)


# -- planning --------------------------------------------------------------------------------------


def test_minutes_plan_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At one second for each step, a minute is 60 steps, shared out as the stages say; four of them are timed first."""
    clock, seen = [0.0], Recording()
    pipeline = system("mscgm-joint")

    def tick(module: nn.Module, given: Any, out: Any) -> None:
        clock[0] += 1.0

    monkeypatch.setattr(time, "process_time", lambda: clock[0])
    with_clock = pipeline.coarse.register_forward_hook(tick)
    fit(pipeline, Blobs(), training(minutes=1), tmp_path, callbacks=[seen])
    with_clock.remove()
    stages = [r["stage"] for r in seen.records]
    assert [stages.count(name) for name in ("fit", "gan")] == [42, 14]
    assert {r["planned"] for r in seen.records} == {56}
    assert seen.records[-1]["core_minutes"] == pytest.approx(1)


class Asking(Recording):
    """Asks what the training will take, and how far it is."""

    def __init__(self) -> None:
        super().__init__()
        self.forecasts: list[Forecast] = []
        self.paces: list[Pace] = []

    def expect(self, forecast: Forecast) -> None:
        self.forecasts.append(forecast)

    def tick(self, pace: Pace) -> None:
        self.paces.append(pace)


@pytest.mark.parametrize("name", ["mscgm", "mscgm-joint"])
def test_a_forecast_changes_no_bit(name: str, tmp_path: Path, straight: Callable[..., Any]) -> None:
    """Steps of every stage are timed for it, on a state that is put back."""
    seen = Asking()
    trained = fit(system(name), Blobs(), training(), tmp_path, callbacks=[seen])
    whole = straight(name)
    assert_same(weights(trained), whole.weights)
    assert_same(read_tensors(tmp_path / "checkpoint.safetensors")[0], whole.state)
    (forecast,) = seen.forecasts
    assert forecast.steps == 12
    assert forecast.minutes > 0
    assert forecast.memory > 2**26
    assert [pace.step for pace in seen.paces] == list(range(1, 13))
    assert [pace.loss for pace in seen.paces] == [record["total"] for record in seen.records]
    assert seen.paces[-1].left == 0


def test_shares_of_stages(tmp_path: Path) -> None:
    seen = Recording()
    fit(system("mscgm"), Blobs(), training(steps=20), tmp_path, callbacks=[seen])
    stages = [r["stage"] for r in seen.records]
    assert [stages.count(name) for name in ("coarse", "heads")] == [8, 12]
    assert [r["step"] for r in seen.records] == list(range(1, 21))
    assert seen.records[-1]["planned"] == 20
    critic = [r["critic"] for r in seen.records if r["stage"] == "heads"]
    # Updated at every fourth step, and logged as it was last.
    assert [a == b for a, b in itertools.pairwise(critic)] == ([True] * 3 + [False]) * 2 + [True] * 3
    assert critic[0] != 0


# -- rates and averages ----------------------------------------------------------------------------


def rates(name: str, out: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> list[float]:
    """The learning rate of every step."""
    found: list[float] = []
    step = torch.optim.AdamW.step

    def noting(self: torch.optim.AdamW, *args: Any) -> Any:
        if self.param_groups[0]["betas"][0] > 0:  # not the critics'
            found.append(float(self.param_groups[0]["lr"]))
        return step(self, *args)

    monkeypatch.setattr(torch.optim.AdamW, "step", noting)
    fit(system(name), Blobs(), training(**options), out)
    return found


def test_rate_is_warm_up_times_half_a_cosine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = rates("unet", tmp_path, monkeypatch, steps=20, warmup=4, learning_rate=1e-3, final_rate=0.1)
    n = np.arange(20)
    wanted = 1e-3 * np.minimum(1, (n + 1) / 4) * (0.1 + 0.9 * 0.5 * (1 + np.cos(np.pi * n / 20)))
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_rate_goes_on_over_stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = rates("mscgm-joint", tmp_path, monkeypatch, steps=20, warmup=4, learning_rate=1e-3, final_rate=0.1)
    n = np.arange(20)
    wanted = 1e-3 * np.minimum(1, (n + 1) / 4) * (0.1 + 0.9 * 0.5 * (1 + np.cos(np.pi * n / 20)))
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_rate_starts_anew_where_a_stage_restarts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each stage of the paper's schedule trains other networks, and each ends at a low rate."""
    found = rates("mscgm", tmp_path, monkeypatch, steps=30, warmup=2, learning_rate=1e-3, final_rate=0.0)
    coarse, heads = found[:12], found[12:]
    for part in (coarse, heads):
        np.testing.assert_allclose(part[0], 1e-3 / 2, rtol=1e-3)
        assert max(part) > 0.9e-3
        assert part[-1] < 0.05e-3


def test_callbacks_see_averaged_weights_and_do_not_disturb(tmp_path: Path, straight: Callable[..., Any]) -> None:
    seen: list[dict[str, torch.Tensor]] = []

    def look(record: dict[str, Any], pipeline: Pipeline) -> None:
        assert not pipeline.training
        pipeline.restore(Blobs()[0].y)
        seen.append(weights(pipeline))

    watched = fit(system("unet"), Blobs(), training(), tmp_path / "watched", callbacks=[look])
    assert_same(weights(watched), straight("unet").weights)
    assert_same(seen[-1], weights(watched))


# -- what watches ----------------------------------------------------------------------------------


def test_log_lines(tmp_path: Path) -> None:
    out = tmp_path / "new"
    fit(system("mscgm-joint"), Blobs(), training(log_every=5), out, callbacks=[JsonLog(out / "log.jsonl")])
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [5, 9, 10, 12]  # and the last of each stage
    for line in lines:
        assert line.keys() >= {"step", "stage", "planned", "core_minutes", "coarse", "l1", "total", "gradient"}
        assert all(math.isfinite(v) for v in line.values() if not isinstance(v, str))
    assert lines[-1].keys() >= {"adversarial", "critic"}
    assert "adversarial" not in lines[0]
    fit_weights = {"coarse": 1.0, "l1": 2.0}
    np.testing.assert_allclose(lines[0]["total"], sum(w * lines[0][k] for k, w in fit_weights.items()), rtol=1e-5)


def test_previews(tmp_path: Path) -> None:
    from wavegen.io import read_image

    out = tmp_path / "new"
    preview = Preview(out / "previews", [Blobs()[0], Blobs()[1]], every=4)
    fit(system("unet"), Blobs(), training(log_every=2), out, callbacks=[preview])
    names = sorted(p.name for p in (out / "previews").iterdir())
    assert names == ["step-000004.png", "step-000008.png", "step-000012.png"]
    image = read_image(out / "previews" / names[0]).pixels
    assert image.shape == (1, 64, 96)  # two rows of input, restored, truth
    assert image.std() > 10


def test_critics_with_an_optimizer_of_their_own(tmp_path: Path) -> None:
    """Its state is kept and resumed like any other."""
    critic = {"network": {"name": "patch", "width": 8, "layers": 2}, "optimizer": {"name": "muon", "rate": 0.01}}
    stages = [{"name": "gan", "weights": {"coarse": 1.0, "l1": 1.0, "adversarial": 0.1}}]
    gan = partial(system, "mscgm-joint", critic=critic, stages=stages)
    straight = fit(gan(), Blobs(), training(steps=4), tmp_path)
    tensors, _ = read_tensors(tmp_path / "checkpoint.safetensors")
    assert any(name.startswith("critic_adam.") and name.endswith(".momentum") for name in tensors)
    assert_same(weights(fit(gan(), Blobs(), training(steps=4), tmp_path, resume=True)), weights(straight))
    with pytest.raises(InputError, match="did you mean 'muon'"):
        system("mscgm-joint", critic={"optimizer": {"name": "mun"}})
