"""Random crops (every position and orientation, the same for x and y) and the cache in memory and on disk."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from wavegen.core.errors import InputError
from wavegen.core.types import Pair
from wavegen.data import Crops, InMemory, Nanobeads


class Ramps(Dataset[Pair]):
    """Every pixel of x names its item and place; y = x + 0.25."""

    def __init__(self, shapes: list[tuple[int, int]]) -> None:
        self.shapes = shapes

    def __len__(self) -> int:
        return len(self.shapes)

    def __getitem__(self, i: int) -> Pair:
        h, w = self.shapes[i]
        x = 10_000.0 * i + torch.arange(h * w, dtype=torch.float32).reshape(1, h, w)
        return Pair(x, x + 0.25)


def test_crops_treat_x_and_y_alike_and_use_every_orientation() -> None:
    crops = Crops(Ramps([(9, 12)]), size=4, seed=0, length=300)
    seen = set()
    places = set()
    for x, y in crops:
        torch.testing.assert_close(y, x + 0.25)
        assert x.shape == (1, 4, 4)
        seen.add((float(x[0, 0, 1] - x[0, 0, 0]), float(x[0, 1, 0] - x[0, 0, 0])))
        places.add(float(x.min()))
    assert len(seen) == 8
    assert places == {12.0 * r + c for r in range(6) for c in range(9)}


def test_crop_is_a_function_of_seed_and_index() -> None:
    ramps = Ramps([(20, 20), (30, 20)])
    a, b = Crops(ramps, 8, seed=1, length=5), Crops(ramps, 8, seed=1, length=50)
    for i in (4, 0, 2):
        torch.testing.assert_close(a[i], b[i], rtol=0, atol=0)
    other = Crops(ramps, 8, seed=2, length=50)
    assert any((b[i].x - other[i].x).abs().max() > 0 for i in range(5))
    with pytest.raises(IndexError):
        a[5]


@pytest.mark.parametrize(("room", "kept"), [(10**6, 3), (2 * 4 * 81, 1), (0, 0)])
def test_whole_images_are_transformed_once_while_there_is_room(
    room: int, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wavegen.data.crops.KEPT", room)
    calls = []

    def transform(pair: Pair) -> Pair:
        calls.append(float(pair.x[0, 0, 0]))
        return Pair(2 * pair.x, 3 * pair.y)

    ramps = Ramps([(9, 9)] * 3)
    crops = Crops(ramps, 4, 0, 60, transform)
    found = [crops[i] for i in range(60)]
    counts = sorted(calls.count(item) for item in set(calls))
    assert len(counts) == 3
    assert counts[:kept] == [1] * kept
    assert all(count > 5 for count in counts[kept:])
    for pair, whole in zip(found, (Crops(ramps, 4, 0, 60)[i] for i in range(60)), strict=True):
        torch.testing.assert_close(pair, Pair(2 * whole.x, 3 * whole.y), rtol=0, atol=0)


def test_transform_sees_the_whole_image() -> None:
    sizes = []

    def transform(pair: Pair) -> Pair:
        sizes.append(pair.x.shape)
        return Pair(pair.x * 2, pair.y * 2)

    x, y = Crops(Ramps([(9, 9)]), 3, 0, 1, transform)[0]
    assert sizes == [(1, 9, 9)]
    torch.testing.assert_close(y, x + 0.5)


def test_crops_refuse_what_does_not_fit() -> None:
    with pytest.raises(InputError, match=r"item 0 is 9x5, smaller than the crop of 6"):
        Crops(Ramps([(9, 5)]), 6, 0, 1)[0]
    with pytest.raises(InputError, match="at least 1"):
        Crops(Ramps([]), 4, 0, 1)
    unequal = Crops(Ramps([(9, 9)]), 4, 0, 1, lambda p: Pair(p.x, p.y[..., :5]))
    with pytest.raises(InputError, match="one size"):
        unequal[0]


def test_memory_holds_the_same_items() -> None:
    source = Nanobeads(size=16, length=3)
    held = InMemory(source)
    assert len(held) == 3
    for i in range(3):
        torch.testing.assert_close(held[i], source[i], rtol=0, atol=0)
    assert len(InMemory(Ramps([(3, 4), (5, 6)]))) == 2


def test_file_is_written_once_and_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pool.npz"
    first = InMemory(Nanobeads(size=16, length=3), path)
    assert [p.name for p in tmp_path.iterdir()] == ["pool.npz"]
    monkeypatch.setattr(Nanobeads, "__getitem__", None)  # now only the file can give them
    second = InMemory(Nanobeads(size=16, length=3), path)
    for i in range(3):
        torch.testing.assert_close(first[i], second[i], rtol=0, atol=0)
    with pytest.raises(InputError, match="another data set"):
        InMemory(Nanobeads(size=16, length=3, seed=1), path)


def test_bad_cache_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "pool.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(InputError, match="damaged"):
        InMemory(Nanobeads(size=16, length=1), path)
    with pytest.raises(InputError, match=r"\.npz"):
        InMemory(Nanobeads(size=16, length=1), tmp_path / "pool.bin")
    with pytest.raises(InputError, match="only simulated"):
        InMemory(Ramps([(4, 4)]), tmp_path / "ramps.npz")


def test_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(InputError, match="No space left"):
        InMemory(Nanobeads(size=16, length=1), tmp_path / "pool.npz")
    assert not list(tmp_path.iterdir())
