"""Files carry the number of their format: older ones are read, newer ones refused with the remedy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from wavegen import Pipeline
from wavegen.core.errors import InputError
from wavegen.core.tensors import read_note, write_tensors
from wavegen.core.versions import Format, unchanged
from wavegen.io import open_stack
from wavegen.io.records import RECORD, split_records, with_records
from wavegen.pipeline.storage import read_config
from wavegen.reports.study import read_study
from wavegen.training import state
from wavegen.training.averages import Averages
from wavegen.transforms import read_basis

GOLDEN = Path(__file__).parents[1] / "golden"
FORMATS = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir() and path.name.isdigit())
NEWER = r"of format 99, written by a newer wavegen.*pip install --upgrade wavegen"

swap = Format("a thing", (unchanged, lambda values: {"new": values["old"]}))


def test_every_format_has_golden_files() -> None:
    assert [str(number) for number in range(state.FORMAT.number + 1)] == FORMATS


def test_migrations_are_done_in_turn_from_the_format_of_the_file() -> None:
    assert swap.number == 2
    assert swap.read({"old": 3}, "file") == {"new": 3}
    assert swap.read({"format": 1, "old": 3}, "file") == {"new": 3}
    assert swap.read(swap.stamped({"new": 3}), "file", ["new"]) == {"new": 3}


@pytest.mark.parametrize("number", ["1", 1.5, True, -1, None, [1], float("nan")])
def test_what_is_no_number_of_a_format_is_refused(number: Any) -> None:
    with pytest.raises(InputError, match="is no number of a format"):
        swap.read({"format": number}, "file")


def test_unknown_names_are_refused_with_near_matches() -> None:
    with pytest.raises(InputError, match=r"file: unknown name 'pipelin'; did you mean 'pipeline'\?"):
        swap.read({"format": 2, "pipelin": {}}, "file", ["pipeline", "wavegen"])
    with pytest.raises(InputError, match="file is not a thing"):
        swap.read([1], "file")


# -- golden files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", FORMATS)
def test_golden_configuration(number: str) -> None:
    config = read_config(GOLDEN / number)
    given = {"name": "bbdm", "network": {"width": 8}, "intensity": {"target": "input"}}  # all that there was
    assert config == Pipeline.configure(given)


@pytest.mark.parametrize("number", FORMATS)
def test_golden_checkpoint(number: str) -> None:
    file = GOLDEN / number / "checkpoint.safetensors"
    module = torch.nn.Linear(2, 1)
    adam = torch.optim.Adam(module.parameters())
    ema = Averages(module, 0.9)
    run = {"pipeline": read_config(GOLDEN / number).model_dump(mode="json"), "data": {"name": "hela"}}
    progress = state.load(file, {"pipeline": module}, {"main": adam}, ema, run)
    assert progress == state.Progress(0, 1, 1, [5], 0.5)
    torch.testing.assert_close(module.weight.detach(), load_file(file)["pipeline.weight"], rtol=0, atol=0)
    assert adam.state_dict()["state"][0]["step"] == 1
    torch.testing.assert_close(ema.values[0][0], load_file(file)["ema.0"], rtol=0, atol=0)


@pytest.mark.parametrize("number", FORMATS)
def test_golden_results(number: str) -> None:
    study = read_study([GOLDEN / number / "packed.json"])
    assert [row["system"] for row in study.rows] == ["input", "shrink (weight 2)", "unet", "hybrid"]
    assert study.rows[2]["psnr"] == 25.0


@pytest.mark.parametrize("number", FORMATS)
def test_golden_basis(number: str) -> None:
    assert read_basis(GOLDEN / number / "basis.json") == read_basis("hela")


@pytest.mark.parametrize("number", FORMATS)
def test_golden_record(number: str) -> None:
    (record,) = open_stack(GOLDEN / number / "restored.ome.tif").other["records"]
    assert record == {"software": "wavegen", "pipeline": "bbdm", "seed": 0}


# -- newer files -----------------------------------------------------------------------------------


def newer(name: str, folder: Path) -> Path:
    """A copy of a golden file of the present format that says it is of format 99."""
    source, file = GOLDEN / FORMATS[-1] / name, folder / name
    if name.endswith(".json"):
        file.write_text(json.dumps(json.loads(source.read_text()) | {"format": 99}))
    else:
        write_tensors(file, load_file(source), read_note(source) | {"format": 99})
    return file


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("config.json", lambda file: read_config(file.parent)),
        ("checkpoint.safetensors", state.recorded),
        ("packed.json", lambda file: read_study([file])),
        ("basis.json", read_basis),
    ],
)
def test_newer_files_are_refused_with_the_remedy(name: str, read: Callable[[Path], Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=NEWER):
        read(newer(name, tmp_path))


def test_a_newer_record_stays_in_the_text() -> None:
    text = with_records("cells", [{"format": 99, "a": 1}, RECORD.stamped({"b": 2})])
    kept, records = split_records(text)
    assert records == [{"format": RECORD.number, "b": 2}]
    assert kept == 'cells\nwavegen: {"format": 99, "a": 1}'
    assert split_records("wavegen: " + "[" * 100_000)[1] == []
