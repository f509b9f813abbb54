"""Recipes of ablations: equal S/v wherever there is an S, and expected beside obtained."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml
from grids import in_this_process

from wavegen import Pipeline
from wavegen.core.errors import InputError
from wavegen.core.registry import build, names
from wavegen.core.types import Pair
from wavegen.experiments import Expectation, Recipe, Row, ablation, read_grid, read_recipe, run_recipe
from wavegen.experiments.engine import runs
from wavegen.experiments.spec.noise_scale import residual_variance, with_variance
from wavegen.experiments.studies import runner
from wavegen.experiments.studies.expected import band_share, verdict

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
QUESTIONS = ("bases", "steps", "scales", "heads", "bridges")


def recipe(question: str) -> Recipe:
    return read_recipe(RECIPES / f"ablate_{question}.yaml")


def some(question: str, count: int) -> Recipe:
    """The same question of the first systems."""
    asked = recipe(question)
    return asked.model_copy(update={"systems": dict(list(asked.systems.items())[:count])})


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_bridge_has_the_stated_noise(question: str) -> None:
    asks = recipe(question)
    ready = ablation(asks, "smoke", "nanobeads")
    assert list(ready.plan.systems) == list(asks.systems)  # none shares a training with another
    scaled = 0
    for name, spec in ready.plan.systems.items():
        config = Pipeline.configure(spec)
        process = build("bridge", config.bridge)
        assert ready.bands[name].name.startswith("LL")
        if process.total_variance is not None:
            found = process.total_variance / residual_variance(ready.bands[name])
            assert found == pytest.approx(asks.ratio(name), rel=1e-3), name
            scaled += 1
    assert scaled >= 2
    for expectation in asks.expectations:
        assert expectation.best in {*asks.systems, "least", "most"}
        assert (expectation.best in ("least", "most")) == (expectation.of is not None)


def test_ten_fixed_bases_and_a_learned_one_and_all_four_kinds_of_hybrid() -> None:
    plan = ablation(recipe("bases"), "smoke", "hela").plan
    transforms = [Pipeline.configure(spec).transform for spec in plan.systems.values()]
    assert len({t["name"] for t in transforms}) == 11
    assert all(build("transform", t).levels == 1 for t in transforms)
    assert list(build("transform", transforms[-1]).parameters())
    kinds = set()
    for spec in ablation(recipe("heads"), "smoke", "hela").plan.systems.values():
        config = Pipeline.configure(spec)
        assert config.head is not None
        kinds.add((config.bridge["name"], config.head["name"]))
    assert kinds == {("bbdp", "gan"), ("bbdp", "bridge"), ("regression", "gan"), ("regression", "bridge")}


def test_cpu_and_paper_presets_are_valid() -> None:
    few = some("heads", 1)
    cpu = ablation(few, "cpu", "nanobeads", 2.5).plan
    assert (cpu.training.minutes, cpu.seeds_of("bridge low, GAN high"), cpu.timed) == (2.5, [0, 1, 2], True)
    optimizer = ablation(few, "paper", "hela", 2.5, 1).plan.training.optimizer
    assert (optimizer["name"], optimizer["rate"]) == ("adamw", 1e-4)
    with pytest.raises(InputError, match="no data 'w2s'"):
        ablation(few, "cpu", "w2s")


@pytest.mark.parametrize("name", names("bridge"))
@pytest.mark.parametrize("S", [0.1, 3.0])
def test_with_variance_scales_whatever_has_a_scale(name: str, S: float) -> None:
    made = build("bridge", with_variance({"name": name}, S))
    if name == "indi":
        assert made.sigma0 == pytest.approx(math.sqrt(S), rel=1e-3)
    elif build("bridge", name).total_variance is not None:
        assert made.total_variance == pytest.approx(S, rel=1e-3)
    else:
        assert with_variance({"name": name}, S) == {"name": name}


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_the_share_of_the_spread_is_that_of_known_draws(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Truth is a mean and unit noise, draws are the mean and ``share`` of its variance."""
    generator = torch.Generator().manual_seed(0)
    mean, truth = (torch.randn(1, 96, 96, generator=generator) for _ in range(2))

    def draws(pipe: Any, row: Row, y: Any, seeds: Any, samples: int) -> Any:
        return SimpleNamespace(samples=mean + share**0.5 * torch.randn(samples, 1, 1, 96, 96, generator=generator))

    monkeypatch.setattr("wavegen.experiments.studies.expected.restored_by", draws)
    pipe = Pipeline.from_config({"name": "bbdm", "network": {"width": 8}, "intensity": {"mode": "fixed"}})
    found = band_share(pipe, [Pair(mean + truth, mean)], Row(system="a"))  # type: ignore[arg-type]
    assert found == pytest.approx(share, abs=0.04)


def test_a_recipe_runs_and_repeats_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runs, "connected", in_this_process)
    monkeypatch.setattr(runner, "read_recipe", lambda file: some("heads", 2))

    def run() -> tuple[str, dict[str, bytes]]:
        run_recipe(RECIPES / "ablate_heads.yaml", ["--out", str(tmp_path)])
        return capsys.readouterr().out, {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()}

    text, files = run()
    assert "| bridge low, GAN high, 4 at eta 1 |" in files["expected.md"].decode()
    assert "expected: the paper: a bridge for the low band and GANs for the high bands; best by lpips" in text
    assert {"results.csv", "results.json", "table.md", "expected.json", "grid.yaml", "grid.json"} < files.keys()
    again = read_grid(yaml.safe_load(files["grid.yaml"]))
    whole = {"format": 1, **json.loads(again.model_dump_json())}
    assert whole == json.loads(files["grid.json"])  # the file is the whole grid
    monkeypatch.setattr(runs, "connected", None)
    assert run() == (text, files)


def expectation(metric: str, best: str, of: Any = None) -> Expectation:
    return Expectation(text="x", metric=metric, best=best, of=of)


def test_verdicts_name_who_was_expected_and_who_is_best() -> None:
    rows = [
        {"system": "a", "psnr": 30.0, "lpips": 0.2, "v": 0.3},
        {"system": "a", "psnr": 28.0, "lpips": 0.1, "v": 0.3},
        {"system": "b", "psnr": 29.0, "lpips": 0.15, "v": 0.2},
    ]
    assert verdict(expectation("psnr", "a"), rows).endswith("a 30, b 29 (as expected)")
    assert "not as expected: b has place 2 of 2" in verdict(expectation("lpips", "least", "v"), rows)
    assert "best by lpips: a" in verdict(expectation("lpips", "most", "v"), rows)
    assert "not scored" in verdict(expectation("psnr", "c"), rows)
    assert "no system has ssim" in verdict(expectation("ssim", "a"), rows)
