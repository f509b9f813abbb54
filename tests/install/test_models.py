"""Guards where shipped models are found: in the package, in the second package, in a clone; and what is said if not."""

from __future__ import annotations

from pathlib import Path

import pytest

from wavegen import InputError, Pipeline
from wavegen.inference.demo import MODELS as OF_THE_DEMO
from wavegen.pipeline import storage

ROOT = Path(__file__).resolve().parents[2]
SECOND = ROOT / "models" / "wavegen_models"
OF_THE_README = {"fidelity-hela", "realism-hela"}


def test_first_steps_and_demo_need_only_the_first_package() -> None:
    inside = {path.parent.name for path in storage.SHIPPED.glob("*/model.safetensors")}
    assert inside >= OF_THE_README | set(OF_THE_DEMO.values())


def test_the_second_package_holds_what_messages_say() -> None:
    assert {path.parent.name for path in SECOND.glob("*/model.safetensors")} == set(storage.IN_MODELS)


def test_a_clone_finds_both() -> None:
    assert set(storage.IN_MODELS) < set(storage.shipped())
    assert storage.shipped_folder("denoise-hela").samefile(SECOND / "denoise-hela")


def test_an_installed_second_package_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "wavegen_models" / "of-tomorrow"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise AssertionError('the package is imported')")
    (folder / "config.json").write_text("{}")
    monkeypatch.syspath_prepend(tmp_path)
    assert storage.locate("of-tomorrow") == folder


def test_without_it_the_message_names_it_and_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_models", list)
    with pytest.raises(InputError, match=r"'denoise-hela'.*pip install wavegen-models.*owner/name on the Hugging Face"):
        Pipeline.from_pretrained("denoise-hela")
    with pytest.raises(InputError, match="did you mean 'denoise-hela'"):
        Pipeline.from_pretrained("denoise-hel")
    Pipeline.from_pretrained("fidelity-hela")
