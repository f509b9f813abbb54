"""Degradations that need options or a file, built for the contract."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from wavegen.core.registry import build
from wavegen.degradations import Degradation

CHAIN = ["gaussian_blur", {"name": "mask", "size": 4}, {"name": "downsample", "factor": 2}, "bleaching"]
OPTIONS: dict[str, dict[str, Any]] = {
    "chain": {"parts": CHAIN},
    "random_chain": {"parts": [{"name": "gaussian_blur", "sigma": [0.5, 3]}, "mask", "motion_blur"]},
}


@pytest.fixture(scope="session")
def bead_stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One Gaussian bead of FWHM 4 px, between two pixels, over a background of 10 counts."""
    axis = np.arange(41)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    spread = 2 * (4 / 2.3548) ** 2
    focus = 1000 * np.exp(-((y - 20.3) ** 2 + (x - 19.6) ** 2) / spread)
    path = tmp_path_factory.mktemp("beads") / "beads.tif"
    tifffile.imwrite(path, np.stack([10 + focus / 4, 10 + focus, 10 + focus / 2]).astype(np.float32))
    return path


@pytest.fixture
def make(bead_stack: Path) -> Callable[[str], Degradation]:
    def build_with_options(name: str) -> Degradation:
        options = {"file": str(bead_stack), "size": 15} if name == "measured_psf" else OPTIONS.get(name, {})
        model: Degradation = build("degradation", {"name": name, **options})
        return model

    return build_with_options
