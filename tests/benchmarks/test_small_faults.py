"""The check by small faults makes the faults that it says, and the search for unwritten memory sees a wrong kernel."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

from wavegen.networks.convolutions import Shrink


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[2] / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


mutation, memory = load("mutation"), load("unwritten_memory")

SOURCE = '''
def f(a: Annotated[int, Field(ge=1)]) -> bool:
    """1 + 1."""
    if a:
        return a + 2 < 3 and not a
    return None
'''


def test_every_place_that_runs_has_its_faults(tmp_path: Path) -> None:
    folder = tmp_path / "wavegen" / "metrics"
    folder.mkdir(parents=True)
    (folder / "f.py").write_text(SOURCE)
    found = list(mutation.mutants(tmp_path, "metrics"))
    changes = {(m.before, m.after) for m in found if not m.before.startswith("if")}
    assert changes == {
        ("a + 2", "a - 2"),
        ("2", "3"),
        ("3", "4"),
        ("a + 2 < 3", "a + 2 <= 3"),
        ("a + 2 < 3 and (not a)", "a + 2 < 3 or not a"),
        ("not a", "a"),
        ("return a + 2 < 3 and (not a)", "return None"),
    }
    (negated,) = (m for m in found if m.before.startswith("if"))
    assert "if not a:" in negated.text
    assert {m.line for m in found} == {4, 5}
    assert len({m.text for m in found}) == len(found), "each text has one fault"
    assert (folder / "f.py").read_text() == SOURCE


def test_the_nearest_tests_come_first(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text(SOURCE)
    folder = tmp_path / "tests" / "metrics"
    folder.mkdir(parents=True)
    for name, text in (("a", "f(1)"), ("b", "g(1)"), ("c", "f(1); f(2)")):
        (folder / f"test_{name}.py").write_text(text)
    near = [Path(test).stem for test in mutation.nearest(tmp_path, "metrics", tmp_path / "f.py")]
    assert near == ["test_c", "test_a"]


def test_the_share_is_of_the_drawn() -> None:
    drawn = [mutation.Mutant("f.py", line, "a", "b", "") for line in (1, 2, 3, 4)]
    text = mutation.table([(m, m.line != 3) for m in drawn], Counter({"f.py": 9}))
    assert "| all | 9 | 4 | 3 (75 %) |" in text
    assert text.endswith("- `f.py:3`: `a` became `b`")


def test_the_search_compares_with_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = memory.configuration(Shrink(3, 4))
    assert str(chosen) == "12 -> 4, 1x1, stride 1, padding 0"
    found = {(chosen, kind): "here" for kind in (torch.float32, torch.bfloat16)}
    cases, lines = memory.scan(found, 2, True)
    assert (cases, lines) == (32, [])
    forward = nn.Conv2d.forward

    def wrong(self: nn.Conv2d, image: torch.Tensor) -> torch.Tensor:
        output = forward(self, image)
        return output if output.dtype == torch.float64 or output.shape[-1] > 1 else output + torch.nan

    monkeypatch.setattr(nn.Conv2d, "forward", wrong)
    _, lines = memory.scan(found, 2, False)
    assert len(lines) == 4, "two types, two layouts"
    assert all("| 3: 1x1, 2x1, 72x1 |" in line for line in lines)
