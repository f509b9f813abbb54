"""What figures were made on: command, date, versions, machine, plan."""

from __future__ import annotations

import platform
import shlex
import sys
from datetime import date
from pathlib import Path
from typing import Any

import torch

from wavegen.experiments.spec.comparison import Comparison
from wavegen.version import __version__


def about(plan: Comparison) -> dict[str, Any]:
    """What the figures of a comparison were made on."""
    return {
        "command": command_line(),
        "date": date.today().isoformat(),
        "wavegen": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {cpu_name()}",
        "threads": torch.get_num_threads(),
        "plan": plan.model_dump(mode="json"),
    }


def cpu_name() -> str:
    """The processor's own name, where it can be had."""
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return str(capabilities.get("cpu_name") or platform.processor() or "unknown processor")


def command_line() -> str:
    """The command of this process, to be given again from the same folder."""
    program = Path(sys.argv[0])
    if program.name == "__main__.py":
        start = ["python", "-m", program.parent.name]
    elif program.suffix == ".py":
        start = ["python", str(program)]
    else:
        start = [program.name]
    return shlex.join([*start, *sys.argv[1:]])
