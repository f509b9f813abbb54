"""A system against rivals: spreads of bands in closed form, verdicts over seeds, and two recipes from start to end."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from runs_of_recipes import ROOT, run_here

from wavegen import Pipeline
from wavegen.core.errors import InputError
from wavegen.core.types import Pair
from wavegen.experiments import Lead, Row, Shipment, read_recipe, ship
from wavegen.experiments.judge import band_spread
from wavegen.experiments.studies import rivals


def test_spread_of_bands_in_closed_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws of deviation r about a mean that is off by white noise of deviation 1 have the spread r in every band."""
    generator = torch.Generator().manual_seed(0)
    mean = torch.zeros(1, 256, 256)
    pairs = [Pair(mean + torch.randn(mean.shape, generator=generator), mean) for _ in range(4)]

    def drawn(pipe: Any, row: Row, y: torch.Tensor, seeds: Any, samples: int) -> Any:
        return SimpleNamespace(samples=y + 0.5 * torch.randn((samples, *y.shape), generator=generator))

    monkeypatch.setattr(band_spread, "restored_by", drawn)
    found = band_spread.spread_of_bands(None, Row(system="a", steps=4), pairs)  # type: ignore[arg-type]
    assert found.keys() == {"ll2", "h2", "v2", "d2", "h1", "v1", "d1"}
    for value in found.values():
        torch.testing.assert_close(value, 0.5, rtol=0.05, atol=0)


@pytest.mark.parametrize(("spread", "found"), [(0.5, 2.0), (1.0, 1.0), (0.1, band_spread.HOTTEST)])
def test_calibrated_temperature_in_closed_form(spread: float, found: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws whose deviation is r times the temperature are calibrated at 1 / r, or as near as the search goes."""
    generator = torch.Generator().manual_seed(0)
    mean = torch.zeros(1, 256, 256)
    pairs = [Pair(mean + torch.randn(mean.shape, generator=generator), mean) for _ in range(4)]

    def drawn(pipe: Any, row: Row, y: torch.Tensor, seeds: Any, samples: int) -> Any:
        z = torch.randn((samples, *y.shape), generator=generator)
        return SimpleNamespace(samples=y + spread * (row.temperature or 1.0) * z)

    monkeypatch.setattr(band_spread, "restored_by", drawn)
    heat = band_spread.calibrated_temperature(None, Row(system="a", steps=4), pairs)  # type: ignore[arg-type]
    torch.testing.assert_close(heat, found, rtol=0.04, atol=0)


def test_draws_that_do_not_differ_have_no_temperature(monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(pipe: Any, row: Row, y: torch.Tensor, seeds: Any, samples: int) -> Any:
        return SimpleNamespace(samples=y.expand(samples, *y.shape))

    monkeypatch.setattr(band_spread, "restored_by", drawn)
    pairs = [Pair(torch.rand(1, 32, 32), torch.rand(1, 32, 32))]
    with pytest.raises(InputError, match="a: its draws do not differ"):
        band_spread.calibrated_temperature(None, Row(system="a", steps=4), pairs)  # type: ignore[arg-type]


def test_verdicts_are_of_common_seeds_and_the_right_way_round(tmp_path: Path) -> None:
    rows = [
        {
            "system": name,
            "steps": 4,
            "key": "eta 1",
            "seed": seed,
            "psnr": base + 0.01 * seed,
            "lpips": base / 100 + 0.001 * seed,
        }
        for name, base in (("ours", 26.0), ("theirs", 25.0))
        for seed in range(3)
    ]
    rows.insert(0, {"system": "input", "steps": 0, "seed": 0, "psnr": 20.0})  # a classical method has no key
    times = [
        {"system": name, "steps": 4, "ms_batch_1": ms, "ms_batch_8": 2 * ms}
        for name, ms in (("ours", 10), ("theirs", 50))
    ]
    (tmp_path / "results.json").write_text(json.dumps({"rows": rows}))
    (tmp_path / "times.json").write_text(json.dumps({"rows": times}))
    both = tuple(Row(system=name, steps=4) for name in ("ours", "theirs"))
    lead = Lead(system="ours", rivals=("theirs",), scores={"psnr": True, "lpips": False})
    said = rivals.verdicts(lead, both, tmp_path)
    assert "| ours, eta 1 | theirs, eta 1 | psnr | +1.0000 ± 0.0000 | better |" in said
    assert "| ours, eta 1 | theirs, eta 1 | lpips | +0.0100 ± 0.0000 | worse |" in said
    assert "| ours, eta 1 | theirs, eta 1 | times faster, batch 1; 8 | 5.0; 5.0 |  |" in said


def check_shipped(out: Path, folder: Path, temperature: float) -> None:
    """A checkpoint samples at the temperature that it is shipped with, and its card says so."""
    plan = read_recipe(ROOT / "recipes" / "realism.yaml").comparison("smoke", "nanobeads")
    shipment = Shipment(name="some-name", purpose="For a test.", limits="- None.", command="command")
    ship(plan, out, "mscgm-realism", shipment, folder, temperature)
    made = Pipeline.from_pretrained(folder / "some-name")
    assert made.config.sampler.temperature == temperature
    assert f"The temperature is {temperature:g}" in (folder / "some-name" / "README.md").read_text()


@pytest.mark.parametrize("recipe", ["fidelity.py", "realism.py"])
def test_recipes_run_and_refuse_an_export_of_a_smoke_run(recipe: str, tmp_path: Path) -> None:
    done = run_here(recipe, "--data", "nanobeads", "--out", str(tmp_path / "out"), "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert "| row | against | score | difference | verdict |" in done.stdout
    made = ["verdicts.md"] + ["spreads.md"] * (recipe == "realism.py")
    assert sorted(p.name for p in (tmp_path / "out").glob("*s.md")) == sorted(made)
    assert all((tmp_path / "out" / name).read_text() in done.stdout for name in made)
    spreads = json.loads((tmp_path / "out" / "spreads.json").read_text())["rows"] if recipe == "realism.py" else []
    assert len(spreads) == 2 * 3 * (recipe == "realism.py")  # as configured, and calibrated
    if spreads:
        heats = json.loads((tmp_path / "out" / "temperatures.json").read_text())["rows"]
        assert [f"{heat['key']}, temperature {heat['temperature']:g}" for heat in heats] == [
            s["key"] for s in spreads[3:]
        ]
        check_shipped(tmp_path / "out", tmp_path / "shipped", heats[0]["temperature"])
    wrong = run_here(recipe, "--out", str(tmp_path / "other"), "--export", str(tmp_path / "x"))
    assert wrong.returncode == 2
    assert "--export goes with --preset ship" in wrong.stderr
