"""The pictures of the documentation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from wavegen import InputError
from wavegen.experiments import subband_figures


def test_figures(tmp_path: Path) -> None:
    pages = {
        "one": [{"name": "packets", "levels": 2}, {"name": "haar", "levels": 1}],
        "two": [{"name": "stack", "levels": 1, "levels_z": 1}],
    }
    one, two = subband_figures(pages, tmp_path / "new")
    assert (one.name, two.name) == ("one.png", "two.png")
    shown = np.asarray(Image.open(one))
    assert shown.dtype == np.uint8
    assert shown.shape == (134, 134 + 4 + 130)  # 4 x 4 bands of 32, and 2 x 2 of 64, with gaps of 2
    assert (shown.min(), shown.max()) == (0, 255)
    assert np.asarray(Image.open(two)).shape == (64 + 4 + 64, 7 * 64 + 6 * 4)
    again, _ = subband_figures(pages, tmp_path / "again")
    assert again.read_bytes() == one.read_bytes()


def test_unknown_transform(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="haar"):
        subband_figures({"x": [{"name": "harr"}]}, tmp_path)
