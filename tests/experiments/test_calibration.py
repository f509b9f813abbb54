"""Guards calibrated studies: minutes become steps once, equal for whoever trains them, and the study says which."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from grids import BRIDGE, grid, in_this_process

from wavegen.core.errors import InputError
from wavegen.experiments import Comparison, ablate, prepare, read_grid
from wavegen.experiments.engine import calibration, runs
from wavegen.experiments.engine.calibration import FILE, ROUNDS, TOGETHER, calibrate, with_steps
from wavegen.experiments.engine.grids import overview, prepare_grid
from wavegen.experiments.engine.keys import claim, identity
from wavegen.experiments.spec.folders import digest, run_folder

MINUTES = 0.002


def plan(scales: tuple[float, ...] = (0.1, 0.2), **training: Any) -> Comparison:
    """A bridge for each scale, a few steps of budget."""
    options = {"minutes": MINUTES, "batch": 2, "crop": 32, "warmup": 1, **training}
    return read_grid(grid(vary={"bridge.s": list(scales)}, training=options, rows=[{"steps": 1}]))


def names(*scales: float) -> list[str]:
    return [f"bridge.s={s}" for s in scales]


class Fake:
    """In place of a timer: a system with s costs 0.1 s seconds in odd turns, times the load of the machine."""

    load = 1.0
    turns: list[float]

    def __init__(self, pipeline: Any, *rest: Any) -> None:
        self.s = float(pipeline.config.bridge["s"])
        if self.s > 0.9:
            raise InputError("too large")

    def turn(self, number: int) -> list[float]:
        self.turns.append(self.s)
        return [0.1 * self.s * self.load * (10 if number == 2 else 1)]  # once something came between


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[Fake]:
    Fake.load, Fake.turns = 1.0, []
    monkeypatch.setattr(calibration, "StepTimer", Fake)
    monkeypatch.setattr(calibration, "training_data", lambda plan, out: object())
    return Fake


def test_a_study_is_calibrated_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "connected", in_this_process)
    assert [line[3] for line in overview(prepare_grid(plan(), tmp_path))] == ["by calibration"] * 2
    done = ablate(plan(), tmp_path)
    assert not done.failed
    found = json.loads((tmp_path / FILE).read_text())["systems"]
    assert [*found] == names(0.1, 0.2)
    for row in done.rows:
        steps = round(60 * MINUTES / found[row["system"]]["seconds"])
        run = json.loads((run_folder(tmp_path, row["system"], 0) / "run.json").read_text())
        assert (run["training"]["steps"], run["training"]["minutes"]) == (steps, None)
        assert (row["training_steps"], row["minutes"]) == (steps, MINUTES)
        assert row["minutes_taken"] > 0
    assert json.loads((tmp_path / "results.json").read_text())["about"]["calibration"] == found
    monkeypatch.setattr(runs, "calibrate", lambda *given: pytest.fail("calibrated again"))
    before = (tmp_path / FILE).read_bytes()
    grown = plan().model_copy(update={"seeds": {names(0.1)[0]: [0, 1]}})
    assert len(ablate(grown, tmp_path).rows) == 3
    assert (tmp_path / FILE).read_bytes() == before


def test_all_take_turns_and_medians_count(fake: type[Fake], tmp_path: Path) -> None:
    assert calibrate(plan(), tmp_path, names(0.1, 0.2)) == {}
    assert fake.turns == [0.1, 0.2] * (ROUNDS + 1)
    made = with_steps(plan(minutes=1.0), tmp_path)
    assert made.steps == dict(zip(names(0.1, 0.2), (6000, 3000), strict=True))
    assert made.training_of(names(0.2)[0], 3).model_dump(include={"steps", "minutes", "seed"}) == {
        "steps": 3000, "minutes": None, "seed": 3
    }  # fmt: skip


def test_what_comes_later_is_timed_beside_a_known_system(fake: type[Fake], tmp_path: Path) -> None:
    """On a machine that is three times as slow by then."""
    calibrate(plan(), tmp_path, names(0.1))
    fake.load, fake.turns = 3.0, []
    calibrate(plan((0.1, 0.2, 0.3)), tmp_path, names(0.1, 0.2, 0.3))
    assert set(fake.turns) == {0.1, 0.2, 0.3}
    steps = with_steps(plan((0.1, 0.2, 0.3), minutes=1.0), tmp_path).steps
    assert [*steps.values()] == [6000, 3000, 2000]
    found = json.loads((tmp_path / FILE).read_text())["systems"]
    assert [timed["beside"] for timed in found.values()] == [None, *names(0.1, 0.1)]


def test_many_systems_are_timed_in_groups(fake: type[Fake], tmp_path: Path) -> None:
    scales = tuple((n + 1) / 100 for n in range(TOGETHER + 2))
    many = plan(scales, minutes=1.0)
    calibrate(many, tmp_path, names(*scales))
    assert fake.turns[-1] == scales[-1]
    assert fake.turns[-3:] == [scales[0], *scales[-2:]]
    assert [*with_steps(many, tmp_path).steps.values()] == [round(600 / s) for s in scales]


def test_a_system_that_cannot_be_timed_fails_alone(
    fake: type[Fake], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "connected", in_this_process)
    done = ablate(plan((0.1, 1.0), minutes=0.0005), tmp_path)
    assert {str(task): str(error) for task, error in done.failed.items()} == {"bridge.s=1.0, seed 0": "too large"}
    assert [row["training_steps"] for row in done.rows] == [3]


def test_a_key_holds_the_steps(fake: type[Fake], tmp_path: Path) -> None:
    """And a run of other steps, or other minutes, is another run."""
    calibrate(plan(), tmp_path, names(0.1, 0.2))
    one, other = with_steps(plan(minutes=1.0), tmp_path), with_steps(plan(minutes=2.0), tmp_path)
    run = one.runs()[0]
    assert digest(identity(one, *run, {})) != digest(identity(other, *run, {}))
    claim(tmp_path, *run, identity(one, *run, {}))
    prepare(plan(minutes=1.0), tmp_path)
    with pytest.raises(InputError, match="belongs to a run with another training"):
        prepare(plan(minutes=2.0), tmp_path)


def test_a_folder_of_version_0_1_keeps_its_own_plans(tmp_path: Path) -> None:
    """Its runs were begun with minutes."""
    old = plan()
    claim(tmp_path, *old.runs()[0], identity(old, *old.runs()[0], {}))
    ready = prepare(old, tmp_path)
    assert not ready.untimed
    assert {run["training"]["minutes"] for run in ready.identities.values()} == {MINUTES}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[]", "is damaged"),
        ('{"systems": {"bridge.s=0.1": {"seconds": -1}}}', "seconds"),
        ('{"systemz": {}}', "systemz"),
    ],
)
def test_damage_is_named_with_the_way_out(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(InputError, match=said) as error:
        prepare(plan(), tmp_path)
    assert FILE in str(error.value)
    assert "about/calibration in results.json" in str(error.value)


def test_calibrations_of_other_systems_are_refused(fake: type[Fake], tmp_path: Path) -> None:
    calibrate(plan(), tmp_path, names(0.1, 0.2))
    with pytest.raises(InputError, match=r"a calibration of other systems \(bridge\.s=0\.1, bridge\.s=0\.2\)"):
        prepare(plan((0.5,)), tmp_path)
    with pytest.raises(InputError, match=r"a calibration of another bridge\.s=0\.1; repeat its options"):
        prepare(plan(batch=4), tmp_path)
    prepare(plan(log_every=7), tmp_path)


def test_too_few_minutes(fake: type[Fake], tmp_path: Path) -> None:
    halves = [{"name": name, "share": share, "weights": {"coarse": 1.0}} for name, share in (("a", 0.9), ("b", 0.1))]
    base = {**BRIDGE, "stages": halves, "bridge": {"s": 0.2}}
    training = {"minutes": 0.002, "batch": 2, "crop": 32}
    staged = read_grid(grid(base=base, vary={}, training=training, rows=[{"steps": 1}]))
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr(Fake, "turn", lambda self, number: [0.02, 0.02])
        calibrate(staged, tmp_path, list(staged.systems))
    with pytest.raises(InputError, match=r"minutes = 0.002 are 6.0 steps of bbdm, .* need 10.0; give at least 0.0033"):
        prepare(staged, tmp_path)
