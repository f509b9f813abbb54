"""Contests: the spread of bands in closed form, verdicts over seeds, and the two recipes from start to end."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from runs_of_recipes import run

from wavegen.experiments import Contest, Row, contest
from wavegen.types import Pair


def test_spread_of_bands_in_closed_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws of deviation r about a mean that is off by white noise of deviation 1 have the spread r in every band."""
    generator = torch.Generator().manual_seed(0)
    mean = torch.zeros(1, 256, 256)
    pairs = [Pair(mean + torch.randn(mean.shape, generator=generator), mean) for _ in range(4)]

    def drawn(pipe: Any, row: Row, y: torch.Tensor, seeds: Any, samples: int) -> Any:
        return SimpleNamespace(samples=y + 0.5 * torch.randn((samples, *y.shape), generator=generator))

    monkeypatch.setattr(contest, "restored_by", drawn)
    found = contest.spread_of_bands(None, Row(system="a", steps=4), pairs)  # type: ignore[arg-type]
    assert found.keys() == {"ll2", "h2", "v2", "d2", "h1", "v1", "d1"}
    for value in found.values():
        torch.testing.assert_close(value, 0.5, rtol=0.05, atol=0)


def test_verdicts_are_of_common_seeds_and_the_right_way_round(tmp_path: Path) -> None:
    rows = [
        {"system": name, "steps": 4, "seed": seed, "psnr": base + 0.01 * seed, "lpips": base / 100 + 0.001 * seed}
        for name, base in (("ours", 26.0), ("theirs", 25.0))
        for seed in range(3)
    ]
    times = [
        {"system": name, "steps": 4, "ms_batch_1": ms, "ms_batch_8": 2 * ms}
        for name, ms in (("ours", 10), ("theirs", 50))
    ]
    (tmp_path / "results.json").write_text(json.dumps({"rows": rows}))
    (tmp_path / "times.json").write_text(json.dumps({"rows": times}))
    both = tuple(Row(system=name, steps=4) for name in ("ours", "theirs"))
    said = contest.verdicts(Contest("ours", ("theirs",), both, {"psnr": True, "lpips": False}), tmp_path)
    assert "| theirs | psnr | +1.0000 ± 0.0000 | better |" in said
    assert "| theirs | lpips | +0.0100 ± 0.0000 | worse |" in said
    assert "| theirs | times faster, batch 1; 8 | 5.0; 5.0 | |" in said


@pytest.mark.parametrize("recipe", ["fidelity.py", "realism.py"])
def test_recipes_run_and_refuse_an_export_of_a_smoke_run(recipe: str, tmp_path: Path) -> None:
    done = run(recipe, "--data", "nanobeads", "--out", str(tmp_path / "out"), "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert "| against | score | difference | verdict |" in done.stdout
    assert (tmp_path / "out" / "verdicts.md").read_text() in done.stdout + "\n"
    spreads = json.loads((tmp_path / "out" / "spreads.json").read_text()) if recipe == "realism.py" else []
    assert len(spreads) == 3 * (recipe == "realism.py")
    wrong = run(recipe, "--out", str(tmp_path / "other"), "--export", str(tmp_path / "x"))
    assert wrong.returncode == 2
    assert "--export goes with --preset ship" in wrong.stderr
