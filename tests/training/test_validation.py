"""Guards what a training does with images that it does not see: the best average is the model, also after a fall."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from runs import Blobs, Interrupting, Recording, assert_same, system, training, weights

from wavegen import InputError, Pair, Pipeline
from wavegen.core.optional import MissingPackageError
from wavegen.training import Validation, fit
from wavegen.training import validation as module
from wavegen.training.history import History, Look, read_history, write_history


class Held(Blobs):
    """Images that are not in Blobs."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Pair:
        return super().__getitem__(100 + index)


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures take as long as the trainings here."""
    monkeypatch.setattr(Validation, "_draw", lambda self, pipeline: [])


def scored(pipeline: Pipeline, held: Any = None) -> list[float]:
    """The scores that a validation would give."""
    validation = Validation(held or Held(), Path("unused"))
    validation.begin(pipeline, training(), 0, 1)
    return validation._scores(validation._restored(pipeline))


class Falling(Recording):
    """From a step on, spoils the weights and their average before each look."""

    def __init__(self, run: Validation, step: int) -> None:
        super().__init__()
        self.step, self.look = step, run.look
        run.look = self.spoilt  # type: ignore[method-assign]

    def spoilt(self, name: str, record: dict[str, Any], pipeline: Pipeline, final: bool) -> None:
        if record["step"] > self.step:
            with torch.no_grad():
                for parameter in pipeline.parameters():
                    parameter.mul_(1.3)
        self.look(name, record, pipeline, final)


def test_the_best_average_is_the_model_and_the_last_lies_beside_it(tmp_path: Path) -> None:
    validation, seen = Validation(Held(), tmp_path), Recording()
    Falling(validation, 20)
    trained = fit(system("unet"), Blobs(), training(steps=30), tmp_path, callbacks=[seen], validation=validation)
    history = read_history(tmp_path / "validation.json")
    assert history.best is not None
    assert history.best.step < history.looks[-1].step == 30
    assert history.best.score == max(look.score for look in history.looks)
    assert history.best.score > history.looks[-1].score
    assert_same(weights(Pipeline.from_pretrained(tmp_path / "model")), weights(trained))
    trained.precision = "float32"
    assert scored(trained) == pytest.approx(history.best.psnr, abs=1e-4)
    last = Pipeline.from_pretrained(tmp_path / "model-last")
    assert any(not torch.equal(value, weights(trained)[name]) for name, value in weights(last).items())
    logged = {record["step"]: record["validation/psnr"] for record in seen.records if "validation/psnr" in record}
    assert logged == {look.step: look.score for look in history.looks}
    assert (tmp_path / "verdict.txt").read_text().splitlines() == history.verdict
    assert "over-fitted" in "".join(history.verdict)
    assert history.verdict[0] in (tmp_path / "model" / "README.md").read_text()


def test_a_validation_does_not_change_what_is_trained(tmp_path: Path) -> None:
    plain = fit(system("unet"), Blobs(), training(), tmp_path / "plain")
    watched = tmp_path / "watched"
    fit(system("unet"), Blobs(), training(), watched, validation=Validation(Held(), watched))
    assert_same(weights(Pipeline.from_pretrained(watched / "model-last")), weights(plain))


@pytest.mark.parametrize("stop", [1, 7])
def test_a_resumed_run_is_bit_exact_with_its_best_so_far(stop: int, tmp_path: Path) -> None:
    def run(out: Path, *callbacks: Any) -> dict[str, Any]:
        validation = Validation(Held(), out)
        Falling(validation, 6)
        options = training(steps=20)
        fit(system("unet"), Blobs(), options, out, resume=True, callbacks=callbacks, validation=validation)
        return {**weights(Pipeline.from_pretrained(out / "model"))}

    whole = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "halves", Interrupting(stop))
    assert_same(run(tmp_path / "halves"), whole)
    one, two = (read_history(tmp_path / name / "validation.json") for name in ("whole", "halves"))
    for a, b in zip(one.looks, two.looks, strict=True):
        assert a.model_copy(update={"core_minutes": 0}) == b.model_copy(update={"core_minutes": 0})
    assert one.best is not None
    assert two.best is not None
    assert (one.best.step, one.verdict) == (two.best.step, two.verdict)


class CrashError(Exception):
    pass


def test_a_killed_run_keeps_the_best_so_far(tmp_path: Path) -> None:
    def crash(record: dict[str, Any], pipeline: Pipeline) -> None:
        if record["step"] == 15:
            raise CrashError

    options = training(steps=20, checkpoint_every=10)
    with pytest.raises(CrashError):
        fit(system("unet"), Blobs(), options, tmp_path, callbacks=[crash], validation=Validation(Held(), tmp_path))
    kept = read_history(tmp_path / "validation.json")
    assert kept.best is not None
    assert kept.best.step > 10  # after the last state
    loaded = Pipeline.from_pretrained(tmp_path / "model")
    loaded.precision = "float32"
    assert scored(loaded) == pytest.approx(kept.best.psnr, abs=1e-4)
    resumed = Validation(Held(), tmp_path)
    fit(system("unet"), Blobs(), options, tmp_path, resume=True, validation=resumed)
    steps = [look.step for look in resumed.history.looks]
    assert steps == sorted(set(steps))


def test_divergence_names_where_the_best_model_is(tmp_path: Path) -> None:
    def diverging(record: dict[str, Any], pipeline: Pipeline) -> None:
        if record["step"] == 8:
            record["diverged"] = "for a test"

    validation = Validation(Held(), tmp_path)
    with pytest.raises(InputError, match=r"diverged at step 8: for a test; .*the best model so far in .*model; lower"):
        fit(system("unet"), Blobs(), training(), tmp_path, callbacks=[diverging], validation=validation)
    Pipeline.from_pretrained(tmp_path / "model")


def test_weights_that_give_no_numbers_are_a_divergence(tmp_path: Path) -> None:
    validation = Validation(Held(), tmp_path)
    look = validation.look

    def broken(name: str, record: dict[str, Any], pipeline: Pipeline, final: bool) -> None:
        pipeline.norm.low_scale.fill_(float("inf"))
        look(name, record, pipeline, final)

    validation.look = broken  # type: ignore[method-assign]
    with pytest.raises(InputError, match="a validation image is restored with values that are not finite"):
        fit(system("unet"), Blobs(), training(), tmp_path, validation=validation)


# -- stages ----------------------------------------------------------------------------------------


def test_only_looks_of_the_last_stage_are_eligible(tmp_path: Path) -> None:
    halves = [{"name": name, "share": 0.5, "weights": {"coarse": 1.0}} for name in ("a", "b")]
    validation = Validation(Held(), tmp_path)
    fit(system("unet", stages=halves), Blobs(), training(), tmp_path, validation=validation)
    assert {(look.stage, look.eligible) for look in validation.history.looks} == {("a", False), ("b", True)}
    assert validation.history.best is not None
    assert validation.history.best.stage == "b"


def test_an_error_does_not_judge_draws(tmp_path: Path) -> None:
    """Critics raise the error of an image: then the model is the last average."""
    validation = Validation(Held(), tmp_path)
    Falling(validation, 10)
    trained = fit(system("mscgm-joint"), Blobs(), training(), tmp_path, validation=validation)
    assert validation.history.best is not None
    assert validation.history.best.step == 12
    assert "does not judge" in "".join(validation.history.verdict)
    assert_same(weights(Pipeline.from_pretrained(tmp_path / "model")), weights(trained))


# -- when to look, when to stop --------------------------------------------------------------------


def places(planned: int, batch: int = 8, crop: int = 128) -> list[int]:
    """Steps at which a run would look."""
    validation = Validation(Held(), Path("unused"))
    validation.begin(system("unet"), training(batch=batch, crop=crop), 0, 2)
    return [step for step in range(1, planned + 1) if validation.due(step, planned, step == planned)]


def test_looks_come_at_growing_intervals_and_cost_little() -> None:
    steps = places(2000)
    assert len(steps) == module.MOST
    assert steps[-1] == 2000
    gaps = [b - a for a, b in itertools.pairwise(steps)]
    assert all(b >= a - 1 for a, b in itertools.pairwise(gaps))
    assert steps[0] < 10 < 80 < gaps[-1]
    few = places(100, batch=1, crop=16)  # images that are large beside the crops
    assert len(few) == module.FEWEST


def test_no_look_before_the_plan_is_known() -> None:
    validation = Validation(Held(), Path("unused"))
    validation.begin(system("unet"), training(), 0, 1)
    assert not validation.due(5, 0, False)
    assert validation.due(5, 40, False)


def stopped(scores: list[float], early_stop: bool = True, decides: bool = True) -> str | None:
    """The reason to stop a run of 100 steps whose looks, every fifth step, scored so."""
    validation = Validation(Held(), Path("unused"), early_stop=early_stop)
    looks = [
        Look(step=5 * (i + 1), place=i, stage="fit", core_minutes=0, average="a", psnr=[s] * 3, eligible=True)
        for i, s in enumerate(scores)
    ]
    validation.history = History(images=validation.names, side=None, scale="target", looks=looks, decides=decides)
    return validation.stop(100)


def test_early_stopping_waits_for_a_long_and_clear_fall() -> None:
    rising, fallen = [20.0, 22.0, 25.0], [24.0] * 5
    assert "falling since step 15" in (stopped([*rising, *fallen]) or "")
    assert stopped([*rising, *fallen], early_stop=False) is None
    assert stopped([*rising, *fallen], decides=False) is None
    assert stopped([*rising, *fallen[:4]]) is None  # not long enough
    assert stopped([*rising, *[24.9] * 12]) is None  # level, not falling
    assert stopped([*rising, *fallen[:4], 24.95]) is None  # coming back
    assert stopped([]) is None


def test_a_run_that_overfits_ends_early_and_resumes_as_ended(tmp_path: Path) -> None:
    validation, falling = Validation(Held(), tmp_path), itertools.count(30, -1)
    validation._scores = lambda restored: [float(next(falling))] * 3  # type: ignore[method-assign]
    options = training(steps=100, crop=32, batch=4)
    fit(system("unet"), Blobs(), options, tmp_path, validation=validation)
    steps = [look.step for look in validation.history.looks]
    assert steps[0] < 10
    assert 25 < steps[-1] < 60
    assert validation.history.best is not None
    assert validation.history.best.step == steps[0]
    assert f"stopped at step {steps[-1]} of 100" in "".join(validation.history.verdict)
    again = Validation(Held(), tmp_path)
    fit(system("unet"), Blobs(), options, tmp_path, resume=True, validation=again)
    assert [look.step for look in again.history.looks] == steps


# -- baselines and figures -------------------------------------------------------------------------


def test_baselines_are_computed_once_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wavegen.training import baselines

    monkeypatch.undo()  # with figures
    monkeypatch.setattr(baselines, "METHODS", ("input", "gaussian", "bm3d"))
    validation = Validation(Held(), tmp_path, tuning=Blobs())
    fit(system("unet"), Blobs(), training(), tmp_path, validation=validation)
    by_name = {row.method: row for row in validation.history.baselines}
    assert by_name.keys() >= {"input", "gaussian"}
    assert by_name["gaussian"].score >= by_name["input"].score - 0.1
    assert {"learning-curve.png", "validation.png"} <= {path.name for path in tmp_path.iterdir()}
    monkeypatch.setattr(module, "baselines", lambda *_: pytest.fail("computed twice"))
    again = Validation(Held(), tmp_path, tuning=Blobs())
    fit(system("unet"), Blobs(), training(), tmp_path, resume=True, validation=again)
    assert again.history.baselines == validation.history.baselines


def test_without_matplotlib_a_line_says_that_there_are_no_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: Any) -> Path:
        raise MissingPackageError("this needs the package matplotlib")

    monkeypatch.undo()
    monkeypatch.setattr(module, "draw_curve", missing)
    validation = Validation(Held(), tmp_path)
    fit(system("unet"), Blobs(), training(steps=4), tmp_path, validation=validation)
    assert validation.history.verdict[-1] == "no figures: this needs the package matplotlib"


# -- what is refused -------------------------------------------------------------------------------


class Flat(Held):
    def __getitem__(self, index: int) -> Pair:
        return Pair(*(torch.full((1, 16, 16), 3.0) for _ in range(2)))


class Nothing(Held):
    def __len__(self) -> int:
        return 0


def test_a_validation_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="a validation split of nothing"):
        Validation(Nothing(), Path("unused"))
    with pytest.raises(InputError, match="all 3 targets of the validation images are constant"):
        Validation(Flat(), Path("unused"))


def test_another_split_is_refused_at_a_resume(tmp_path: Path) -> None:
    options = training(steps=4)
    fit(system("unet"), Blobs(), options, tmp_path, validation=Validation(Held(), tmp_path))
    for other in (None, Validation(Blobs(), tmp_path)):
        with pytest.raises(InputError, match="validation"):
            fit(system("unet"), Blobs(), options, tmp_path, resume=True, validation=other)


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 9}', '{"format": 0, "images": ["a"], "looks": 3}'])
def test_a_damaged_record_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "validation.json").write_text(text)
    with pytest.raises(InputError, match=r"validation\.json"):
        read_history(tmp_path / "validation.json")


def test_a_record_keeps_its_numbers(tmp_path: Path) -> None:
    look = Look(step=3, place=1, stage="fit", core_minutes=0.5, average="a", psnr=[30.25, 31.5], eligible=True)
    history = History(images=["a", "b"], side=256, scale="affine", looks=[look], best=look)
    write_history(tmp_path / "validation.json", history)
    assert read_history(tmp_path / "validation.json") == history
    values = json.loads((tmp_path / "validation.json").read_text())
    values["images"] = ["a"]
    (tmp_path / "validation.json").write_text(json.dumps(values))
    with pytest.raises(InputError, match="another number of images"):
        read_history(tmp_path / "validation.json")
