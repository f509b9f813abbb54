"""Every kind of image file says the same after it was read, written and read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.file_kinds import KINDS, Kind
from benchmarks.round_trip import tried


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.by}: {kind.name}, {kind.extension}")
def test_round_trip(tmp_path: Path, kind: Kind) -> None:
    found = tried(kind, tmp_path)
    assert (found["read"], found["written"]) == ([], [])
