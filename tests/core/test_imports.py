"""Whatever module of the package is imported first, nothing is circular and the registry is complete."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from wavegen.core.registry import KINDS, names

ROOT = Path(__file__).resolve().parents[2]
FIRST = ("wavegen.core.registry", "wavegen.bridges.solvers.base", "wavegen.pipeline.config", "wavegen.gans.base",
         "wavegen.metrics.image", "wavegen.data.files")  # fmt: skip


def modules() -> dict[str, Path]:
    """All modules of the package by their dotted name; a package is its ``__init__``."""
    made = {}
    for file in (ROOT / "wavegen").rglob("*.py"):
        parts = file.relative_to(ROOT).with_suffix("").parts
        made[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return made


def imported_at_once(file: Path, known: set[str]) -> set[str]:
    """Modules of the package that a module imports when it is imported itself."""
    found = set()
    statements = ast.parse(file.read_text(encoding="utf-8")).body
    while statements:
        node = statements.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (inner & known) or {str(node.module)}
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            statements += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            statements += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
    return found & known


def test_no_module_imports_itself_through_others() -> None:
    files = modules()
    assert len(files) > 200
    graph = {name: imported_at_once(file, set(files)) for name, file in files.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_registry_is_complete_from_any_entry() -> None:
    """In a fresh interpreter, with another module of the package imported first each time."""
    script = f"""
import importlib, json, sys
counts = []
for first in {FIRST!r}:
    for name in [name for name in sys.modules if name.partition(".")[0] == "wavegen"]:
        del sys.modules[name]
    importlib.import_module(first)
    registry = importlib.import_module("wavegen.core.registry")
    assert registry.build("bridge", "bbdp").s == registry.describe("bridge", "bbdp")["options"]["s"]["default"]
    counts.append({{kind: len(registry.names(kind)) for kind in registry.KINDS}})
print(json.dumps(counts))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts == [{kind: len(names(kind)) for kind in KINDS}] * len(FIRST)
    assert counts[0]["solver"] >= 7
    assert counts[0]["grid"] >= 7
