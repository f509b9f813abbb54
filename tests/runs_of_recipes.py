"""Recipes as a user runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run(recipe: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One call on one thread."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "recipes" / recipe), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
