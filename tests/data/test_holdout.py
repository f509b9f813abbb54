"""Guards the split of a data set by whole images: what is related stays together, and the seed alone decides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from wavegen import InputError, Pair
from wavegen.data import Simulated, Subset, hold_out
from wavegen.data.base import names_of
from wavegen.data.files import FilePairs
from wavegen.data.holdout import split_at
from wavegen.io import write_image


class Numbers:
    """Items that show their number."""

    channels = 1

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Pair:
        return Pair(*(torch.full((1, 2, 2), float(index)) for _ in range(2)))


class Named(FilePairs):
    """Files that need not exist."""

    def __init__(self, names: Sequence[str]) -> None:
        self.files = [(Path(name), Path(name)) for name in names]
        self.names = list(names)


def fields(count: int, each: int) -> list[str]:
    return [f"{field:03d}_{channel}.tif" for field in range(count) for channel in range(each)]


@pytest.mark.parametrize(("total", "held"), [(4, 1), (8, 1), (54, 6), (96, 12), (800, 12)])
def test_an_eighth_is_held_out(total: int, held: int) -> None:
    split = hold_out(Numbers(total))
    assert (len(split.train), len(split.held_out)) == (total - held, held)
    numbers = [int(part[i].x[0, 0, 0]) for part in (split.train, split.held_out) for i in range(len(part))]
    assert sorted(numbers) == list(range(total))
    assert split.train.channels == 1  # type: ignore[attr-defined]


def test_the_seed_decides() -> None:
    first, again, other = (hold_out(Numbers(40), seed=seed).held_out.items for seed in (3, 3, 4))
    assert first == again != other


@pytest.mark.parametrize(("wanted", "held"), [(3, 3), (0.25, 5), (19, 19)])
def test_as_many_as_are_asked_for(wanted: float, held: int) -> None:
    assert len(hold_out(Numbers(20), wanted).held_out) == held


@pytest.mark.parametrize("wanted", [0, -1, 20, 0.01, 2.5])
def test_a_split_of_nothing_is_refused(wanted: float) -> None:
    with pytest.raises(InputError, match="give a number from 1 to 19"):
        hold_out(Numbers(20), wanted)


def test_few_images_cannot_be_split() -> None:
    with pytest.raises(InputError, match="cannot be split into training and validation, which takes 4"):
        hold_out(Numbers(3))


def test_images_of_one_field_stay_together() -> None:
    names = fields(18, 3)
    split = hold_out(Named(names))
    held = {name[:3] for name in split.names}
    assert len(split.names) == 6
    assert all(name in split.names for name in names if name[:3] in held)
    assert "48 images train, 6 are held out for validation" in split.said
    assert "names differ in the last index stay on one side" in split.said


def test_as_many_indices_are_ignored_as_leave_enough_groups() -> None:
    """Frames and planes of a position belong together; numbers alone say nothing."""
    films = [f"pos{p}_t{t:03d}_z{z}.tif" for p in range(8) for t in range(3) for z in range(2)]
    split = hold_out(Named(films))
    assert len({name.partition("_")[0] for name in split.names}) * 6 == len(split.names)
    plain = hold_out(Named([f"image_{i:03d}.tif" for i in range(16)]))
    assert (len(plain.names), "stay on one side" in plain.said) == (2, False)


def test_folders_tell_files_of_one_name_apart() -> None:
    assert len(hold_out(Named([f"{i}/target.tif" for i in range(8)])).names) == 1


def test_channels_of_one_file_stay_together(tmp_path: Path) -> None:
    for i in range(5):
        write_image(tmp_path / f"{'abcde'[i]}.tif", torch.rand(2, 8, 8).numpy(), {})
    data = Simulated({"name": "camera"}, folder=str(tmp_path), per_channel=True, repeats=2)
    split = hold_out(data)
    assert len(data) == 20
    assert len(split.held_out) == 4
    assert len(set(split.names)) == 1


def test_one_file_cannot_be_split(tmp_path: Path) -> None:
    write_image(tmp_path / "a.tif", torch.rand(4, 8, 8).numpy(), {})
    data = Simulated({"name": "camera"}, folder=str(tmp_path), per_channel=True)
    with pytest.raises(InputError, match=r"come from 1 file.s., none of which can be held out"):
        hold_out(data)


def test_a_recorded_split_comes_back() -> None:
    split = hold_out(Numbers(30), seed=5)
    again = split_at(Numbers(30), split.held_out.items)
    assert again.held_out.items == split.held_out.items
    assert again.train.items == split.train.items
    assert names_of(again.held_out) == split.names


def test_a_subset_ends() -> None:
    part = Subset(Numbers(5), [4, 1])
    assert [int(pair.x[0, 0, 0]) for pair in part] == [4, 1]
    with pytest.raises(IndexError):
        part[2]
