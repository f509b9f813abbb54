"""Guards the auto-encoder of ``latent``: trained alone and first, then frozen, normalised, resumed as others are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from runs import Blobs, training

from wavegen import InputError, Pipeline
from wavegen.core.registry import build
from wavegen.core.tensors import read_tensors
from wavegen.training import JsonLog, fit

SMALL = {"transform": {"width": 8}, "network": {"width": 8, "multipliers": [1, 2]}}


def latent(**differences: Any) -> Pipeline:
    torch.manual_seed(0)
    return Pipeline.from_config({"name": "latent", **SMALL, **differences})


def halves(first: float = 0.5) -> list[dict[str, Any]]:
    return [
        {"name": "autoencoder", "share": first, "weights": {"autoencoder": 1.0}},
        {"name": "fit", "share": 1 - first, "weights": {"coarse": 1.0, "l1": 2.0}, "restart": True},
    ]


def weights(pipeline: Pipeline) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in pipeline.transform.state_dict().items()}


def error(pipeline: Pipeline) -> float:
    images = torch.stack([pipeline.normalise(Blobs()[i]).x for i in range(6)])
    with torch.no_grad():
        return pipeline.transform.reconstruction_error(images)


def test_the_first_stage_trains_the_transform_and_the_others_leave_it(tmp_path: Path) -> None:
    pipeline = latent(stages=halves())
    start, before, coarse = weights(pipeline), error(pipeline), pipeline.coarse.enter.weight.detach().clone()
    seen: list[tuple[str, dict[str, torch.Tensor], bool]] = []

    def watch(record: dict[str, Any], pipeline: Pipeline) -> None:
        same = bool(torch.equal(pipeline.coarse.enter.weight, coarse))
        seen.append((record["stage"], weights(pipeline), same))

    log = JsonLog(tmp_path / "log.jsonl")
    done = fit(pipeline, Blobs(), training(steps=120), tmp_path / "run", callbacks=[watch, log])
    first = [w for stage, w, _ in seen if stage == "autoencoder"]
    rest = [w for stage, w, _ in seen if stage == "fit"]
    assert len(first) == len(rest) == 60
    assert all(same for stage, _, same in seen if stage == "autoencoder")
    for name, value in weights(done).items():
        assert (value - start[name]).norm() > 0, name
        for other in rest:
            torch.testing.assert_close(other[name], value, rtol=0, atol=1e-7, msg=name)
    assert error(done) < 0.95 * before
    # The latents have the statistics that the bridge is told of.
    images = torch.stack([done.normalise(Blobs()[i]).x for i in range(6)])
    with torch.no_grad():
        low = done.norm.low(done.transform.forward(images).ll, 0)
    torch.testing.assert_close(low.std(dim=(0, 2, 3)), torch.ones(4), rtol=0.15, atol=0)
    terms = {frozenset(json.loads(line)) & {"autoencoder", "coarse"} for line in log.path.read_text().splitlines()}
    assert terms == {frozenset({"autoencoder"}), frozenset({"coarse"})}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """The weights of a run that was not interrupted."""
    out = tmp_path_factory.mktemp("whole")
    fit(latent(stages=halves()), Blobs(), training(steps=12), out)
    return read_tensors(out / "model" / "model.safetensors")[0]


@pytest.mark.parametrize("stop", [2, 6, 7])
def test_an_interrupted_run_gives_the_same_bits(tmp_path: Path, stop: int, whole: dict[str, torch.Tensor]) -> None:
    class StopError(Exception):
        pass

    def stopping(record: dict[str, Any], _: Pipeline) -> None:
        if record["step"] == stop + 1:
            raise StopError

    settings = training(steps=12, checkpoint_every=stop)
    with pytest.raises(StopError):
        fit(latent(stages=halves()), Blobs(), settings, tmp_path / "part", callbacks=[stopping])
    fit(latent(stages=halves()), Blobs(), settings, tmp_path / "part", resume=True)
    found = read_tensors(tmp_path / "part" / "model" / "model.safetensors")[0]
    assert found.keys() == whole.keys()
    for name, value in whole.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=0, msg=name)


def test_stages_that_do_not_fit_a_transform_are_refused() -> None:
    fit_stage = halves()[1]
    with pytest.raises(InputError, match="first stage that weighs 'autoencoder' is what a lossy transform needs"):
        latent(stages=[fit_stage])
    with pytest.raises(InputError, match=r"transform 'identity'.*no other can have"):
        Pipeline.from_config({"name": "bbdm", "stages": halves()})
    both = {"name": "both", "weights": {"autoencoder": 1.0, "coarse": 1.0}}
    for stages in ([both, fit_stage], [*halves(), halves()[0]]):
        with pytest.raises(InputError, match="'autoencoder' stands alone, and in the first stage only"):
            latent(stages=stages)


def test_channels_are_encoded_on_their_own_and_sizes_are_kept() -> None:
    transform = build("transform", "autoencoder")
    x = torch.rand(2, 3, 13, 6, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        bands = transform.forward(x)
        assert bands.ll.shape == (2, 12, 4, 2)
        alone = transform.forward(x[1:, 2:])
        torch.testing.assert_close(bands.ll[1:, 8:], alone.ll)
        image = transform.inverse(bands)
        assert image.shape == x.shape
        torch.testing.assert_close(image[1:, 2:], transform.inverse(alone))
    with pytest.raises(InputError, match="multiple of 4"):
        transform.inverse(bands._replace(ll=bands.ll[:, :6]))
