"""The benchmark of faults sees what it is there to see: results that are lost, wrong or left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.faults.cases import KILLED
from benchmarks.faults.processes import End
from benchmarks.faults.results import hidden, units, unreadable
from benchmarks.faults.table import table
from benchmarks.faults.tries import Finds


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "a.ome.zarr" / "0").mkdir(parents=True)
    (tmp_path / "a.ome.zarr" / "0" / "c").write_bytes(b"chunk")
    (tmp_path / "model.bin").write_bytes(b"weights")
    (tmp_path / "log.jsonl").write_text('{"step": 1, "core_minutes": 0.1}\n{"step": 2, "core_minutes": 0.2}\n')
    return tmp_path


def test_equal_but_for_times(out: Path) -> None:
    right = units(out)
    assert right.keys() == {"a.ome.zarr", "model.bin", "log.jsonl"}
    (out / "log.jsonl").write_text('{"step": 1, "core_minutes": 7}\n{"step": 2, "core_minutes": 8}\n')
    assert units(out) == right
    (out / "a.ome.zarr" / "0" / "c").write_bytes(b"other")
    assert {name for name, digest in units(out).items() if digest != right[name]} == {"a.ome.zarr"}


def test_what_is_found(out: Path) -> None:
    right = units(out)
    ended, good = End(0, "", 1.0), Finds()
    good.after(out, ended, right)
    assert [*good.lost, *good.wrong, *good.left] == []
    (out / "model.bin").unlink()
    with (out / "log.jsonl").open("a") as log:
        log.write('{"step": 2}\n')
    (out / ".x.part").touch()
    bad = Finds()
    bad.after(out, End(2, "no", 1.0), right)
    assert (len(bad.lost), len(bad.wrong), bad.left) == (2, 2, [".x.part"])
    assert hidden(out) == [".x.part"]
    (out / "log.jsonl").write_text('{"step": 2, "tor')
    assert unreadable(out)
    records = [finds.record(KILLED[0], "SIGKILL", index) for index, finds in enumerate((good, bad))]
    assert table(json.loads(json.dumps(records))).splitlines()[-1] == "| SIGKILL | train | 2 | 1 | 1 | 1 |"
