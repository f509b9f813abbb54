"""Guards that configurations of version 0.1.0 mean what they meant: whole ones, and old names laid on a preset.

``configs_0_1_0.json`` holds ``config.model_dump(mode="json")`` of every preset as that version wrote it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wavegen import InputError, Pipeline
from wavegen.core.config import check
from wavegen.pipeline.config import PipelineConfig

CONFIGS: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("configs_0_1_0.json").read_text())


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_what_was_written_is_the_preset_of_today(name: str) -> None:
    """But for the scale of targets, which the pairs of a training decide today."""
    assert CONFIGS[name]["intensity"]["target"] == "input"
    today = {"name": name, "intensity": {"target": "input"}}
    assert check(PipelineConfig, CONFIGS[name], name) == Pipeline.configure(today)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"name": "ddpm", "target": "eps"}, {"name": "ddpm", "prediction": "eps"}),
        ({"name": "mscgm", "critic": {"width": 8, "layers": 2}}, {"critic": {"network": {"width": 8, "layers": 2}}}),
        (
            {"name": "cgan", "critic": {"kind": "multiscale", "resolutions": 3}},
            {"critic": {"network": {"name": "multiscale", "resolutions": 3}}},
        ),
        ({"name": "bbdm", "sampler": {"eta": 0.5}}, {"sampler": {"solver": {"name": "generic", "eta": 0.5}}}),
        ({"name": "bbdm", "sampler": {"eta_bbdm": 0.5}}, {"sampler": {"solver": {"name": "bbdm", "eta": 0.5}}}),
        (
            {"name": "mscgm", "stages": [{"name": "a", "weights": {"l1": 1}, "ll": "noisy", "ll_noise": 0.3}]},
            {"stages": [{"name": "a", "weights": {"l1": 1}, "low_band": "noisy", "low_band_noise": 0.3}]},
        ),
    ],
    ids=lambda value: str(sorted(value))[:40],
)
def test_old_names_laid_on_a_preset(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert Pipeline.configure(old) == Pipeline.configure({"name": old["name"], **new})
    assert Pipeline.configure(old) != Pipeline.configure(old["name"])


@pytest.mark.parametrize("number", ["1e-3", "0.001", np.float32(0.001), np.float64(0.001)], ids=repr)
def test_weights_that_were_read_are_read(number: Any) -> None:
    """YAML reads 1e-3 as text."""
    for weight in (number, {"weight": number}):
        stages = Pipeline.configure({"name": "bbdm", "stages": [{"name": "a", "weights": {"l1": weight}}]}).stages
        assert stages[0].weight("l1") == pytest.approx(1e-3, rel=1e-6)
        assert type(stages[0].weight("l1")) is float


def test_an_old_kind_replaces_a_network_of_another_name() -> None:
    new = {"name": "patch", "width": 8}
    critic = Pipeline.configure({"name": "cgan", "critic": {"kind": "multiscale", "network": new}}).critic
    assert critic == Pipeline.configure({"name": "cgan", "critic": {"network": {"name": "multiscale"}}}).critic
    critic = Pipeline.configure({"name": "cgan", "critic": {"kind": "patch", "network": new}}).critic
    assert critic == Pipeline.configure({"name": "cgan", "critic": {"network": "patch", "width": 8}}).critic


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"critic": {"network": None}}, "network = None: give a name, or"),
        ({"critic": {"network": 3}}, "network = 3: give a name, or"),
        ({"critic": {"widht": 8}}, "widht"),
        ({"critic": {"network": {"name": "patch", "widht": 8}}}, "unknown option 'widht'; did you mean 'width'"),
        ({"critic": {"network": {"name": "pach"}}}, "unknown critic 'pach'; did you mean 'patch'"),
        ({"critic": {"resolutions": "many", "kind": "multiscale"}}, "resolutions = 'many'"),
        ({"stages": [{"name": "a", "weights": {"l1": float("nan")}}]}, "weights.l1 = nan: input should be greater"),
        ({"stages": [{"name": "a", "weights": {"l1": "much"}}]}, "weights.l1 = 'much': input should be a number"),
        ({"stages": [{"name": "a", "weights": {"l1": {"weight": 1, "wide": 2}}}]}, "stage 'a': weights.l1: .*'wide'"),
        ({"stages": [{"name": "a", "weights": {"l1": {"wide": 2}}}]}, "input should be a number"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_wrong_settings_are_named(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Pipeline.from_config({"name": "cgan", **wrong})
