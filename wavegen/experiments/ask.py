"""What every recipe of an ablation shares: options, the grid file, the runs, and the answer."""

from __future__ import annotations

import argparse
from pathlib import Path

import yaml

from wavegen.core.files import make_folder, write_text
from wavegen.experiments.ablate import ablate, prepare_grid
from wavegen.experiments.ablation import DATA, PRESETS, Ablation, asked
from wavegen.experiments.command import above_zero, one_or_more, run_command
from wavegen.experiments.expected import expected
from wavegen.experiments.schedule import LOCAL


def run_ablation(doc: str | None, ablation: Ablation) -> None:
    """The command of a recipe: measure v, write the grid, run it, and print what was expected beside what came.

    Args:
        doc: the recipe's own text, shown by ``--help``.
        ablation: what is asked.
    """
    run_command(lambda: _run(doc, ablation))


def _run(doc: str | None, ablation: Ablation) -> None:
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, default="smoke")
    parser.add_argument("--data", choices=DATA, default=DATA[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=above_zero, default=3.0, help="processor minutes of every training (cpu)")
    parser.add_argument("--seeds", type=one_or_more, default=3, help="seeds of every system (cpu, paper)")
    parser.add_argument("--workers", type=one_or_more, default=2, help="trainings side by side, one thread each")
    parser.add_argument("--scheduler", default=LOCAL, help="local, or the address of a Dask scheduler")
    given = parser.parse_args()
    ready = asked(ablation, given.data, given.preset, given.minutes, given.seeds)
    prepare_grid(ready.plan, given.out)
    make_folder(given.out)
    file = given.out / "grid.yaml"
    write_text(file, yaml.safe_dump(ready.grid, sort_keys=False))
    made = ablate(ready.plan, given.out, workers=given.workers, scheduler=given.scheduler)
    print(made.table)
    print(expected(ablation, ready, given.out, made.rows))
    print(f"the grid: {file}; results: {given.out / 'results.csv'}, {given.out / 'expected.md'}")
    for error in made.failed.values():
        raise error
