"""The schema of pipelines and trainings, the merge of differences, and what every preset promises."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from wavegen import Pipeline
from wavegen.core.config import check, merge
from wavegen.core.errors import InputError
from wavegen.core.registry import names
from wavegen.losses import Objective
from wavegen.losses.adversarial import build_critics, critics_loss
from wavegen.pipeline.config import Critic, Intensity, PipelineConfig, Sampler, Stage
from wavegen.pipeline.presets import preset
from wavegen.training.config import Training

PIPELINES = names("pipeline")
# Systems that a table puts side by side as equals; the paper's own structure (mscgm) is not sized to them.
COMPARED = ("mscgm-joint", "unet", "cgan", "bbdm", "bbdm-gan", "bbdm-patch", "bbdm-patch-gan", "wavediff")
COMPARED += ("diffll", "latent", "ddpm", "flow", "irsde", "refusion", "i2sb", "resshift", "goub")


def tiny(name: str, **differences: Any) -> dict[str, Any]:
    """A preset with networks of width 8."""
    base = preset(name)
    small: dict[str, Any] = {"name": name, "network": {"width": 8}}
    if "head" in base:
        small["head"] = {"network": {"width": 8}}
    if "critic" in base:
        small["critic"] = {"width": 8}
    return merge(small, differences)


def pair(size: int = 32) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(4, 1, size, size, generator=generator)
    return x, x + 0.2 * torch.randn(x.shape, generator=generator)


# -- trainings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", [PipelineConfig, Training, Stage, Critic, Sampler, Intensity])
def test_extra_keys_are_refused(schema: Any) -> None:
    with pytest.raises(InputError, match=r"where: .*unknown option 'colour'"):
        check(schema, {"colour": 1}, "where")


def test_misspelt_key_gets_near_matches() -> None:
    with pytest.raises(InputError, match="training: unknown option 'final_rat'; did you mean 'final_rate'"):
        check(Training, {"steps": 1, "final_rat": 1e-3}, "training")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"steps": 0}, "steps = 0: .*greater than or equal to 1"),
        ({"minutes": 0}, "minutes = 0: .*greater than 0"),
        ({"batch": 0}, "batch = 0"),
        ({"crop": 4}, "crop = 4: .*greater than or equal to 8"),
        ({"ema": 1.0}, "ema.* = 1.0: .*less than 1"),
        ({"ema": [0.3]}, "ema.* = 0.3: .*less than 0.28"),
        ({"precision": "half"}, "precision = 'half': .*'auto', 'bf16' or 'float32'"),
        ({"learning_rate": "fast"}, ".*optimizer 'adamw': rate = 'fast'"),
        ({"optimizer": "moun"}, ".*did you mean 'muon'"),
        ({"optimizer": "muon", "learning_rate": 0.1}, ".*beside an optimizer give its own options"),
    ],
)
def test_values_out_of_range_name_the_range(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=f"training: {said}"):
        check(Training, wrong, "training")


def test_values_do_not_change_after_validation() -> None:
    training = Training(steps=1)
    with pytest.raises(ValueError, match="frozen"):
        training.steps = 2


# -- merging ---------------------------------------------------------------------------------------


def test_merge_goes_key_by_key() -> None:
    base = {"a": 1, "part": {"name": "haar", "levels": 2}}
    assert merge(base, {"part": {"levels": 3}}) == {"a": 1, "part": {"name": "haar", "levels": 3}}
    assert merge(base, {"part": {"name": "haar", "levels": 3}})["part"] == {"name": "haar", "levels": 3}
    assert merge(base, {"a": None, "b": [1]}) == {"a": None, "b": [1], "part": {"name": "haar", "levels": 2}}
    assert base == {"a": 1, "part": {"name": "haar", "levels": 2}}


def test_merge_replaces_a_component_of_another_name() -> None:
    base = {"part": {"name": "haar", "levels": 2}, "list": [1, 2]}
    assert merge(base, {"part": {"name": "identity"}})["part"] == {"name": "identity"}
    assert merge(base, {"part": None})["part"] is None
    assert merge(base, {"list": [3]})["list"] == [3]


def test_merge_reaches_nested_components() -> None:
    base = {"head": {"name": "gan", "network": {"name": "unet", "width": 24, "patch": 2}}}
    merged = merge(base, {"head": {"network": {"width": 8}}})
    assert merged["head"]["network"] == {"name": "unet", "width": 8, "patch": 2}


# -- pipelines -------------------------------------------------------------------------------------


def test_unknown_pipeline_and_missing_name() -> None:
    with pytest.raises(InputError, match="unknown pipeline 'bbmd'; did you mean 'bbdm'"):
        Pipeline.from_config("bbmd")
    with pytest.raises(InputError, match="needs a 'name'"):
        Pipeline.from_config({"transform": {"name": "haar"}})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"netwrok": {}}, "pipeline 'bbdm': unknown option 'netwrok'; did you mean 'network'"),
        ({"network": {"widht": 8}}, "network 'unet': unknown option 'widht'; did you mean 'width'"),
        ({"network": {"width": 1}}, "network 'unet': width = 1: .*greater than or equal to 4"),
        ({"bridge": {"name": "bbdd"}}, "unknown bridge 'bbdd'; did you mean 'bbdp'"),
        ({"bridge": {"s": -1}}, "bridge 'bbdp': s = -1: .*greater than 0"),
        ({"target": "eps"}, "bridge 'bbdp' has no prediction 'eps'; it has grad, residual, x0"),
        ({"target": "noise"}, "prediction = 'noise': .*'x0', 'residual', 'grad', 'eps' or 'v'"),
        ({"transform": {"name": "haar"}}, "transform with levels needs a head"),
        ({"conditioning": "all"}, r"conditioning = 'all': .*'ll' or 'full'"),
        ({"start_fraction": 1.5}, "start_fraction = 1.5"),
        ({"intensity": {"high": 40}}, r"intensity\.high = 40: .*greater than 50"),
        ({"sampler": {"eta": 2}}, r"solver 'generic': eta = 2: .*less than or equal to 1"),
        ({"sampler": {"grid": {"name": "unifrom"}}}, "unknown grid 'unifrom'; did you mean 'uniform'"),
        ({"sampler": {"grid": {"name": "power", "exponent": -1}}}, "exponent = -1"),
        ({"channels": 0}, "channels = 0"),
    ],
)
def test_wrong_pipelines_are_refused_at_once(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Pipeline.from_config({"name": "bbdm", **wrong})


def test_more_steps_than_the_bridge_has_are_refused_at_once() -> None:
    with pytest.raises(InputError, match="steps = 4: Regression takes at most 1"):
        Pipeline.from_config({"name": "unet", "sampler": {"steps": 4}})


@pytest.mark.parametrize("wrong", [None, 3, ["bbdm"]], ids=str)
def test_what_is_no_configuration_is_refused(wrong: Any) -> None:
    with pytest.raises(InputError):
        Pipeline.from_config(wrong)


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        ([], "stages = "),
        ([{"name": "a", "weights": {"l3": 1.0}}], "weights.l3"),
        ([{"name": "a", "weights": {"l1": 0}}], "weights.l1 = 0: .*greater than 0"),
        ([{"name": "a", "weights": {"l1": 1}, "share": 0}], "share = 0: .*greater than 0"),
        ([{"name": "a", "weights": {"l1": 1}, "max_t": 0}], "max_t = 0"),
        ([{"name": "a", "weights": {"l1": 1}, "ll": "own"}], "low_band = 'own': .*'true', .* or 'predicted'"),
        ([{"name": "a", "weights": {"l1": 1}, "wieghts": {}}], "wieghts"),
        (
            [{"name": "a", "weights": {"adversarial": 1}}],
            "stage 'a' weighs 'adversarial' but the pipeline has no critic",
        ),
        ([{"name": "a", "weights": {}}], "stage 'a' weighs no loss term"),
        ([{"name": "a", "weights": {"bands": 1}}], "bands"),
    ],
    ids=lambda v: "" if isinstance(v, str) else str(v)[:60],
)
def test_wrong_stages_are_refused(stages: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Pipeline.from_config({"name": "bbdm", "stages": stages})


def test_stages_that_cannot_be_computed_are_refused() -> None:
    rollout = [{"name": "a", "weights": {"coarse": 1}, "rollout": True}]
    with pytest.raises(InputError, match="stage 'a': rollout needs prediction x0, residual or grad, not v"):
        Pipeline.from_config({"name": "ddpm", "stages": rollout})
    # The shared head takes features that only a call of the coarse network gives.
    with pytest.raises(InputError, match="features"):
        Pipeline.from_config({"name": "mscgm-joint", "stages": [{"name": "a", "weights": {"l1": 1}, "ll": "true"}]})


# -- presets ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PIPELINES)
def test_presets_build(name: str) -> None:
    pipeline = Pipeline.from_config(name)
    assert pipeline.config.name == name
    assert 1e5 < pipeline.parameters_count < 1e8
    assert sum(stage.share for stage in pipeline.config.stages) == pytest.approx(1)
    assert Pipeline.from_config(pipeline.config.model_dump(mode="json")).config == pipeline.config


def test_compared_systems_have_about_equal_numbers_of_parameters() -> None:
    counts = {name: Pipeline.from_config(name).parameters_count for name in COMPARED}
    assert max(counts.values()) <= 1.25 * min(counts.values()), counts


def backward_over_stages(pipeline: Pipeline, critics: nn.ModuleList) -> None:
    x, y = pair()
    for index, stage in enumerate(pipeline.config.stages):
        critics.requires_grad_(False)
        terms = Objective(pipeline)(x, y, index, torch.Generator().manual_seed(index), critics)
        assert terms.losses.keys() == stage.weights.keys()
        total = torch.stack([stage.weight(name) * value for name, value in terms.losses.items()]).sum()
        total.backward()  # type: ignore[no-untyped-call]
        critics.requires_grad_(True)
        if terms.candidates:
            critics_loss(pipeline, critics, terms.candidates, False).backward()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("name", PIPELINES)
def test_every_parameter_learns_over_the_stages(name: str) -> None:
    pipeline = Pipeline.from_config(tiny(name))
    critics = build_critics(pipeline.config, max(pipeline.transform.levels, 1))
    assert (len(critics) > 0) == any("adversarial" in stage.weights for stage in pipeline.config.stages)
    backward_over_stages(pipeline, critics)
    settings = pipeline.config.critic
    for part in (pipeline, critics):
        for key, parameter in part.named_parameters():
            assert parameter.grad is not None, key
            assert torch.isfinite(parameter.grad).all(), key
            # A critic's last bias moves true and generated logits alike: its gradient starts at 0.
            last = settings is not None and part is critics and key.endswith(f"{settings.network['layers']}.bias")
            assert last or parameter.grad.norm() > 0, key


@pytest.mark.parametrize("name", PIPELINES)
def test_presets_take_three_channels(name: str) -> None:
    pipeline = Pipeline.from_config(tiny(name, channels=3))
    steps = min(2, pipeline.bridge.max_steps or 2)
    assert pipeline.restore(torch.rand(3, 20, 13), steps=steps).image.shape == (3, 20, 13)
