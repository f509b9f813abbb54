"""Do the tests notice a wrong program? Small faults are put into a package one by one, and its tests are run.

    python benchmarks/mutation.py metrics [--number 120] [--seed 0] [--skip EXPRESSION]

A mutant changes one comparison, arithmetic or Boolean operator, number, condition or returned value of one file of
``wavegen/PACKAGE``. ``--number`` of all possible ones are drawn, the same for a seed, and ``tests/PACKAGE`` is run with
each until a test fails: the test files that mention what the mutated file defines, most mentions first (all, where none
does). What the others might notice is not counted; a run of more than three times what all tests take is. Everything
happens in a copy of the tracked files; slow libraries are loaded once, and each mutant has a process of its own, forked
from there. ``--skip`` is handed to pytest as ``-k "not (...)"``, for tests that take long and guard something else.
Prints Markdown: a table by file, then every mutant that no test noticed.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

OUTPUT = "output-of-the-tests.txt"
ROOT = Path(__file__).resolve().parents[1]
PRELOADED = (
    "torch",
    "numpy",
    "scipy.ndimage",
    "scipy.optimize",
    "hypothesis",
    "pydantic",
    "tifffile",
    "PIL.Image",
    "pytest",
)
LONGEST = 3600.0  # seconds for the tests without a fault
TICK = 0.05  # seconds between looks at them
PLUGINS = ("hypothesis", "_hypothesis")
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Add,
    ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.MatMult: ast.Mult,
}  # fmt: skip


class Mutant(NamedTuple):
    """A file with one fault: its path in the tree, the line, what it says there before and after, the whole text."""

    file: str
    line: int
    before: str
    after: str
    text: str


def changed(node: ast.AST) -> Iterator[ast.AST]:
    """Faulty versions of one node."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS:
        yield _with(node, ops=[COMPARISONS[type(node.ops[0])]()])
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        yield _with(node, op=ARITHMETIC[type(node.op)]())
    if isinstance(node, ast.BoolOp):
        yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield node.operand
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield ast.Constant(node.value + 1 if isinstance(node.value, int) else 2 * node.value + 0.5)
    if isinstance(node, ast.If | ast.IfExp) and not isinstance(node.test, ast.Compare | ast.BoolOp):
        yield _with(node, test=ast.UnaryOp(ast.Not(), node.test))
    if isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
        yield _with(node, value=ast.Constant(None))


def _with(node: ast.AST, **fields: object) -> ast.AST:
    made = copy.copy(node)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def inner(node: ast.AST) -> Iterator[tuple[ast.AST, str, int | None]]:
    """(parent, field, place in a list or None) of every node that runs: no annotations, no type parameters."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for place, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST):
                yield node, name, place
                yield from inner(child)


def mutants(tree: Path, package: str) -> Iterator[Mutant]:
    """Every mutant of the files of a package."""
    for file in sorted((tree / "wavegen" / package).rglob("*.py")):
        module = ast.parse(file.read_text(encoding="utf-8"))
        for parent, name, place in inner(module):
            held = getattr(parent, name)
            node = held if place is None else held[place]
            for fault in changed(node):
                _put(parent, name, place, fault)
                text = ast.unparse(ast.fix_missing_locations(module))
                _put(parent, name, place, node)
                line = getattr(node, "lineno", 0)
                yield Mutant(str(file.relative_to(tree)), line, _short(node), _short(fault), text)


def _put(parent: ast.AST, name: str, place: int | None, node: ast.AST) -> None:
    if place is None:
        setattr(parent, name, node)
    else:
        getattr(parent, name)[place] = node


def _short(node: ast.AST) -> str:
    first = ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).splitlines()[0]
    return first if len(first) <= 90 else first[:87] + "..."


def exported(folder: Path) -> Path:
    """A copy of the tracked files of the working tree, without compiled ones."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def run(tree: Path, tests: list[str], limit: float) -> bool | None:
    """Whether all tests pass; None where they took too long."""
    child = os.fork()
    if not child:
        os.setsid()  # so that what the tests start can be ended with them
        os.chdir(tree)
        sys.path[:0] = [str(tree)]
        sys.dont_write_bytecode = True  # two mutants of one second and size would share what is compiled
        quiet = os.open(tree / OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        import pytest

        for name in [name for name in sys.modules if name.startswith(PLUGINS)]:
            del sys.modules[name]  # pytest refuses plug-ins that something has already loaded
        code = 2
        try:
            code = int(pytest.main([*tests, "-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0"]))
        except BaseException:  # what a fault does to pytest itself is a failure, too
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)
    for _ in range(int(limit / TICK)):  # by ticks: a machine that pauses this process does not use up the time
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(TICK)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def nearest(tree: Path, package: str, file: Path) -> list[str]:
    """The test files of a package that mention what a file defines, most mentions first; all, where none does."""
    module = ast.parse(file.read_text(encoding="utf-8"))
    names = {node.name for node in module.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    folder = tree / "tests" / package
    words = {test: re.findall(r"\w+", test.read_text(encoding="utf-8")) for test in sorted(folder.rglob("test_*.py"))}
    count = {test: sum(word in names for word in found) for test, found in words.items()}
    near = [test for test in words if count[test]] or list(words)
    return [str(test.relative_to(tree)) for test in sorted(near, key=lambda test: -count[test])]


def examined(
    tree: Path, drawn: list[Mutant], package: str, chosen: list[str], limit: float
) -> Iterator[tuple[Mutant, bool]]:
    """Each mutant, and whether the tests noticed it."""
    for number, mutant in enumerate(drawn, 1):
        file = tree / mutant.file
        original, tests = file.read_text(encoding="utf-8"), nearest(tree, package, file)
        file.write_text(mutant.text, encoding="utf-8")
        noticed = run(tree, [*tests, *chosen], limit) is not True
        file.write_text(original, encoding="utf-8")
        word = "noticed" if noticed else "SURVIVED"
        print(f"{number}/{len(drawn)} {mutant.file}:{mutant.line} {word}: {mutant.after}", file=sys.stderr, flush=True)
        yield mutant, noticed


def table(results: list[tuple[Mutant, bool]], all_mutants: Counter[str]) -> str:
    """The share that was noticed, by file, and what was not."""
    drawn = Counter(mutant.file for mutant, _ in results)
    noticed = Counter(mutant.file for mutant, found in results if found)
    lines = ["| file | possible | drawn | noticed |", "|---|---|---|---|"]
    lines += [f"| {name} | {all_mutants[name]} | {drawn[name]} | {noticed[name]} |" for name in sorted(drawn)]
    share = 100 * noticed.total() / max(drawn.total(), 1)
    lines.append(f"| all | {all_mutants.total()} | {drawn.total()} | {noticed.total()} ({share:.0f} %) |")
    left = [mutant for mutant, found in results if not found]
    lines += ["", *(f"- `{m.file}:{m.line}`: `{m.before}` became `{m.after}`" for m in left)]
    return "\n".join(lines)


def main() -> int:
    """Parse the command line, draw, run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", help="such as metrics or io: wavegen/PACKAGE, tests/PACKAGE")
    parser.add_argument("--number", type=int, default=120, help="mutants drawn")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--skip", default="", help="expression of tests that are not run")
    arguments = parser.parse_args()
    for name in PRELOADED:
        __import__(name)
    chosen = ["-k", f"not ({arguments.skip})"] if arguments.skip else []
    with tempfile.TemporaryDirectory() as scratch:
        tree = exported(Path(scratch))
        began = time.monotonic()
        if run(tree, [f"tests/{arguments.package}", *chosen], LONGEST) is not True:
            print((tree / OUTPUT).read_text(errors="replace")[-3000:], file=sys.stderr)
            print("the tests fail without a fault; mend them first", file=sys.stderr)
            return 2
        usual = time.monotonic() - began
        print(f"without a fault: {usual:.0f} s", file=sys.stderr)
        possible = list(mutants(tree, arguments.package))
        drawn = random.Random(arguments.seed).sample(possible, min(arguments.number, len(possible)))
        results = list(examined(tree, drawn, arguments.package, chosen, 3 * usual + 10))
    print(table(results, Counter(mutant.file for mutant in possible)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
