"""One table of the house, before and after: size, layers, complexity, what a call goes through.

    python benchmarks/house.py [--against REV] [--wheel]

Measures the earlier version (0.1.0 unless told otherwise, exported from the repository) and the working tree by the
same definitions, which stand in ``house_code.py`` and ``house_calls.py``, and prints Markdown. With ``--wheel`` both
wheels are built (without dependencies; the build backend is fetched if it is not installed).
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import house_code as code
from unchanged import ROOT, RefusalError, environment, export, resolve

WORST, MANY = 10, 8
# Studies, their pictures and measurements; `benches` became `benchmarks`, where the yardsticks themselves do not count.
ATTIC = ("wavegen/experiments", "wavegen/benches", "wavegen/reports", "wavegen/analysis", "recipes", "benchmarks")
YARDSTICKS = ("house", "unchanged")
Row = tuple[str, Any]


def lines(root: Path, folder: str, own: bool = False) -> int:
    """Lines of Python and YAML below a folder (directly in it, if ``own``); of the attic without the yardsticks."""
    files = [f for f in ((root / folder).glob("*") if own else (root / folder).rglob("*")) if f.is_file()]
    kept = [f for f in files if f.suffix in (".py", ".yaml", ".yml")]
    if folder == "benchmarks":
        kept = [f for f in kept if not f.name.startswith(YARDSTICKS)]
    return sum(f.read_text(encoding="utf-8").count("\n") for f in kept)


def words(files: list[Path]) -> int:
    """Words of Markdown outside of code blocks."""
    texts = (re.sub(r"^```.*?^```", "", f.read_text(encoding="utf-8"), flags=re.S | re.M) for f in files)
    return sum(len(re.findall(r"\w[\w'’-]*", text)) for text in texts)


def layers(root: Path, trees: dict[str, Any]) -> list[Row]:
    """Files at the root of the package, and the longest chains of imports."""
    units = code.longest_chain(code.graph(trees, code.unit))
    modules = code.longest_chain(code.graph(trees, code.module))
    return [
        ("files at the root of the package", sum(f.is_file() for f in (root / code.PACKAGE).iterdir())),
        ("modules", len(trees)),
        ("import levels (longest chain of root modules and packages)", len(units)),
        ("the chain", " < ".join(units)),
        ("longest chain of modules", len(modules)),
    ]


def called(root: Path, folder: Path) -> list[Row]:
    """What a restoration and a training step go through.

    Raises:
        RefusalError: the version cannot be run.
    """
    command = [sys.executable, str(Path(__file__).with_name("house_calls.py"))]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(root), cwd=folder, check=False)
    if done.returncode:
        raise RefusalError(f"{root}: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    found = json.loads(done.stdout)
    return [
        (f"functions; files that one {name} goes through", f"{counts['functions']}; {counts['files']}")
        for name, counts in found.items()
    ]


def functions(trees: dict[str, Any]) -> list[Row]:
    """Complexity, lengths and parameters."""
    found = code.functions(trees)

    def worst(key: str) -> str:
        ranked = sorted(found, key=lambda f: (-getattr(f, key), f.name))[:WORST]
        return ", ".join(f"{f.name} {getattr(f, key)}" for f in ranked)

    return [
        ("functions", len(found)),
        (f"complexity of the {WORST} worst", worst("complexity")),
        ("functions above complexity 15", sum(f.complexity > 15 for f in found)),
        (f"lines of the {WORST} longest", worst("lines")),
        ("functions longer than 60 lines", sum(f.lines > 60 for f in found)),
        (f"functions with more than {MANY} parameters", sum(f.parameters > MANY for f in found)),
        (f"commands with more than {MANY} options", sum(f.options > MANY for f in found)),
        ("typed, %", round(100 * sum(f.typed for f in found) / len(found), 1)),
        ("modules, public classes and functions with a docstring, %", round(code.documented(trees), 1)),
        ("variables named made; found", f"{code.assigned(trees, 'made')}; {code.assigned(trees, 'found')}"),
    ]


def sizes(root: Path) -> list[Row]:
    """Lines by folder and words of the documentation."""
    package = root / code.PACKAGE
    folders = sorted(d.name for d in package.iterdir() if d.is_dir() and any(d.rglob("*.py")))
    rows: list[Row] = [("lines of wavegen/*.py", lines(root, code.PACKAGE, own=True))]
    rows += [(f"lines of wavegen/{name}", lines(root, f"{code.PACKAGE}/{name}")) for name in folders]
    rows += [(f"lines of {name}", lines(root, name)) for name in ("recipes", "benchmarks", "tests")]
    docs = sorted((root / "docs").rglob("*.md"))
    results = [f for f in docs if "results" in f.parts]
    rest = [f for f in docs if f not in results]
    return [
        ("lines of wavegen", lines(root, code.PACKAGE)),
        *rows,
        ("lines of experiments + benches + reports + analysis + recipes", sum(lines(root, f) for f in ATTIC)),
        ("words of README", words([root / "README.md"])),
        ("words of docs, without results; pages", f"{words(rest)}; {len(rest)}"),
        ("words of docs/results; pages", f"{words(results)}; {len(results)}"),
    ]


def wheel(root: Path, folder: Path) -> Row:
    """Size of the wheel of the package."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RefusalError(f"pip wheel {root}: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    (file,) = folder.glob("*.whl")
    return ("wheel, MB", round(file.stat().st_size / 1e6, 1))


def measures(root: Path, scratch: Path, wheels: bool) -> dict[str, Any]:
    """All measures of one version by name."""
    trees = code.sources(root)
    scratch.mkdir()
    rows = [*layers(root, trees), *called(root, scratch), *functions(trees), *sizes(root)]
    if wheels:
        rows.append(wheel(root, scratch))
    twice = [name for name, count in Counter(name for name, _ in rows).items() if count > 1]
    assert not twice, twice
    return dict(rows)


def table(before: dict[str, Any], after: dict[str, Any], name: str) -> str:
    """Both versions side by side; what one of them does not have is a dash."""
    rows = [f"| | {name} | now |", "|---|---|---|"]
    names = [*before, *(key for key in after if key not in before)]
    rows += [f"| {key} | {before.get(key, '–')} | {after.get(key, '–')} |" for key in names]
    return "\n".join(rows)


def main() -> int:
    """Parse the command line, measure both versions and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", metavar="REV", help="commit, tag or branch to compare with (v0.1.0)")
    parser.add_argument("--wheel", action="store_true", help="also build both wheels")
    arguments = parser.parse_args()
    try:
        commit = resolve(ROOT, arguments.against)
        with tempfile.TemporaryDirectory() as name:
            scratch = Path(name).resolve()
            before = measures(export(ROOT, commit, scratch / "source"), scratch / "before", arguments.wheel)
            after = measures(ROOT, scratch / "after", arguments.wheel)
    except RefusalError as reason:
        print(f"error: {reason}", file=sys.stderr)
        return 2
    print(table(before, after, arguments.against or "0.1.0"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
