"""What every test shares: one thread, fixed seeds, no network, real data where it is found."""

from __future__ import annotations

import os
import random
from pathlib import Path

os.environ["MPLBACKEND"] = "Agg"
os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import pytest
import torch
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile(
    "shared machine", deadline=None, max_examples=50
)  # how long an example takes depends on who else computes
settings.load_profile("shared machine")


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Global generators start alike in every test, whatever ran before."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002  (third parties draw from the global one)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real images with an ``index.csv``; a test that needs it is skipped where it is not there."""
    given = os.environ.get("WAVEGEN_TEST_DATA")
    folder = Path(given) if given else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not (folder / "index.csv").is_file():
        pytest.skip(f"no real data: set WAVEGEN_TEST_DATA to a folder with index.csv ({folder} has none)")
    return folder
