"""Recipes as a user runs them: in a process of their own, or, many times quicker, in this one."""

from __future__ import annotations

import io
import os
import runpy
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RECIPES = ROOT / "recipes"


def run(recipe: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One call on one thread."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(RECIPES / recipe), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)


def run_here(recipe: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same call in this process: its workers are threads of it, and rows are timed once instead of five times.

    Only an exit of the recipe's own counts: any other exception is raised.
    """
    from grids import in_this_process

    out, err, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", [recipe, *arguments])
        patch.syspath_prepend(str(RECIPES))
        patch.setattr("wavegen.experiments.engine.runs.connected", in_this_process)
        patch.setattr("wavegen.experiments.judge.timing.TIMED_RUNS", 1)
        patch.setattr("wavegen.experiments.spec.options.keep_freed_memory", lambda: None)  # stays with the process
        try:
            runpy.run_path(str(RECIPES / recipe), run_name="__main__")
        except SystemExit as exit_:
            code = int(exit_.code or 0)
    return subprocess.CompletedProcess([recipe, *arguments], code, out.getvalue(), err.getvalue())
