"""Run a recipe by its name: ``python recipes/run.py TASK --preset smoke|cpu|ship|paper --out DIR``.

A recipe is a YAML file of settings beside this one, or, where it needs code, a Python file; ``TASK --help`` shows its
page and its options.
"""

import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def main(name: str, arguments: Sequence[str] | None = None) -> None:
    """Run one recipe, with the options of this process's command line unless others are given; exits."""
    from wavegen.experiments import run_command, run_recipe

    run_command(lambda: run_recipe(FOLDER / f"{name}.yaml", arguments))


def recipes() -> list[str]:
    """The names of all recipes."""
    return sorted(file.stem for file in FOLDER.glob("*.py") if file != Path(__file__).resolve())


if __name__ == "__main__":
    task, *options = sys.argv[1:] or ["--help"]
    if task in ("-h", "--help"):
        print(f"{__doc__}\nrecipes: {', '.join(recipes())}")
    elif (FOLDER / f"{task}.yaml").exists():
        main(task, options)
    elif task in recipes():
        sys.argv = [str(FOLDER / f"{task}.py"), *options]
        runpy.run_path(sys.argv[0], run_name="__main__")
    else:
        print(f"error: there is no recipe {task!r}; known: {', '.join(recipes())}", file=sys.stderr)
        sys.exit(2)
