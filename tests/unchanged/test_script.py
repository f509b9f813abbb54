"""Guards ``benchmarks/unchanged.py``: it counts what differs, and says which revision is missing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import torch
from digest import benchmark

unchanged = benchmark("unchanged")


def test_what_differs_is_counted() -> None:
    ramp = torch.linspace(0, 4, 5)
    old = {"a/x/1 calls": ramp, "p/w": ramp, "p/v": ramp, "p/gone": ramp}
    new = {"a/x/1 calls": ramp.clone(), "p/w": ramp + torch.tensor([0, 0, 0, 0.5, 0]), "p/v": ramp.clone()}
    found = unchanged.compare(old, new)
    assert found["restorations, a"] == unchanged.Outcome(1, 1, 0.0)
    assert found["weights, p"] == unchanged.Outcome(3, 1, float("inf"))
    found = unchanged.compare({k: old[k] for k in new}, new)
    assert found["weights, p"] == unchanged.Outcome(2, 1, 0.125)
    assert "| all weights | 2 | 1 | 0.12 |" in unchanged.table(found)
    assert unchanged.difference(ramp, ramp * torch.nan) == float("inf")
    assert unchanged.difference(ramp, ramp[:4]) == float("inf")


def test_a_missing_revision_is_named(tmp_path: Path) -> None:
    with pytest.raises(unchanged.RefusalError, match=r"git rev-parse: .*not a git repository"):
        unchanged.resolve(tmp_path, None)
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    with pytest.raises(unchanged.RefusalError, match=r"neither tag v0\.1\.0 nor commit db29d2c; git fetch --tags"):
        unchanged.resolve(tmp_path, None)
    with pytest.raises(unchanged.RefusalError, match="no revision 'nonsense'"):
        unchanged.resolve(tmp_path, "nonsense")


def test_a_revision_is_exported(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    (tmp_path / "file").write_text("first")
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "file"], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "one"], check=True)
    (tmp_path / "file").write_text("second")
    commit = unchanged.resolve(tmp_path, "HEAD")
    assert (unchanged.export(tmp_path, commit, tmp_path / "out") / "file").read_text() == "first"
