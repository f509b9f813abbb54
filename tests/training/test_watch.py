"""Guards the watch, against heads whose answer is known, and what stops a training."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from runs import Blobs, Recording, assert_same, system, training, weights
from systems import answer_with
from torch import Tensor

import wavegen.training.critics
from wavegen import Pair, Pipeline
from wavegen.core.errors import InputError
from wavegen.core.tensors import read_tensors
from wavegen.core.types import Details
from wavegen.gans import Head, LevelInput
from wavegen.training import JsonLog, Watch, band_figures, figures, fit, null_test
from wavegen.training.divergence import SETTLED, Guard


def pairs(count: int = 4, size: int = 64) -> list[Pair]:
    """White noise: its Haar bands are independent normal values."""
    generator = torch.Generator().manual_seed(0)
    return [Pair(*torch.randn(2, 1, size, size, generator=generator)) for _ in range(count)]


class Known(Head):
    """A head whose bands are a stated mix of the truth and noise."""

    noise_channels = 3

    def __init__(self, truth: Details, share: float, deviation: float) -> None:
        super().__init__()
        self.truth, self.share, self.deviation = truth, share, deviation

    def forward(self, given: LevelInput, noise: Tensor) -> Details:
        parts = zip(self.truth, noise.chunk(3, dim=1), strict=True)
        return Details(*(self.share * t + self.deviation * z for t, z in parts))


def watched(share: float, deviation: float) -> dict[str, dict[str, float]]:
    """Figures of a one-level pipeline with the head replaced; the normalisation left at 1."""
    pipeline = system("mscgm-joint", intensity={"mode": "fixed"})
    x = torch.stack([pair.x for pair in pairs()])
    pipeline.heads[0] = Known(pipeline.transform.forward(x).details[0], share, deviation)
    return band_figures(pipeline, pairs(), draws=8)[0]


@pytest.mark.parametrize(
    ("share", "deviation", "spread", "energy"),
    [
        (1.0, 0.5, math.inf, 1.25),  # about the truth itself: noise without reason
        (0.0, 1.0, 1.0, 1.0),  # the truth's distribution, independent of it
        (0.6, 0.0, 0.0, 0.36),  # a silent, shrunk estimate
        (0.0, 0.5, 0.5, 0.25),
    ],
)
def test_spread_and_energy_of_known_heads(share: float, deviation: float, spread: float, energy: float) -> None:
    for row in watched(share, deviation).values():
        if spread < math.inf:
            assert row["spread"] == pytest.approx(spread, abs=0.05)
            assert row["difference"] == pytest.approx(math.sqrt(2) * spread, abs=0.07)
        else:
            assert row["spread"] > 5
        assert row["energy"] == pytest.approx(energy, rel=0.05)
        assert row["kurtosis"] == pytest.approx(1, abs=0.1)
        assert row["error"] == pytest.approx(math.sqrt((1 - share) ** 2 + deviation**2), rel=0.05)


def test_constant_images_have_figures() -> None:
    flat = [Pair(torch.full((1, 24, 24), 3.0), torch.full((1, 24, 24), 5.0))] * 2
    assert all(math.isfinite(v) for v in figures(system("mscgm-joint").eval(), flat).values())


def test_null_of_a_pipeline_that_copies_or_invents(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is copied has the noise's own height; a dot that is invented is seen at its full height."""
    pipeline, data = system("unet", intensity={"mode": "fixed"}).eval(), pairs()

    def copies(x_t: Tensor, t: Tensor, condition: Tensor, dot: float = 0.0) -> tuple[Tensor, Tensor]:
        out = x_t.clone()
        out[..., 8:16, 8:16] += dot
        return out, x_t

    answer_with(pipeline, copies)
    # The 99.9 percentile of |n|, n standard normal.
    assert null_test(pipeline, data) == pytest.approx(3.29, rel=0.05)
    answer_with(pipeline, lambda *a: copies(*a, dot=40.0))
    assert null_test(pipeline, data) == pytest.approx(40, rel=0.1)
    answer_with(pipeline, lambda x_t, t, c: (0 * x_t, x_t))
    assert null_test(pipeline, data) == 0


@pytest.mark.parametrize("name", ["unet", "mscgm", "mscgm-joint", "ddpm"])
def test_the_watch_is_logged_and_disturbs_nothing(name: str, tmp_path: Path, straight: Callable[..., Any]) -> None:
    watch = Watch([Blobs()[i] for i in range(2)], every=6, draws=2)
    log = JsonLog(tmp_path / "log.jsonl")
    trained = fit(system(name), Blobs(), training(), tmp_path / "a", callbacks=[watch, log])
    assert_same(weights(trained), straight(name).weights)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    due = [line["step"] for line in lines if "watch/null" in line]
    assert due == [6, 12]
    levels = {"mscgm": 2, "mscgm-joint": 1}.get(name, 0)
    keys = {key for line in lines for key in line if key.startswith("watch/level")}
    assert len(keys) == levels * 3 * 5
    assert all(math.isfinite(line[key]) for line in lines for key in line if key.startswith("watch/"))


def test_images_of_several_sizes_are_watched_where_all_are() -> None:
    watch = Watch([Pair(*torch.rand(2, 1, 24, 40)), Pair(*torch.rand(2, 1, 32, 28))], every=1, draws=2)
    record: dict[str, Any] = {"step": 1}
    watch(record, system("mscgm-joint").eval())
    assert {pair.y.shape for pair in watch.pairs} == {(1, 24, 28)}
    assert math.isfinite(record["watch/null"])


def test_what_a_watch_needs() -> None:
    with pytest.raises(InputError, match="0 pairs"):
        Watch([], every=1)
    with pytest.raises(InputError, match="two draws"):
        band_figures(system("mscgm-joint"), pairs(), draws=1)
    with pytest.raises(InputError, match="0 heads"):
        band_figures(system("unet"), pairs())


# -- what stops a training -------------------------------------------------------------------------


def step(critic: float, total: float = 1.0) -> dict[str, Tensor]:
    return {"critic": torch.tensor(critic), "total": torch.tensor(total)}


def test_a_guard_lets_critics_be_and_stops_explosions() -> None:
    guard = Guard()
    for n in range(2 * SETTLED):
        assert guard.reason(step(2.0 + n % 3)) is None
    assert guard.reason(step(90.0)) is None  # high, but no explosion
    reason = guard.reason(step(-1e4))
    assert reason is not None
    assert "critic's loss exploded to 1e+04" in reason
    assert "total is not finite" in str(guard.reason(step(1.0, math.nan)))
    assert Guard().reason(step(1e9)) is None  # nothing to compare with yet


class Exploding:
    """Multiplies a critic's weights when a step is logged, through the run's own modules."""

    def __init__(self, critics: list[Any], step: int) -> None:
        self.critics, self.step = critics, step

    def __call__(self, record: dict[str, Any], pipeline: Pipeline) -> None:
        if record["step"] == self.step:
            for parameter in self.critics[0].parameters():
                parameter.data.mul_(1e3)


def test_an_exploding_critic_is_named_and_the_last_state_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = wavegen.training.critics
    critics: list[Any] = []
    build: Any = module.build_critics
    monkeypatch.setattr(module, "build_critics", lambda *a: critics.append(build(*a)) or critics[0])
    monkeypatch.setattr("wavegen.training.divergence.SETTLED", 5)
    critic = {"width": 8, "layers": 2, "spectral_norm": False, "on": "image", "every": 1}
    stages = [{"name": "gan", "weights": {"l1": 1.0, "adversarial": 1e-9}}]
    with pytest.raises(InputError, match=r"diverged at step 1\d: the critic's loss exploded.*is kept in"):
        fit(
            system("mscgm", critic=critic, stages=stages),
            Blobs(),
            training(steps=20, checkpoint_every=4),
            tmp_path,
            callbacks=[Exploding(critics, 10)],
        )
    assert read_tensors(tmp_path / "checkpoint.safetensors")[1]["progress"]["step"] == 8


def test_exploding_bands_are_named(tmp_path: Path) -> None:
    class Blown(Watch):
        def __call__(self, record: dict[str, Any], pipeline: Pipeline) -> None:
            pipeline.norm.detail_scale.mul_(100 if record["step"] == 6 else 1)
            super().__call__(record, pipeline)

    seen = Recording()
    watch = Blown([Blobs()[0]], every=3, draws=2)
    with pytest.raises(InputError, match=r"diverged at step 6: the energy of band level0/h is .* times the truth's"):
        fit(system("mscgm-joint"), Blobs(), training(checkpoint_every=5), tmp_path, callbacks=[watch, seen])
    assert seen.records[-1]["step"] == 6
    assert read_tensors(tmp_path / "checkpoint.safetensors")[1]["progress"]["step"] == 5


# -- critics in the loop ---------------------------------------------------------------------------


def test_crops_smaller_than_a_critic_are_refused(tmp_path: Path) -> None:
    for critic, message in (
        ({"layers": 4}, "needs 16 pixels a side and the smallest band that it judges has 12"),
        ({"layers": 2, "kind": "multiscale", "resolutions": 4}, "multiscale.* needs 32 pixels"),
        ({"layers": 3, "coarse": True}, "needs 8 pixels a side and the smallest band that it judges has 6"),
    ):
        pipeline = system("mscgm", critic={"width": 8, **critic})
        with pytest.raises(InputError, match=message):
            fit(pipeline, Blobs(), training(crop=24), tmp_path)


def test_adaptive_weight_balances_the_pull(tmp_path: Path) -> None:
    """However small the term's weight, its pull at the last layer is brought up to the others'."""
    factors = []
    for weight in (1.0, 0.01):
        seen = Recording()
        stages = [{"name": "gan", "weights": {"l1": 1.0, "adversarial": weight}}]
        pipeline = system("mscgm-joint", critic={"width": 8, "layers": 2, "adaptive": True}, stages=stages)
        fit(pipeline, Blobs(), training(steps=1), tmp_path / str(weight), callbacks=[seen])
        record = seen.records[0]
        factors.append(record["adversarial_factor"])
        pulled = record["l1"] + factors[-1] * weight * record["adversarial"]
        assert record["total"] == pytest.approx(pulled, rel=1e-4)
    assert factors[0] > 0
    assert factors[1] == pytest.approx(100 * factors[0], rel=0.01)


def test_lazy_penalties_come_at_every_kth_update(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = wavegen.training.critics
    penalised: list[bool] = []
    real: Any = module.critics_loss
    monkeypatch.setattr(module, "critics_loss", lambda *a: penalised.append(a[-1]) or real(*a))
    critic = {"width": 8, "layers": 2, "r1": 1.0, "penalty_every": 2, "every": 2, "on": "image", "loss": "hinge"}
    stages = [{"name": "gan", "weights": {"l1": 1.0, "adversarial": 0.1}}]
    fit(system("mscgm", critic=critic, stages=stages), Blobs(), training(steps=14), tmp_path)
    assert penalised == [True, False, True, False, True, False, True]


@pytest.mark.parametrize("batch", [1, 3])
def test_small_batches_train_every_stage(batch: int, tmp_path: Path) -> None:
    """True, noisy, sampled and predicted low bands in turn, the paper's losses, no NaN."""
    weighed = {"l2": 20.0, "ssim": 0.5, "adversarial": 0.1}
    stages: list[dict[str, Any]] = [{"name": "coarse", "share": 0.2, "weights": {"coarse": 1.0}}]
    stages += [
        {"name": ll, "share": 0.2, "weights": weighed, "ll": ll} for ll in ("true", "noisy", "sampled", "predicted")
    ]
    seen = Recording()
    fit(system("mscgm", stages=stages), Blobs(), training(steps=10, batch=batch), tmp_path, callbacks=[seen])
    assert [r["stage"] for r in seen.records][1::2] == ["coarse", "true", "noisy", "sampled", "predicted"]
    assert all(math.isfinite(v) for r in seen.records for v in r.values() if isinstance(v, float))


def test_constant_images_are_refused(tmp_path: Path) -> None:
    class Flat:
        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> Pair:
            return Pair(torch.full((1, 32, 32), 5.0), torch.full((1, 32, 32), 5.0))

    for name in ("mscgm", "mscgm-joint"):
        with pytest.raises(InputError, match="targets are constant in all of the first 64 crops"):
            fit(system(name), Flat(), training(steps=4), tmp_path / name)
