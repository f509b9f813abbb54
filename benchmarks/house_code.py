"""Measures of a source tree, read from its syntax: import chains, complexity, length, parameters, annotations.

``house.py`` prints them for two versions and ``tests/test_house.py`` holds the working tree to its limits.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef
PACKAGE = "wavegen"


@dataclass(frozen=True)
class Measured:
    """One function: where it is, its McCabe complexity, its lines and its number of parameters.

    ``lines`` runs from ``def`` to the end without the docstring. A command (see :func:`is_command`) counts from its
    first statement, for its signature is the list of its options; they are its ``options``, and no ``parameters``.
    """

    file: str
    name: str
    line: int
    complexity: int
    lines: int
    parameters: int
    options: int
    typed: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.name} (complexity {self.complexity}, {self.lines} lines)"


def sources(root: Path, folder: str = PACKAGE) -> dict[str, ast.Module]:
    """The syntax tree of each Python file of a folder, by its path from ``root``."""
    files = sorted((root / folder).rglob("*.py"))
    return {file.relative_to(root).as_posix(): ast.parse(file.read_text(encoding="utf-8")) for file in files}


# -- functions -------------------------------------------------------------------------------------

BRANCHES = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.match_case)


def within(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function but for those of functions and classes defined inside it."""
    for child in ast.iter_child_nodes(function):
        yield child
        if not isinstance(child, Function | ast.ClassDef):
            yield from within(child)


def complexity(function: Function) -> int:
    """McCabe's number: one more than the decisions, among them further operands of and/or, and comprehensions."""
    found = 1
    for statement in function.body:
        for node in (statement, *within(statement)) if not isinstance(statement, Function | ast.ClassDef) else ():
            if isinstance(node, BRANCHES):
                found += 1
            elif isinstance(node, ast.BoolOp):
                found += len(node.values) - 1
            elif isinstance(node, ast.comprehension):
                found += 1 + len(node.ifs)
    return found


def is_command(file: str, function: Function) -> bool:
    """Whether a function's signature is a list of command-line options: in ``cli/``, with types of typer."""
    if not file.startswith(f"{PACKAGE}/cli/"):
        return False
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    described = [a for a in arguments if a.annotation is not None and "typer." in ast.unparse(a.annotation)]
    return len(described) >= 2


def parameters(function: Function, method: bool) -> int:
    """How many values a caller may give; self and cls are not given."""
    a = function.args
    number = len([*a.posonlyargs, *a.args, *a.kwonlyargs]) + (a.vararg is not None) + (a.kwarg is not None)
    static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in function.decorator_list)
    return number - (method and not static)


def typed(function: Function, method: bool) -> bool:
    """Whether all parameters and the result are annotated."""
    a = function.args
    given = [*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg))][int(method) :]
    return function.returns is not None and all(argument.annotation is not None for argument in given)


def measured(file: str, tree: ast.Module) -> Iterator[Measured]:
    """Every function of a file, those inside others, too."""

    def walk(node: ast.AST, prefix: str, method: bool) -> Iterator[Measured]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                yield from walk(child, f"{prefix}{child.name}.", True)
            elif isinstance(child, Function):
                command = is_command(file, child)
                documented = ast.get_docstring(child) is not None
                body = child.body[documented:] or child.body
                first = body[0].lineno if command else child.lineno
                text = child.body[0]
                spoken = (text.end_lineno or 0) - text.lineno + 1 if documented and not command else 0
                yield Measured(
                    file,
                    prefix + child.name,
                    child.lineno,
                    complexity(child),
                    (child.end_lineno or child.lineno) - first + 1 - spoken,
                    0 if command else parameters(child, method),
                    parameters(child, method) if command else 0,
                    typed(child, method),
                )
                yield from walk(child, f"{prefix}{child.name}.", False)
            else:
                yield from walk(child, prefix, method)

    yield from walk(tree, "", False)


def functions(trees: Mapping[str, ast.Module]) -> list[Measured]:
    """Every function of some files."""
    return [function for file, tree in trees.items() for function in measured(file, tree)]


def documented(trees: Mapping[str, ast.Module]) -> float:
    """The share of modules and of public classes and functions with a docstring, in percent."""

    def public(node: ast.AST) -> Iterator[ast.Module | ast.ClassDef | Function]:
        if isinstance(node, ast.Module | ast.ClassDef | Function):
            yield node
        if not isinstance(node, Function):  # what is defined inside a function is not public
            for child in ast.iter_child_nodes(node):
                if not getattr(child, "name", "").startswith("_"):
                    yield from public(child)

    nodes = [node for tree in trees.values() for node in public(tree)]
    return 100 * sum(ast.get_docstring(node) is not None for node in nodes) / max(len(nodes), 1)


def assigned(trees: Mapping[str, ast.Module], name: str) -> int:
    """How often a variable of that name is assigned."""
    return sum(
        isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name
        for tree in trees.values()
        for node in ast.walk(tree)
    )


# -- imports ---------------------------------------------------------------------------------------


def imports(tree: ast.AST) -> Iterator[tuple[str, str | None]]:
    """(module, name or None) of every import that runs, also inside functions; not those for type checkers."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.Import):
            yield from ((alias.name, None) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from ((child.module or "", alias.name) for alias in child.names)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            yield from imports(ast.Module(child.orelse, []))
        else:
            yield from imports(child)


def unit(file: str) -> str:
    """The module or package at the root that a file belongs to."""
    return file.split("/")[1].removesuffix(".py")


def module(file: str) -> str:
    """The dotted name of a file."""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def graph(trees: Mapping[str, ast.Module], name_of: Callable[[str], str]) -> dict[str, set[str]]:
    """Who imports whom.

    Left out: the package's own ``__init__``, which finds the public names lazily, and its ``__main__``, which only
    starts the command line.
    """
    files = {module(file): file for file in trees if module(file) not in (PACKAGE, f"{PACKAGE}.__main__")}
    edges: dict[str, set[str]] = {name_of(file): set() for file in files.values()}
    for file in files.values():
        for reached, name in imports(trees[file]):
            for candidate in (f"{reached}.{name}", reached):
                if candidate in files:
                    edges[name_of(file)].add(name_of(files[candidate]))
                    break
    return {node: reached - {node} for node, reached in edges.items()}


def components(edges: Mapping[str, Iterable[str]]) -> list[frozenset[str]]:
    """Strongly connected components, each after those that it imports (Tarjan 1972)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    done: list[frozenset[str]] = []

    def visit(node: str) -> None:
        order[node] = lowest[node] = len(order)
        stack.append(node)
        for reached in edges[node]:
            if reached not in order:
                visit(reached)
                lowest[node] = min(lowest[node], lowest[reached])
            elif reached in stack:
                lowest[node] = min(lowest[node], order[reached])
        if lowest[node] == order[node]:
            at = stack.index(node)
            done.append(frozenset(stack[at:]))
            del stack[at:]

    for node in sorted(edges):
        if node not in order:
            visit(node)
    return done


def longest_chain(edges: Mapping[str, Iterable[str]]) -> list[str]:
    """The longest chain of imports, from its lowest member; all members of a cycle stand in it one after another."""
    best: dict[frozenset[str], list[str]] = {}
    home: dict[str, frozenset[str]] = {}
    for component in components(edges):
        below = {home[r] for node in component for r in edges[node] if r not in component}
        best[component] = max((best[b] for b in below), key=len, default=[]) + sorted(component)
        home |= dict.fromkeys(component, component)
    return max(best.values(), key=len, default=[])
