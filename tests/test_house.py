"""Guards the shape of the package: few files at its root, few import levels, no long or tangled function.

The measures are those of ``benchmarks/house.py``. A command's signature is the list of its options and does not count.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES_AT_ROOT, LEVELS, COMPLEXITY, LINES = 5, 8, 15, 60


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("house_code", ROOT / "benchmarks" / "house_code.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


code = load()


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.Module]:
    found: dict[str, ast.Module] = code.sources(ROOT)
    return found


def test_few_files_at_the_root() -> None:
    files = sorted(file.name for file in (ROOT / "wavegen").iterdir() if file.is_file())
    assert len(files) <= FILES_AT_ROOT, files


def test_import_levels(trees: dict[str, ast.Module]) -> None:
    edges = code.graph(trees, code.unit)
    cycles = [sorted(component) for component in code.components(edges) if len(component) > 1]
    assert not cycles
    chain = code.longest_chain(edges)
    assert 1 < len(chain) <= LEVELS, " < ".join(chain)


def test_no_function_is_tangled_or_long(trees: dict[str, ast.Module]) -> None:
    found = code.functions(trees)
    assert len(found) > 500
    over = [str(f) for f in found if f.complexity > COMPLEXITY or f.lines > LINES]
    assert not over, "\n" + "\n".join(over)


# -- the measures themselves -----------------------------------------------------------------------

FUNCTION = '''
def f(a, b=1, *c, d, **e):
    """Not counted,
    over two lines."""
    if a and b or d:                      # if, and, or
        return [x for x in c if x if b]   # for, if, if
    try:
        while a:                          # while
            a = b if d else e             # conditional
    except ValueError:                    # except
        def inner():
            if a: pass
    match a:
        case 1: pass                      # case
'''


def test_complexity_and_lines_of_a_known_function() -> None:
    outer, inner = code.functions({"wavegen/x.py": ast.parse(FUNCTION)})
    assert (outer.name, outer.complexity, outer.lines, outer.parameters) == ("f", 11, 11, 5)
    assert (inner.name, inner.complexity, inner.lines, inner.parameters) == ("f.inner", 2, 2, 0)
    assert not outer.typed


def test_options_of_a_command_do_not_count() -> None:
    text = "def f(\n a: Annotated[int, typer.Option()],\n b: Annotated[int, typer.Option()],\n) -> None:\n    g()\n"
    (command,) = code.functions({"wavegen/cli/x.py": ast.parse(text)})
    assert (command.lines, command.parameters, command.options) == (1, 0, 2)
    (plain,) = code.functions({"wavegen/x.py": ast.parse(text)})
    assert (plain.lines, plain.parameters, plain.options) == (5, 2, 0)


def test_chains_follow_imports_and_count_cycles() -> None:
    texts = {
        "wavegen/__init__.py": "from wavegen import d",
        "wavegen/a.py": "",
        "wavegen/b/__init__.py": "from wavegen.b.x import y",
        "wavegen/b/x.py": "def f():\n    from wavegen import a",
        "wavegen/c.py": "import wavegen.b.x\nif TYPE_CHECKING:\n    from wavegen import d",
        "wavegen/d.py": "from wavegen.c import z",
    }
    trees = {file: ast.parse(text) for file, text in texts.items()}
    assert code.longest_chain(code.graph(trees, code.unit)) == ["a", "b", "c", "d"]
    modules = code.longest_chain(code.graph(trees, code.module))
    assert modules == ["wavegen.a", "wavegen.b.x", "wavegen.c", "wavegen.d"]
    trees["wavegen/a.py"] = ast.parse("import wavegen.c")
    edges = code.graph(trees, code.unit)
    assert [sorted(part) for part in code.components(edges)] == [["a", "b", "c"], ["d"]]
    assert code.longest_chain(edges) == ["a", "b", "c", "d"]
