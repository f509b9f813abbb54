"""Saving and loading: the same bits come back, and a broken folder is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from systems import PIPELINES, picture, tiny

from wavegen import Pipeline
from wavegen.core.errors import InputError
from wavegen.core.files import write_text
from wavegen.core.tensors import check_state, read_tensors, write_tensors
from wavegen.pipeline.storage import shipped


def restored(pipeline: Pipeline) -> Any:
    pipeline.precision = "float32"
    return pipeline.restore(picture(17, 12), steps=1, samples=2, seed=3).samples


@pytest.mark.parametrize("name", PIPELINES)
def test_save_and_load_give_the_same_bits(name: str, tmp_path: Path) -> None:
    pipeline = tiny(name)
    pipeline.save_pretrained(tmp_path / "new" / "folder")
    assert {p.name for p in (tmp_path / "new" / "folder").iterdir()} == {
        "config.json",
        "model.safetensors",
        "README.md",
    }
    loaded = Pipeline.from_pretrained(tmp_path / "new" / "folder")
    assert not loaded.training
    assert loaded.config == pipeline.config
    np.testing.assert_allclose(restored(loaded), restored(pipeline), rtol=0, atol=0)


@pytest.mark.parametrize("name", PIPELINES)
def test_half_is_half_the_file_and_nearly_the_same(name: str, tmp_path: Path) -> None:
    pipeline = tiny(name)
    pipeline.save_pretrained(tmp_path / "full")
    pipeline.save_pretrained(tmp_path / "half", half=True)
    sizes = [(tmp_path / kind / "model.safetensors").stat().st_size for kind in ("half", "full")]
    assert sizes[0] < 0.65 * sizes[1]
    loaded = Pipeline.from_pretrained(tmp_path / "half")
    assert all(p.dtype == torch.float32 for p in loaded.parameters())
    for key, value in pipeline.norm.state_dict().items():  # statistics keep all their digits
        torch.testing.assert_close(loaded.norm.state_dict()[key], value, rtol=0, atol=0)
    want = restored(pipeline)
    difference = np.linalg.norm(restored(loaded) - want) / np.linalg.norm(want - want.mean())
    assert 0 < difference < 1e-2


def test_a_channels_last_model_is_saved_like_any_other(tmp_path: Path) -> None:
    pipeline = tiny("bbdm")
    want = restored(pipeline)
    pipeline.to(memory_format=torch.channels_last).save_pretrained(tmp_path)
    np.testing.assert_allclose(restored(Pipeline.from_pretrained(tmp_path)), want, rtol=1e-5)


def test_model_card(tmp_path: Path) -> None:
    tiny("bbdm").save_pretrained(tmp_path)
    assert "bbdm" in (tmp_path / "README.md").read_text()
    tiny("bbdm").save_pretrained(tmp_path, card="# measured\n")
    assert (tmp_path / "README.md").read_text() == "# measured\n"
    described = json.loads((tmp_path / "config.json").read_text())
    assert described["pipeline"]["name"] == "bbdm"
    assert described["wavegen"]


# -- what is broken --------------------------------------------------------------------------------


def edit(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """Change the tensors of a saved model."""

    def apply(folder: Path) -> None:
        tensors = load_file(folder / "model.safetensors")
        change(tensors)
        save_file(tensors, folder / "model.safetensors", metadata={"note": "{}"})

    return apply


def text(name: str, content: bytes) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return apply


def reconfigure(**differences: Any) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        described = json.loads((folder / "config.json").read_text())
        described["pipeline"].update(differences)
        (folder / "config.json").write_text(json.dumps(described))

    return apply


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (edit(lambda t: t.pop("coarse.enter.bias")), r"lacks 'coarse\.enter\.bias' \(1 missing, 0 unknown\)"),
        (edit(lambda t: t.update(extra=torch.zeros(2))), r"has an unknown tensor 'extra'"),
        (
            edit(lambda t: t.update({"coarse.enter.bias": torch.zeros(9)})),
            r"'coarse\.enter\.bias' has shape \(9,\), the configuration says \(8,\)",
        ),
        (reconfigure(channels=2), "shape"),
        (reconfigure(network={"name": "unet", "widht": 8}), "unknown option 'widht'; did you mean 'width'"),
        (reconfigure(bridge={"name": "bbpd"}), "unknown bridge 'bbpd'; did you mean 'bbdp'"),
        (reconfigure(colour=1), r"config\.json: unknown option 'colour'"),
        (text("config.json", b"{"), r"config\.json: not JSON"),
        (text("config.json", b"\xff\xfe"), r"config\.json: not JSON"),
        (text("config.json", b"[]"), r"config\.json is not a pipeline's configuration"),
        (text("config.json", b'{"pipeline": 3}'), r"config\.json"),
        (lambda folder: (folder / "config.json").unlink(), r"config\.json: there is no such file"),
        (lambda folder: (folder / "model.safetensors").unlink(), r"no file .*model\.safetensors"),
        (text("model.safetensors", b"nonsense"), r"model\.safetensors: not a readable safetensors file"),
        (text("model.safetensors", b""), r"model\.safetensors: not a readable safetensors file"),
    ],
    ids=lambda v: v[:40] if isinstance(v, str) else "",
)
def test_broken_folders_are_named(damage: Callable[[Path], None], said: str, tmp_path: Path) -> None:
    tiny("bbdm").save_pretrained(tmp_path)
    damage(tmp_path)
    with pytest.raises(InputError, match=said):
        Pipeline.from_pretrained(tmp_path)


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    tiny("bbdm").save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(InputError, match="not a readable safetensors file"):
        Pipeline.from_pretrained(tmp_path)


def test_unknown_names_get_near_matches() -> None:
    with pytest.raises(InputError, match="no trained pipeline 'nowhere': neither a folder nor a shipped name"):
        Pipeline.from_pretrained("nowhere")
    for name in shipped():
        with pytest.raises(InputError, match=f"did you mean .*'{name}'"):
            Pipeline.from_pretrained(name + "x")


def test_the_hub_is_asked_only_for_owner_and_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="no folder 'someone/nothing', and the hub did not give it"):
        Pipeline.from_pretrained("someone/nothing")
    assert "someone/nothing" in capsys.readouterr().err
    for path in ("./a/b", "/a/b", "~/a", "a/b/c", "../a"):
        with pytest.raises(InputError, match="neither a folder"):
            Pipeline.from_pretrained(path)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", shipped())
def test_shipped_pipelines_load_and_restore(name: str) -> None:
    image = picture(64, 48, dtype="uint16")
    found = Pipeline.from_pretrained(name).restore(image, steps=1)
    assert found.image.shape == image.shape
    assert found.image.dtype == image.dtype


# -- tensors on disk -------------------------------------------------------------------------------


def test_tensors_and_note_come_back(tmp_path: Path) -> None:
    tensors = {"a": torch.arange(6).view(2, 3).T, "b": torch.rand(3, dtype=torch.float64), "c": torch.tensor(7)}
    write_tensors(tmp_path / "deep" / "file.safetensors", tensors, {"step": 3, "names": ["x"]})
    found, note = read_tensors(tmp_path / "deep" / "file.safetensors")
    assert note == {"step": 3, "names": ["x"]}
    assert found.keys() == tensors.keys()
    for key, value in tensors.items():
        torch.testing.assert_close(found[key], value, rtol=0, atol=0)
    check_state(tmp_path, found, tensors)


def test_nothing_is_left_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the rename fails, the old file stays and no temporary one remains."""
    file = tmp_path / "file.txt"
    write_text(file, "old")

    def full(*paths: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(InputError, match=r"cannot write .*file\.txt.*No space left"):
        write_text(file, "new")
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]
    assert file.read_text() == "old"


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match="taken"):
        tiny("bbdm").save_pretrained(tmp_path / "taken")
