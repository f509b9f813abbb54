"""The layers of the package, read from the syntax tree: every import goes down."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "wavegen"
# Each name may import what stands before it; the names of one tuple may not import each other.
ORDER: tuple[tuple[str, ...], ...] = (
    ("version", "core"),
    ("transforms", "bridges", "networks", "degradations", "metrics", "io"),
    ("gans", "data", "optimizers"),
    ("pipeline", "reports"),
    ("losses",),
    ("training", "inference", "analysis", "testing", "components"),
    ("experiments",),
    ("cli",),
    ("__main__",),
)
LEVEL = {name: level for level, names in enumerate(ORDER) for name in names}
SLOW = {"timm", "kornia", "lpips", "torchvision", "matplotlib", "gradio", "dask", "skimage", "pytorch_fid"}
SLOW |= {"torchmetrics", "accelerate", "distributed"}
FILES = sorted(PACKAGE.rglob("*.py"))
DOCS = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"]


def imported(tree: ast.AST) -> Iterator[tuple[str, str | None, bool]]:
    """(module, name or None, whether at module level) of every import that runs."""

    def walk(node: ast.AST, top: bool) -> Iterator[tuple[str, str | None, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from ((alias.name, None, top) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, "relative imports hide where they go"
                yield from ((str(child.module), alias.name, top) for alias in child.names)
            elif isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
                for other in child.orelse:
                    yield from walk(ast.Module([other], []), top)
            else:
                inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from walk(child, top and not inside)

    yield from walk(tree, True)


def parts(file: Path) -> list[tuple[str, str | None, bool]]:
    return list(imported(ast.parse(file.read_text(encoding="utf-8"))))


def home(file: Path) -> str:
    """The module or package of wavegen that a file belongs to."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def target(module: str, name: str | None) -> str | None:
    """The module or package of wavegen that an import reaches; "" for the public names, None for others."""
    first, _, rest = module.partition(".")
    if first != "wavegen":
        return None
    if rest:
        return rest.split(".")[0]
    return name if name in LEVEL else ""


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_go_down(file: Path) -> None:
    own = home(file)
    allowed_names = {"version", "core"}  # of the package's own __init__, which finds the rest lazily
    for module, name, top in parts(file):
        assert module.split(".")[0] != "recipes", f"{file} imports recipes"
        if top:
            assert module.split(".")[0] not in SLOW, f"{file} imports {module} at module level"
        reached = target(module, name)
        if reached is None or reached == own:
            continue
        if own == "__init__":
            assert reached in allowed_names, f"{file} imports {reached} eagerly"
            continue
        assert reached, f"{file} imports from the package's public names; import the module that defines them"
        assert reached in LEVEL, f"{reached} has no level in this test"
        assert LEVEL[reached] < LEVEL[own], f"{file} ({own}) imports {reached}, which is not below it"


def test_every_module_has_a_level() -> None:
    assert {home(file) for file in FILES} - {"__init__"} <= LEVEL.keys()


ROOMS = ("spec", "judge", "engine", "studies")  # of experiments: each may import the ones before it


@pytest.mark.parametrize(
    "file", sorted((PACKAGE / "experiments").rglob("*/*.py")), ids=lambda f: f"{f.parent.name}/{f.name}"
)
def test_rooms_of_experiments_look_down(file: Path) -> None:
    for module, _, _ in parts(file):
        if module.startswith("wavegen.experiments"):
            room = module.split(".")[2] if module.count(".") > 1 else ""
            assert room in ROOMS, f"{file} imports {module}"
            assert ROOMS.index(room) <= ROOMS.index(file.parent.name), f"{file} imports {module}, which is not below it"


def test_the_package_stands_without_the_benchmarks() -> None:
    for file in FILES:
        for module, _, _ in parts(file):
            assert module.split(".")[0] not in ("benchmarks", "recipes"), f"{file} imports {module}"


def test_recipes_use_public_names() -> None:
    for file in sorted((ROOT / "recipes").rglob("*.py")):
        for module, name, _ in parts(file):
            reached = target(module, name)
            assert reached in (None, "", "experiments", "reports"), (
                f"{file} imports {module}; use wavegen's public names"
            )


@pytest.mark.parametrize("page", DOCS, ids=lambda p: p.name)
def test_docs_use_public_names(page: Path) -> None:
    """A page may use what ``wavegen`` or one of its packages lists in ``__all__``."""
    for block in re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        for module, name, _ in imported(ast.parse(block)):
            if module.split(".")[0] != "wavegen" or name is None:
                continue
            assert module.count(".") <= 1, f"{page.name}: {module} is not public"
            public = getattr(importlib.import_module(module), "__all__", ())
            assert name in public, f"{page.name}: {module} does not list {name} in __all__"


def test_lazy_import() -> None:
    """Importing the package or asking the command line for help must not wait for slow libraries."""
    check = """
import sys, wavegen, wavegen.cli
for command in ([], ["demo"], ["train"], ["restore"], ["evaluate"], ["calibrate"], ["plan"], ["analyze"], ["list"],
                ["weights"], ["data", "check"], ["bench", "io"], ["bench", "transforms"], ["learn-basis"], ["report"],
                ["ablate"]):
    try:
        wavegen.cli.main([*command, "--help"])
    except SystemExit as done:
        assert done.code == 0, command
heavy = {"torch", "numpy", "numba", *SLOW} & sys.modules.keys()
assert not heavy, heavy
from wavegen import Pipeline, names
names("transform")
heavy = {"numba", *SLOW} & sys.modules.keys()
assert not heavy, heavy
""".replace("SLOW", repr(SLOW))
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_public_names_resolve() -> None:
    import wavegen

    for name in wavegen.__all__:
        assert getattr(wavegen, name) is not None
    assert set(wavegen.__all__) <= set(dir(wavegen))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        wavegen.nonsense  # noqa: B018
