"""Guards ``wavegen learn-basis``, and what pipelines do with learned and control transforms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from systems import picture, tiny

from wavegen import InputError, Pipeline
from wavegen.cli import main
from wavegen.losses import Objective
from wavegen.training.config import Training
from wavegen.training.fit import fit
from wavegen.transforms import Lattice, read_basis

SPECS: tuple[dict[str, Any], ...] = (
    {"name": "lattice"},
    {"name": "lifting", "levels": 1},
    {"name": "learned", "train": True},
    {"name": "pool"},
    {"name": "undecimated"},
    {"name": "packets", "levels": 1},
)


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[Any, str, str]:
    with pytest.raises(SystemExit) as done:
        main(["learn-basis", *map(str, arguments)])
    return done.value.code, *capsys.readouterr()


FAST = ("--images", "6", "--crop", "32", "--steps", "3", "--levels", "2", "--taps", "4")


def test_learns_prints_and_saves(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "new" / "mine.json"
    code, printed, _ = run(capsys, "hela,size=32", "--out", out, *FAST)
    assert code == 0
    assert "held out" in printed
    assert "haar" in printed
    saved = json.loads(out.read_text())
    assert len(saved["transform"]["angles"]) == 2
    assert saved["made"]["data"]["name"] == "hela"
    assert saved["made"]["result"]["fixed"].keys() == {"haar", "db2"}
    model = Pipeline.from_config({"name": "mscgm", "transform": {"name": "learned", "basis": str(out)}})
    assert model.config.transform["angles"] == saved["transform"]["angles"]


def test_json_is_repeatable(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    answers = [
        json.loads(run(capsys, "nanobeads,size=32", "--out", tmp_path / "a.json", "--json", *FAST, *more)[1])
        for more in ((), (), ("--seed", "1"), ("--kind", "lifting"), ("--objective", "coding_gain"))
    ]
    assert answers[0] == answers[1]
    assert answers[0]["fixed"] != answers[2]["fixed"]  # other crops
    assert answers[3]["basis"]["name"] == "lifting"
    values = answers[0]
    own, best = values["learned"]["held_out"], values["fixed"][values["best_fixed_held_out"]]["held_out"]
    assert values["better_by"] == pytest.approx(best - own)
    assert values["learned"]["train"] <= min(v["train"] for v in values["fixed"].values()) + 1e-6


def test_learns_from_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for i in range(4):
        pixels = np.random.default_rng(i).integers(0, 900, (40 + i, 50)).astype(np.uint16)
        tifffile.imwrite(tmp_path / f"{i}.tif", pixels)
    code, _, _ = run(capsys, "pairs", "--x", tmp_path, "--y", tmp_path, "--out", tmp_path / "b.json", *FAST)
    assert code == 0
    assert json.loads((tmp_path / "b.json").read_text())["made"]["images"] == [2, 2]
    for i in range(4):
        tifffile.imwrite(tmp_path / f"{i}.tif", np.full((40, 50), 7, np.uint16))
    code, _, said = run(capsys, "pairs", "--x", tmp_path, "--y", tmp_path, "--out", tmp_path / "b.json", *FAST)
    assert code == 2
    assert "contrast" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["helo", "--out", "b.json"], "hela"),
        (["hela", "--out", "b.yaml"], "ends in .json"),
        (["hela", "--out", "b.json", "--taps", "5"], "even number"),
        (["hela", "--out", "b.json", "--steps", "3", "--minutes", "1"], "either steps or minutes"),
        (["hela", "--out", "b.json", "--kind", "wave"], "lattice"),
        (["hela", "--out", "b.json", "--images", "1"], "images"),
        (["hela", "--out", "b.json", "--minutes", "0"], "more than 0"),
    ],
)
def test_refusals(capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], said: str) -> None:
    arguments[2] = str(tmp_path / arguments[2])
    code, _, error = run(capsys, *arguments)
    assert code == 2
    assert said in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


# -- in pipelines ----------------------------------------------------------------------------------


@pytest.mark.parametrize("conditioning", ["ll", "full"])
@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s["name"])
def test_pipelines_train_and_restore(spec: dict[str, Any], conditioning: str) -> None:
    pipeline = tiny("mscgm-joint", transform=spec, conditioning=conditioning).train()
    x, y = torch.rand(2, 2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    terms = Objective(pipeline)(x, y)
    torch.stack(list(terms.losses.values())).sum().backward()
    for parameter in pipeline.transform.parameters():
        assert parameter.grad is not None
        assert torch.isfinite(parameter.grad).all()
        assert (parameter.grad != 0).all()
    image = picture(21, 18)
    np.testing.assert_allclose(pipeline.roundtrip(image), image, rtol=1e-4, atol=1e-2)
    assert pipeline.eval().restore(image, steps=2).image.shape == image.shape


def test_a_low_band_of_another_gain_has_the_units_of_y() -> None:
    """What the coarse network sees of y at full conditioning lies in the range of what it restores."""
    for name in ("haar", "lattice", "pool", "undecimated"):
        pipeline = tiny("mscgm-joint", transform={"name": name}, conditioning="full")
        y = 3 + torch.rand(1, 1, 16, 16)
        bands = pipeline.transform.forward(y)
        low = pipeline.norm.low(bands.ll, 0).mean()
        # The lattice's angles were changed, so that its gain is about 2 only.
        torch.testing.assert_close(pipeline.condition(y, bands).mean(), low, rtol=0.03, atol=0.03)


def test_saved_pipelines_need_no_basis_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"transform": read_basis("hela")}))
    pipeline = tiny("mscgm-joint", transform={"name": "learned", "basis": str(path), "train": True})
    assert isinstance(pipeline.transform, Lattice)
    with torch.no_grad():
        pipeline.transform.angles.add_(0.1)  # as training would
    path.unlink()
    for half in (False, True):
        pipeline.save_pretrained(tmp_path / "model", half=half)
        again = Pipeline.from_pretrained(tmp_path / "model")
        assert isinstance(again.transform, Lattice)
        torch.testing.assert_close(again.transform.angles, pipeline.transform.angles, rtol=0, atol=0)
    image = picture(16, 16)
    pipeline.save_pretrained(tmp_path / "model")
    again = Pipeline.from_pretrained(tmp_path / "model")
    again.precision = pipeline.precision
    np.testing.assert_allclose(again.restore(image).image, pipeline.restore(image).image, rtol=1e-5)


@pytest.mark.parametrize("head", ["gan", "joint"])
def test_training_moves_the_angles(head: str, tmp_path: Path) -> None:
    """Through the adversarial stage, too, whose critic sees bands that the angles made."""
    data = [picture(32, 32, seed=i) / 1000 for i in range(2)]
    pairs = [_pair(torch.from_numpy(image)[None]) for image in data]
    angles = {}
    for train in (True, False):
        torch.manual_seed(0)
        given = {"name": "mscgm-joint", "transform": {"name": "lattice", "train": train}}
        small: dict[str, Any] = {"network": {"width": 8}, "intensity": {"target": "input"}}
        if head == "gan":
            small["head"] = {"name": "gan", "network": {"name": "unet", "width": 8}}
        pipeline = Pipeline.from_config(given | small)
        before = pipeline.transform.angles.detach().clone()
        training = Training(steps=4, batch=2, crop=32, warmup=0, ema=0.0, optimizer={"name": "adamw", "decay": 1.0})
        fit(pipeline, pairs, training, tmp_path / str(train))
        assert isinstance(pipeline.transform, Lattice)
        angles[train] = (pipeline.transform.angles.detach() - before).abs()
    assert (angles[True] > 0).all()
    assert (angles[True] < 0.01).all()  # no decay: it would have taken a share of each angle
    assert (angles[False] == 0).all()


def _pair(x: torch.Tensor) -> Any:
    from wavegen import Pair

    return Pair(x, x + 0.05)


def test_wrong_transforms_in_pipelines() -> None:
    for spec, said in [
        ({"name": "learned", "basis": "nonsense"}, "hela"),
        ({"name": "learned", "level": 2}, "levels"),
        ({"name": "lattice", "angles": []}, "angles"),
    ]:
        with pytest.raises(InputError, match=said):
            Pipeline.from_config({"name": "mscgm", "transform": spec})
