"""Guards what ``wavegen train`` holds out, and what it says of that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from wavegen import InputError, Pair, build
from wavegen.cli.validation import held_out
from wavegen.core.tensors import write_tensors
from wavegen.training import state
from wavegen.training.validation import Described

SPEC = {"name": "nanobeads", "size": 32, "length": 20, "split": "train"}


class Some:
    """As many items as are wanted."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Pair:
        return Pair(torch.full((1, 4, 4), float(index)), torch.zeros(1, 4, 4))


def run_of(path: Path, **described: Any) -> Path:
    """The state of a run with this record of its data."""
    note = {"progress": state.asdict(state.Progress()), "run": {"data": described}, "means": []}
    write_tensors(path, {"a": torch.zeros(1)}, state.FORMAT.stamped(note))
    return path


def test_the_default_is_an_eighth_of_the_images(tmp_path: Path) -> None:
    used, kept, said = held_out({"name": "mine"}, Some(16), 0, None, tmp_path / "none")
    assert kept is not None
    assert (len(used), len(kept)) == (14, 2)
    assert said.startswith("14 images train, 2 are held out for validation: item ")


@pytest.mark.parametrize(("count", "said"), [(1, "one image"), (3, "3 images")])
def test_few_images_train_without_validation(count: int, said: str, tmp_path: Path) -> None:
    used, kept, line = held_out({"name": "mine"}, Some(count), 0, None, tmp_path / "none")
    assert (len(used), kept) == (count, None)
    assert line == f"{said}: too few to hold any out (that takes 4); judge the result on other images"
    with pytest.raises(InputError, match="which takes 4"):
        held_out({"name": "mine"}, Some(count), 0, "1", tmp_path / "none")


def test_simulated_images_have_their_own_split(tmp_path: Path) -> None:
    source = build("dataset", SPEC)
    used, kept, said = held_out(SPEC, source, 0, None, tmp_path / "none")
    assert used is source
    assert kept is not None
    assert (len(kept), kept.split, kept.size) == (12, "validation", 32)  # type: ignore[attr-defined]
    assert said == "20 simulated images train, 12 of another split are for validation"
    _, kept, _ = held_out(SPEC, source, 0, "3", tmp_path / "none")
    assert kept is not None
    assert len(kept) == 3
    _, kept, said = held_out({**SPEC, "split": "test"}, source, 0, None, tmp_path / "none")
    assert (kept, "the split test of a simulated set" in said) == (None, True)
    with pytest.raises(InputError, match="give a whole number, or off"):
        held_out(SPEC, source, 0, "0.5", tmp_path / "none")


@pytest.mark.parametrize("option", ["none", "", "6 pairs"])
def test_other_words_are_refused(option: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give a number of images, a share below 1, or off"):
        held_out({"name": "mine"}, Some(16), 0, option, tmp_path / "none")


def test_a_resumed_run_keeps_its_split(tmp_path: Path) -> None:
    record = Described(images=["a", "b"], items=[3, 11], early_stop=True).model_dump()
    state_file = run_of(tmp_path / "checkpoint.safetensors", validation=record)
    _, kept, _ = held_out({"name": "mine"}, Some(16), 5, None, state_file)
    assert kept is not None
    assert [int(kept[i].x[0, 0, 0]) for i in range(len(kept))] == [3, 11]
    used, kept, said = held_out({"name": "mine"}, Some(16), 5, None, run_of(tmp_path / "other"))
    assert (len(used), kept, said) == (16, None, "no validation, as the run began")
    record = Described(images=["a"] * 5, items=None, early_stop=True).model_dump()
    _, kept, _ = held_out(SPEC, build("dataset", SPEC), 0, None, run_of(tmp_path / "simulated", validation=record))
    assert kept is not None
    assert len(kept) == 5


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="validation"):
        held_out({"name": "mine"}, Some(16), 0, None, run_of(tmp_path / "state", validation={"items": "x"}))
