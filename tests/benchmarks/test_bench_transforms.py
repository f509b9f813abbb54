"""The benchmark of the transforms: that it runs, what it prints, and what it refuses."""

from __future__ import annotations

import json
import time

import pytest
import torch

from benchmarks.transform_table import bench_table
from benchmarks.transforms import OWN, bench_transforms, interleaved, peak_memory
from wavegen.cli import main
from wavegen.core.errors import InputError


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as done:
        main(arguments)
    return int(done.value.code or 0)


def test_quick_run_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bench", "transforms", "--quick", "--json", "--sizes", "1x1x64x64") == 0
    found = json.loads(capsys.readouterr().out)
    own = [row for row in found["timings"] if row["library"] == OWN]
    assert {"haar", "db4", "sym8", "bior4.4"} <= {row["basis"] for row in own}
    assert {row["operation"] for row in own} == {"forward", "inverse", "forward+backward"}
    assert all(row["seconds"] > 0 for row in found["timings"])
    assert any(row["library"] == "PyWavelets" for row in found["timings"])


def test_table_names_an_unregistered_basis_and_every_peer() -> None:
    found = bench_transforms([(1, 1, 16, 16)], ["haar", "no_such"], rounds=1, sides=())
    table = bench_table(found)
    assert "no_such: not registered, left out" in table
    for peer in ("ptwt", "pytorch_wavelets", "PyWavelets"):
        assert f"- {peer}: " in table


def test_accuracy_and_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bench", "transforms", "--accuracy", "--quick") == 0
    assert capsys.readouterr().out.count("float64") == 3 * 4
    assert run("bench", "transforms", "--sizes", "8x8") == 2
    assert "BxCxHxW" in capsys.readouterr().err
    with pytest.raises(InputError, match="positive"):
        bench_transforms([(1, 1, 0, 4)])


def test_calls_take_turns() -> None:
    order: list[str] = []
    calls = {"a": lambda: order.append("a"), "b": lambda: (order.append("b"), time.sleep(0.002))}
    seconds = interleaved(calls, 3)
    assert order == ["a", "b"] * 4
    assert seconds["b"] >= 0.002 > seconds["a"]


def test_peak_memory_sees_a_large_tensor() -> None:
    peak = peak_memory(lambda: torch.ones(1 << 24))
    assert peak is None or peak >= 0.9 * (4 << 24)
