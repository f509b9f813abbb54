"""Declared sizes are compared with a stated limit before anything is allocated."""

from __future__ import annotations

from pathlib import Path

import pytest

from wavegen.core import limits
from wavegen.core.errors import InputError
from wavegen.core.limits import check_declared


def test_a_size_above_the_limit_is_refused_with_the_remedy() -> None:
    check_declared("a.tif", (1000, 500), "u2", limit=1_000_000)
    with pytest.raises(InputError, match=r"a\.tif: it declares 1000x501 values of uint16.*WAVEGEN_MAX_IMAGE_GB=1,"):
        check_declared("a.tif", (1000, 501), "u2", limit=1_000_000)


def test_the_limit_is_half_of_memory_or_what_the_variable_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(limits.VARIABLE, raising=False)
    container = tmp_path / "memory.max"
    monkeypatch.setattr(limits, "CONTAINER", container)
    container.write_text("max\n")
    machine = limits.limit_bytes()
    assert machine > 2**28
    container.write_text("1000000\n")
    assert limits.limit_bytes() == 500_000
    monkeypatch.setenv(limits.VARIABLE, "0.25")
    assert limits.limit_bytes() == 250_000_000
    for wrong in ("much", "-1", "nan", "inf"):
        monkeypatch.setenv(limits.VARIABLE, wrong)
        with pytest.raises(InputError, match="give a positive number of gigabytes"):
            limits.limit_bytes()


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (3, -1, 4)])
def test_an_image_without_pixels_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="holds no pixels"):
        check_declared("zero.tif", shape, "u1")


@pytest.mark.parametrize("shape", [(10**5000, 2), (2**40, 2**40, 2**40)])
def test_numbers_of_any_length_end_in_one_line(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="more values than any machine holds") as caught:
        check_declared("absurd.npy", shape, "f8")
    assert len(str(caught.value)) < 300
