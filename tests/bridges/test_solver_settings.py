"""How a solver is chosen, and the sampler settings that version 0.1.0 wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from systems import picture, tiny

from wavegen import Pipeline
from wavegen.bridges import lay_sampler, read_sampler
from wavegen.core.errors import InputError
from wavegen.experiments import Row
from wavegen.experiments.spec.comparison import restored_by
from wavegen.pipeline.config import Sampler

GENERIC = {"name": "generic", "eta": 1.0}
OLD = {"steps": 4, "eta": 1.0, "eta_bbdm": None, "grid": {"name": "uniform"}, "solver": "generic"}  # as 0.1.0 wrote it
SHIPPED = sorted((Path(__file__).resolve().parents[2] / "wavegen" / "checkpoints").glob("*/config.json"))


@pytest.mark.parametrize(
    ("given", "solver"),
    [
        (OLD, GENERIC),
        ({**OLD, "eta": 0}, {"name": "generic", "eta": 0.0}),
        ({**OLD, "eta": 0.5, "solver": "multistep-start"}, {"name": "multistep-start", "eta": 0.5}),
        ({**OLD, "solver": "euler-sde"}, {"name": "euler-sde"}),
        ({**OLD, "solver": "bbdm"}, {"name": "bbdm", "eta": 1.0}),
        ({**OLD, "eta_bbdm": 0.5}, {"name": "bbdm", "eta": 0.5}),
        ({**OLD, "eta_bbdm": 0.5, "solver": "bbdm"}, {"name": "bbdm", "eta": 0.5}),
        ({"solver": {"name": "bbdm", "eta": 0.5}}, {"name": "bbdm", "eta": 0.5}),
        ({"solver": {"name": "heun"}}, {"name": "heun", "eta": 1.0}),
        ({"solver": {"name": "heun"}, "eta": 0.25}, {"name": "heun", "eta": 0.25}),
        ({"solver": {"eta": 0.25}}, {"name": "generic", "eta": 0.25}),
        ({"solver": "heun"}, {"name": "heun", "eta": 1.0}),
        ({}, GENERIC),
    ],
    ids=str,
)
def test_every_form_has_one_present_form(given: dict[str, Any], solver: dict[str, Any]) -> None:
    made = Sampler.model_validate(given)
    assert made.solver == solver
    assert made.eta == solver.get("eta", 1.0)
    dumped = made.model_dump(mode="json")
    assert dumped == {"steps": 4, "grid": {"name": "uniform"}, "solver": solver}
    assert Sampler.model_validate(dumped) == made


@pytest.mark.parametrize(
    ("given", "solver"),
    [
        ({"eta": 1}, {"name": "multistep", "eta": 1.0}),
        ({"solver": "heun"}, {"name": "heun", "eta": 0.0}),  # a name keeps eta, as in 0.1.0
        ({"solver": "euler-ode"}, {"name": "euler-ode"}),
        ({"solver": {"name": "heun"}}, {"name": "heun", "eta": 1.0}),  # a specification stands alone
        ({"solver": {"eta": 0.5}}, {"name": "multistep", "eta": 0.5}),
        ({"solver": {"name": "multistep"}, "eta": 0.5}, {"name": "multistep", "eta": 0.5}),
        ({"eta_bbdm": 0.5, "solver": "generic"}, {"name": "bbdm", "eta": 0.5}),
    ],
    ids=str,
)
def test_settings_are_laid_on_those_of_a_preset(given: dict[str, Any], solver: dict[str, Any]) -> None:
    for base in (
        {"solver": {"name": "multistep", "eta": 0.0}, "steps": 3},
        {"solver": "multistep", "eta": 0, "steps": 3},
    ):
        assert lay_sampler(base, given) == {"steps": 3, "solver": solver}


def test_what_is_not_given_is_left_to_the_preset() -> None:
    assert read_sampler({"steps": 2}) == {"steps": 2}
    realism = Pipeline.configure({"name": "mscgm-realism", "sampler": {"steps": 2}}).sampler
    assert realism.solver == {"name": "multistep-start", "eta": 0.0}
    assert Pipeline.configure({"name": "mscgm-realism", "sampler": {"eta": 1}}).sampler.solver["eta"] == 1.0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"eta": 0.5, "eta_bbdm": 0.5}, "eta = 0.5 and eta_bbdm = 0.5: give one of them"),
        ({"solver": "heun", "eta_bbdm": 0.5}, "eta_bbdm = 0.5 is of the solver 'bbdm', not of 'heun'"),
        ({"eta_bbdm": 2.0}, "eta = 2"),
        ({"eta": "much"}, "eta = 'much'"),
        ({"solver": "euler-sde", "eta": 0.5}, "the solver 'euler-sde' has no eta"),
        ({"solver": {"name": "heun", "eta": 0.5}, "eta": 0.4}, "give one of them"),
        ({"solver": {"name": "heun", "order": 3}}, "solver 'heun': unknown option 'order'"),
        ({"solver": 3}, "solver = 3: give a name"),
        ({"solver": "huen"}, "did you mean 'heun'"),
    ],
    ids=str,
)
def test_contradictions_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_sampler(given)
    with pytest.raises(InputError, match=said):
        Pipeline.configure({"name": "bbdm", "sampler": given})


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.parent.name)
def test_shipped_models_are_read(file: Path) -> None:
    was = json.loads(file.read_text())["pipeline"]["sampler"]
    made = Sampler.model_validate(was)
    assert made.steps == was["steps"]
    assert made.solver == {"name": was.get("solver", "generic"), "eta": was["eta"]}


def test_a_folder_of_version_0_1_restores_the_same_and_is_saved_in_the_present_form(tmp_path: Path) -> None:
    pipeline, y = tiny("bbdm", sampler={"steps": 3, "solver": {"name": "multistep", "eta": 0.5}}), picture(16, 16)
    pipeline.save_pretrained(tmp_path)
    file = tmp_path / "config.json"
    saved = json.loads(file.read_text())
    assert saved["pipeline"]["sampler"] == {
        "steps": 3, "grid": {"name": "uniform"}, "solver": {"name": "multistep", "eta": 0.5},
    }  # fmt: skip
    saved["pipeline"]["sampler"] = {**OLD, "steps": 3, "eta": 0.5, "solver": "multistep"}
    file.write_text(json.dumps(saved))
    again = Pipeline.from_pretrained(tmp_path)
    assert again.config == pipeline.config
    again.precision = "float32"
    np.testing.assert_allclose(again.restore(y).image, pipeline.restore(y).image, rtol=0, atol=0)


def test_a_row_samples_as_it_did() -> None:
    """A name keeps the row's eta; the configured solver takes it, too."""
    pipeline, y = tiny("bbdm", sampler={"steps": 3, "solver": {"name": "multistep", "eta": 0.0}}), picture(1, 16, 16)
    for row, options in (
        (Row(system="a", steps=3), {"solver": "multistep", "eta": 1.0}),
        (Row(system="a", steps=3, eta=0.5, solver="heun"), {"solver": {"name": "heun", "eta": 0.5}}),
        (Row(system="a", steps=3, solver={"name": "heun", "eta": 0.5}), {"solver": "heun", "eta": 0.5}),
    ):
        import torch

        got = restored_by(pipeline, row, torch.from_numpy(y), [3]).image
        np.testing.assert_allclose(got, pipeline.restore(y, steps=3, seed=3, **options).image, rtol=0, atol=0)  # type: ignore[arg-type]
    assert Row(system="a", solver={"name": "heun", "eta": 0.5}) == Row(system="a", solver="heun", eta=0.5)
