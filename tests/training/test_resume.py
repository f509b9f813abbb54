"""Guards resuming: interrupted and resumed, a training ends with the bits of one that was never interrupted."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from runs import Blobs, Interrupting, Recording, assert_same, interrupted, system, training, weights

from wavegen import Pair, Pipeline
from wavegen.core.errors import InputError
from wavegen.core.tensors import read_tensors, write_tensors
from wavegen.training import JsonLog, Preview, Watch, fit
from wavegen.training.averages import Averages
from wavegen.training.interrupt import Deferred

Trained = Callable[..., Any]  # the fixture straight


# mscgm: 5 steps of the coarse stage, 7 of the heads; mscgm-joint: 9 and 3, the last with its critic.
@pytest.mark.parametrize(
    ("name", "stops", "options"),
    [
        ("mscgm-joint", [4], {}),
        ("mscgm-joint", [9], {}),
        ("mscgm-joint", [3, 10, 11], {}),
        ("mscgm-joint", [5, 10], {"precision": "bf16"}),
        ("mscgm", [2, 5, 8], {}),
        ("unet", [1, 11], {"log_every": 1, "checkpoint_every": 3}),
    ],
    ids=str,
)
def test_same_bits_as_without_interruption(
    name: str, stops: list[int], options: dict[str, Any], tmp_path: Path, straight: Trained
) -> None:
    whole = straight(name, **{k: v for k, v in options.items() if k == "precision"})
    resumed = interrupted(name, tmp_path / "resumed", stops, **options)
    assert_same(weights(resumed), whole.weights)
    # The whole state is the same, critics and optimisers included.
    state, note = read_tensors(tmp_path / "resumed" / "checkpoint.safetensors")
    assert_same(state, whole.state)
    assert [n["progress"]["step"] for n in (note, whole.note)] == [12, 12]


DISTILLED = {
    "sampler": {"steps": 2},
    "stages": [
        {"name": "fit", "share": 0.5, "weights": {"coarse": 1.0}},
        {"name": "distill", "share": 0.5, "weights": {"distill": 1.0}, "teacher_steps": 2},
    ],
}


@pytest.mark.parametrize("stops", [[4], [6], [7, 10]], ids=str)
def test_a_teacher_survives_interruptions(stops: list[int], tmp_path: Path, straight: Trained) -> None:
    """Stopped before, at and after the step at which the teacher is appointed."""
    whole = straight("ddpm", DISTILLED)
    resumed = interrupted("ddpm", tmp_path / "resumed", stops, differences=DISTILLED)
    assert_same(weights(resumed), whole.weights)
    assert_same(read_tensors(tmp_path / "resumed" / "checkpoint.safetensors")[0], whole.state)


def test_the_averaged_weights_teach(tmp_path: Path) -> None:
    """What the callback sees at the end of the first stage is what the checkpoint keeps as the teacher."""
    seen: dict[int, dict[str, torch.Tensor]] = {}

    def look(record: dict[str, Any], pipeline: Pipeline) -> None:
        seen[record["step"]] = {k: v.clone() for k, v in pipeline.coarse.state_dict().items()}

    fit(system("ddpm", **DISTILLED), Blobs(), training(), tmp_path, callbacks=[look])
    kept = read_tensors(tmp_path / "checkpoint.safetensors")[0]
    assert_same({k.removeprefix("teacher.0."): v for k, v in kept.items() if k.startswith("teacher.")}, seen[6])
    assert any(not torch.equal(v, seen[12][k]) for k, v in seen[6].items())


def test_interrupted_at_the_very_end(tmp_path: Path, straight: Trained) -> None:
    assert_same(weights(interrupted("unet", tmp_path / "resumed", [12])), straight("unet").weights)


def test_killed_between_checkpoints(tmp_path: Path, straight: Trained) -> None:
    """A run that could not save at its end continues from its last checkpoint."""

    class CrashError(Exception):
        pass

    def crash(record: dict[str, Any], pipeline: Pipeline) -> None:
        if record["step"] == 11:
            raise CrashError

    with pytest.raises(CrashError):
        fit(system("mscgm-joint"), Blobs(), training(checkpoint_every=4), tmp_path / "crashed", callbacks=[crash])
    assert read_tensors(tmp_path / "crashed" / "checkpoint.safetensors")[1]["progress"]["step"] == 8
    resumed = fit(system("mscgm-joint", 7), Blobs(), training(checkpoint_every=4), tmp_path / "crashed", resume=True)
    assert_same(weights(resumed), straight("mscgm-joint").weights)


def test_an_impatient_interruption_keeps_a_whole_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, straight: Trained
) -> None:
    """A second Ctrl-C does not wait for the end of the step; the half-made step is not saved."""
    update = Averages.update

    def signals(self: Averages, module: torch.nn.Module, step: int, own: Any = None) -> None:
        if step == 6:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        update(self, module, step, own)

    with monkeypatch.context() as patched:
        patched.setattr(Averages, "update", signals)
        with pytest.raises(KeyboardInterrupt):
            fit(system("unet"), Blobs(), training(checkpoint_every=4), tmp_path / "twice")
    resumed = fit(system("unet", 5), Blobs(), training(checkpoint_every=4), tmp_path / "twice", resume=True)
    assert_same(weights(resumed), straight("unet").weights)


def test_termination_is_an_exit_of_143(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        fit(system("unet"), Blobs(), training(), tmp_path, callbacks=[Interrupting(3, signal.SIGTERM)])
    assert caught.value.code == 143
    assert read_tensors(tmp_path / "checkpoint.safetensors")[1]["progress"]["step"] == 3


def test_deferred_signals() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Deferred() as deferred:
        deferred.check()
        os.kill(os.getpid(), signal.SIGINT)  # nothing happens yet
        with pytest.raises(KeyboardInterrupt):
            deferred.check()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)  # the second one does not wait
    assert signal.getsignal(signal.SIGINT) is before


def test_a_launcher_may_pass_a_signal_on() -> None:
    with Deferred(patience=True) as deferred:
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            deferred.check()


def test_a_closed_terminal_is_an_exit_of_129(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        fit(system("unet"), Blobs(), training(), tmp_path, callbacks=[Interrupting(3, signal.SIGHUP)])
    assert caught.value.code == 129
    assert read_tensors(tmp_path / "checkpoint.safetensors")[1]["progress"]["step"] == 3


def test_what_is_ignored_stays_so(tmp_path: Path) -> None:
    """As nohup starts a program."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        fit(system("unet"), Blobs(), training(steps=2), tmp_path, callbacks=[Interrupting(1, signal.SIGHUP)])
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_finished_run_is_given_back(tmp_path: Path) -> None:
    done, seen = fit(system("unet"), Blobs(), training(), tmp_path), Recording()
    again = fit(system("unet", 3), Blobs(), training(), tmp_path, resume=True, callbacks=[seen])
    assert_same(weights(again), weights(done))
    assert not seen.records


def test_an_existing_run_is_not_overwritten(tmp_path: Path) -> None:
    fit(system("unet"), Blobs(), training(steps=2), tmp_path)
    kept = (tmp_path / "checkpoint.safetensors").read_bytes()
    with pytest.raises(InputError, match="holds a training already; give --resume to continue it, or another --out"):
        fit(system("unet"), Blobs(), training(steps=2), tmp_path)
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == kept


def test_one_training_at_a_time(tmp_path: Path) -> None:
    refused: list[str] = []

    def second(record: dict[str, Any], pipeline: Pipeline) -> None:
        with pytest.raises(InputError) as error:
            fit(system("unet"), Blobs(), training(steps=2), tmp_path, resume=True)
        refused.append(str(error.value))

    fit(system("unet"), Blobs(), training(steps=2, log_every=2), tmp_path, callbacks=[second])
    assert f"the training in {tmp_path} is being written by process {os.getpid()} on " in refused[0]
    assert not list(tmp_path.glob(".*"))


def test_resume_needs_the_same_configuration(tmp_path: Path) -> None:
    described = {"name": "blobs", "photons": (10, 20)}
    fit(system("unet"), Blobs(), training(steps=2), tmp_path, described=described)
    fit(system("unet"), Blobs(), training(steps=2), tmp_path, resume=True, described=described)
    others: list[tuple[Pipeline, dict[str, Any], dict[str, Any], str]] = [
        (system("ddpm"), {}, described, "pipeline .*name unet, now ddpm"),
        (
            system("unet"),
            {"learning_rate": 1e-4},
            described,
            "training .optimizer .name muon, now adamw; rate 0.02, now 0.0001",
        ),
        (system("unet"), {"seed": 1}, described, "training .seed 0, now 1.;"),
        (system("unet"), {}, {"name": "other"}, "data .name blobs, now other; photons"),
    ]
    for pipeline, options, data, said in others:
        with pytest.raises(InputError, match=f"belongs to a run with another .*{said}"):
            fit(pipeline, Blobs(), training(steps=2, **options), tmp_path, resume=True, described=data)


def test_what_does_not_change_the_weights_may_change(tmp_path: Path, straight: Trained) -> None:
    with pytest.raises(KeyboardInterrupt):
        fit(system("unet"), Blobs(), training(), tmp_path / "other", callbacks=[Interrupting(5)])
    options = training(log_every=5, checkpoint_every=7, preview_every=3)
    resumed = fit(system("unet", 1), Blobs(), options, tmp_path / "other", resume=True)
    assert_same(weights(resumed), straight("unet").weights)


class Changed(Blobs):
    """As many images, described in the same way, of which one is another."""

    def __getitem__(self, index: int) -> Pair:
        pair = super().__getitem__(index)
        return Pair(pair.x.flip(-1), pair.y.flip(-1)) if index == 2 else pair


class Fewer(Blobs):
    def __len__(self) -> int:
        return 5


@pytest.mark.parametrize("other", [Changed, Fewer])
def test_resume_needs_the_same_data(other: type[Blobs], tmp_path: Path) -> None:
    fit(system("unet"), Blobs(), training(steps=2), tmp_path)
    with pytest.raises(InputError, match=r"data are not those that the run of .*checkpoint\.safetensors began with"):
        fit(system("unet"), other(), training(steps=2), tmp_path, resume=True)


def test_states_that_do_not_say_what_they_began_with(tmp_path: Path) -> None:
    """Those of version 0.1.0."""
    fit(system("unet"), Blobs(), training(steps=2), tmp_path)
    file = tmp_path / "checkpoint.safetensors"
    tensors, note = read_tensors(file)
    write_tensors(file, tensors, {key: value for key, value in note.items() if key != "means"})
    fit(system("unet"), Fewer(), training(steps=2), tmp_path, resume=True)


# -- what watches a run that was killed ------------------------------------------------------------


def lines(folder: Path) -> list[dict[str, Any]]:
    """The log, but for the time that it took."""
    records = map(json.loads, (folder / "log.jsonl").read_text().splitlines())
    return [{k: v for k, v in record.items() if k != "core_minutes"} for record in records]


def watched(out: Path, *more: Any) -> None:
    shown = [Blobs()[0]]
    callbacks = [Watch(shown, 4), JsonLog(out / "log.jsonl"), Preview(out / "previews", shown, 4), *more]
    options = training(steps=10, checkpoint_every=3)
    fit(system("unet"), Blobs(), options, out, resume=True, callbacks=callbacks)


def test_a_killed_run_logs_nothing_twice(tmp_path: Path) -> None:
    """Killed after step 8 with a state of step 6, in the middle of a line: the log and the previews of a whole run."""

    class KilledError(Exception):
        pass

    def kill(record: dict[str, Any], pipeline: Pipeline) -> None:
        if record["step"] == 8:
            with (tmp_path / "killed" / "log.jsonl").open("a") as file:
                file.write('{"step": 9, "sta')
            raise KilledError

    watched(tmp_path / "whole")
    with pytest.raises(KilledError):
        watched(tmp_path / "killed", kill)
    watched(tmp_path / "killed")
    assert lines(tmp_path / "killed") == lines(tmp_path / "whole")
    whole, killed = (sorted((tmp_path / k / "previews").iterdir()) for k in ("whole", "killed"))
    assert [k.name for k in killed] == [k.name for k in whole] == ["step-000004.png", "step-000008.png"]
    assert [k.read_bytes() for k in killed] == [k.read_bytes() for k in whole]


def test_a_run_killed_before_its_first_state_logs_anew(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"step": 1}\n{"step": 2}\n')
    watched(tmp_path)
    assert [record["step"] for record in lines(tmp_path)] == list(range(1, 11))


def test_a_broken_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.safetensors").write_bytes(b"nonsense")
    with pytest.raises(InputError, match=r"checkpoint\.safetensors"):
        fit(system("unet"), Blobs(), training(), tmp_path, resume=True)
