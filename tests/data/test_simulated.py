"""Clean images degraded on the fly: pure functions of seed and index, for any number of workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from wavegen.core import registry
from wavegen.core.errors import InputError
from wavegen.core.registry import build, register
from wavegen.data import Crops, InMemory, Simulated
from wavegen.io import write_image


class Noisy:
    """Poisson counts of so many photons, and blocks averaged by a factor."""

    def __init__(self, photons: float = 100.0, factor: int = 1) -> None:
        self.photons, self.factor = photons, factor

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        small = torch.nn.functional.avg_pool2d(x, self.factor)
        return torch.poisson(small * self.photons, generator) / self.photons


class Broken:
    """What no training should meet."""

    def __init__(self, how: str = "nan") -> None:
        self.how = how

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        return x / 0 if self.how == "nan" else x[..., :-1]


@pytest.fixture(autouse=True)
def noisy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    register("degradation", "test_noisy", "for tests")(Noisy)
    register("degradation", "test_broken", "for tests")(Broken)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    clean = tmp_path / "clean"
    clean.mkdir()
    for i in range(4):
        image = np.random.default_rng(i).integers(200 * i, 4000, (20 + i, 26)).astype(np.uint16)
        write_image(clean / f"{i}.tif", image)
    return clean


def simulated(folder: Path, degradation: dict[str, Any] | None = None, **options: Any) -> Simulated:
    spec = {"name": "simulated", "folder": str(folder), "degradation": degradation or {"name": "test_noisy"}}
    dataset: Simulated = build("dataset", spec | options)
    return dataset


def test_items_depend_on_seed_and_index_only(folder: Path) -> None:
    a, b, other = simulated(folder), simulated(folder), simulated(folder, seed=1)
    for i in (3, 0, 2):
        torch.testing.assert_close(a[i], b[i], rtol=0, atol=0)
        torch.testing.assert_close(a[i].x, other[i].x, rtol=0, atol=0)
        assert float((a[i].y - other[i].y).abs().max()) > 0
    assert abs(float((a[0].y - a[0].x).mean())) < 0.02
    with pytest.raises(IndexError):
        a[4]


def test_repeats_draw_anew(folder: Path) -> None:
    data = simulated(folder, repeats=3)
    assert len(data) == 12
    torch.testing.assert_close(data[1].x, data[5].x, rtol=0, atol=0)
    assert float((data[1].y - data[5].y).abs().max()) > 0
    assert len(InMemory(data)) == 12


@pytest.mark.parametrize("workers", [1, 2])
def test_batches_are_alike_for_any_number_of_workers(folder: Path, workers: int) -> None:
    crops = Crops(simulated(folder, repeats=2), size=12, seed=3, length=24)
    alone, shared = (list(DataLoader(crops, batch_size=4, num_workers=n)) for n in (0, workers))
    assert len(alone) == len(shared) == 6
    for one, other in zip(alone, shared, strict=True):
        torch.testing.assert_close(tuple(one), tuple(other), rtol=0, atol=0)


def test_scales(folder: Path) -> None:
    raw = simulated(folder, scale="none")
    assert float(raw[0].x.max()) > 3900
    torch.testing.assert_close(simulated(folder, scale="type")[0].x, raw[0].x / 65535)
    x = simulated(folder)[2].x
    assert float(x.min()) == 0.0  # what is below the 0.1 percentile is no light
    np.testing.assert_allclose(np.percentile(x.numpy(), 99.9), 1.0, atol=1e-5)
    write_image(folder / "0.tif", np.full((20, 26), 7, np.uint16))
    assert float(simulated(folder)[0].x.abs().max()) == 0.0


def test_smaller_results_go_to_the_clean_grid(folder: Path) -> None:
    data = simulated(folder, {"name": "test_noisy", "photons": 1e6, "factor": 4}, multiple=4)
    assert data.shapes == [(1, 20, 24)] * 4
    x, y = data[3]
    assert x.shape == y.shape == (1, 20, 24)
    blocks = torch.nn.functional.avg_pool2d(y, 4) - torch.nn.functional.avg_pool2d(x, 4)
    assert float(blocks.abs().mean()) < 0.1
    with pytest.raises(InputError, match=r"3\.tif: \(1, 23, 26\) becomes \(1, 5, 6\).*multiple"):
        simulated(folder, {"name": "test_noisy", "factor": 4})[3]
    with pytest.raises(InputError, match="smaller than multiple = 32"):
        simulated(folder, multiple=32)


def test_channels(folder: Path) -> None:
    write_image(
        folder / "9.tif", np.stack([np.arange(600, dtype=np.uint16).reshape(20, 30) + 100 * c for c in range(3)])
    )
    with pytest.raises(InputError, match=r"0\.tif has 1 channel\(s\), unlike 9\.tif \(3\); give per_channel = true"):
        simulated(folder)
    data = simulated(folder, per_channel=True, scale="none")
    assert len(data) == 7
    assert [float(data[i].x.min()) for i in (4, 5, 6)] == [0.0, 100.0, 200.0]
    (folder / "9.tif").unlink()
    for i in range(4):
        write_image(folder / f"{i}.tif", np.full((3, 16, 16), i, np.uint8))
    assert simulated(folder)[0].y.shape == (3, 16, 16)


def test_tables_with_and_without_inputs(folder: Path) -> None:
    (folder / "index.csv").write_text(
        "dataset,task,split,input,target\na,clean,train,,0.tif\na,clean,test,,1.tif\nb,denoise,train,2.tif,3.tif\n"
    )
    spec: dict[str, Any] = {
        "name": "simulated",
        "index": str(folder / "index.csv"),
        "degradation": {"name": "test_noisy"},
    }
    assert [path.name for path, _ in build("dataset", spec).sources] == ["0.tif", "1.tif", "3.tif"]
    assert len(build("dataset", spec | {"task": "clean", "split": "train"})) == 1
    with pytest.raises(InputError, match="did you mean 'clean'"):
        build("dataset", spec | {"task": "cleen"})


def test_what_does_not_fit(folder: Path, tmp_path: Path) -> None:
    spec: dict[str, Any] = {"name": "simulated", "degradation": {"name": "test_noisy"}}
    for wrong in ({}, {"folder": str(folder), "index": "t.csv"}, {"folder": str(folder), "split": "train"}):
        with pytest.raises(InputError, match="needs folder, or index"):
            build("dataset", spec | wrong)
    with pytest.raises(InputError, match="unknown degradation 'test_noisi'; did you mean 'test_noisy'"):
        simulated(folder, {"name": "test_noisi"})
    with pytest.raises(InputError, match="unknown option 'photon'; did you mean 'photons'"):
        simulated(folder, {"name": "test_noisy", "photon": 3})
    with pytest.raises(InputError, match=r"1\.tif: the degraded image has values that are not finite"):
        simulated(folder, {"name": "test_broken"})[1]
    with pytest.raises(InputError, match="whole factor"):
        simulated(folder, {"name": "test_broken", "how": "cut"})[1]
    tifffile.imwrite(folder / "0.tif", np.ones((20, 26), np.uint8))
    assert len(simulated(folder)) == 4
    for scale in ("none", "type"):
        with pytest.raises(InputError, match=r"0\.tif has uint8 values, unlike 1\.tif \(uint16\)"):
            simulated(folder, scale=scale)
    tifffile.imwrite(folder / "0.tif", np.full((20, 26), np.nan, np.float32))
    with pytest.raises(InputError, match=r"0\.tif holds NaN"):
        simulated(folder)[0]
