"""Some mutants of every format, each the same every time; ``make fuzz`` tries a hundred thousand."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from random import Random

import pytest

from benchmarks.fuzz import BAD, fuzz, table
from benchmarks.fuzzing import mutate
from benchmarks.fuzzing.formats import FORMATS, Format
from benchmarks.fuzzing.worker import MEMORY, Watch, attempt

# About two seconds of each, as far as these were measured.
MUTANTS = {"yaml": 40, "config": 60, "zarr": 100}


@pytest.mark.parametrize("name", FORMATS)
def test_mutants_are_read_or_refused(name: str, tmp_path: Path) -> None:
    tally = fuzz(name, MUTANTS.get(name, 150), tmp_path)
    kept = "\n".join(file.read_text() for file in sorted((tmp_path / name).glob("*.txt"))[:3])
    assert not any(tally[key] for key in BAD), table({name: tally}) + kept
    assert tally["read"] > 0
    assert tally["refused"] > 0


# -- the fuzzer itself -----------------------------------------------------------------------------


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    first = dict(fuzz("png", 20, tmp_path))
    assert fuzz("png", 20, tmp_path) == first  # without a worker
    assert fuzz("png", 50, tmp_path) == fuzz("png", 50, tmp_path / "whole")


def outcome(reader: object, folder: Path) -> str:
    seed = next(iter(FORMATS["npy"].seeds(folder)))
    return attempt(Format("x", lambda _: (), (reader,)), seed, Watch(folder, False))[0]  # type: ignore[arg-type]


def test_faults_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wavegen.core.errors import InputError

    def refuse(path: Path) -> None:
        raise InputError(f"{path}: wrong")

    def nameless(path: Path) -> None:
        raise InputError("wrong")

    def fail(path: Path) -> None:
        raise KeyError(3)

    def write(path: Path) -> None:
        (tmp_path.parent / f"{tmp_path.name}-outside").write_text("x")

    monkeypatch.setattr("benchmarks.fuzzing.worker._peak", lambda: 0)
    assert outcome(lambda path: None, tmp_path) == "read"
    assert outcome(refuse, tmp_path) == "refused"
    assert outcome(nameless, tmp_path) == "traceback"
    assert outcome(fail, tmp_path) == "traceback"
    assert outcome(write, tmp_path) == "outside"
    monkeypatch.setattr("benchmarks.fuzzing.worker._peak", lambda: MEMORY + 1)
    assert outcome(refuse, tmp_path) == "memory"


def test_a_mutant_is_a_function_of_its_number(tmp_path: Path) -> None:
    for name, form in FORMATS.items():
        if name in ("config", "zarr"):
            continue  # slow to make
        (tmp_path / name).mkdir()
        for seed in form.seeds(tmp_path / name):
            valid = seed.file.read_bytes()
            for change in seed.mutations:
                changed = [change(valid, Random(7)) for _ in range(2)]
                assert changed[0] == changed[1]
            assert any(change(valid, Random(n)) != valid for change in seed.mutations for n in range(5))


def test_checksums_of_changed_chunks_are_right() -> None:
    body = b"IHDR" + struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    for number in range(20):
        changed = mutate.png_chunks(data, Random(number))[8:]
        while changed:
            (length,) = struct.unpack(">I", changed[:4])
            assert struct.unpack(">I", changed[8 + length : 12 + length])[0] == zlib.crc32(changed[4 : 8 + length])
            changed = changed[12 + length :]
