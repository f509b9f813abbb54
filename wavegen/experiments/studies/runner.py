"""The command of every recipe that is a YAML file: train, judge, draw, print the tables; ``ship`` exports a model."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from pathlib import Path

import yaml

from wavegen.core.errors import InputError, near_matches
from wavegen.core.files import make_folder, write_text
from wavegen.experiments.engine.grids import ablate, prepare_grid
from wavegen.experiments.engine.runs import compare
from wavegen.experiments.spec.ablation import ablation
from wavegen.experiments.spec.comparison import Row
from wavegen.experiments.spec.options import one_or_more, recipe_options
from wavegen.experiments.spec.recipe import Recipe
from wavegen.experiments.spec.recipe_file import read_recipe
from wavegen.experiments.spec.recipe_parts import Shipment
from wavegen.experiments.studies.expected import expected
from wavegen.experiments.studies.rivals import against_rivals
from wavegen.experiments.studies.shipping import ship

SMOKE = "smoke"  # the default profile
FEW = 4  # calls up to which rows are shown, where the recipe does not say


def run_recipe(file: Path, arguments: Sequence[str] | None = None) -> None:
    """Run a recipe with the options of its command line.

    Args:
        file: the recipe's YAML file.
        arguments: of the command line; None are those of this process.

    Raises:
        InputError: a wrong file, options that do not go together; as
            :func:`~wavegen.experiments.compare` and :func:`~wavegen.experiments.ablate`.
    """
    recipe = read_recipe(file)
    given = _parser(recipe).parse_args(arguments)
    if recipe.base is None:
        _compare(recipe, given)
    else:
        run_ablation(recipe, given)


def _parser(recipe: Recipe) -> argparse.ArgumentParser:
    profiles = sorted(recipe.profiles, key=lambda name: name != SMOKE)
    defaults = [f"{name} {size.minutes:g}" for name, size in recipe.profiles.items() if size.minutes]
    parser = recipe_options(
        recipe.about,
        profiles,
        list(recipe.data),
        seeds=recipe.seeds,
        budget=f"processor minutes of every training ({', '.join(defaults)})",
        split=recipe.split,
        more=("workers",) if recipe.base is not None else ("root", "jobs", "split", "only", "export"),
    )
    if recipe.base is None:
        parser.add_argument("--longest", type=one_or_more, help="leave out rows of more calls")
    return parser


def _compare(recipe: Recipe, given: argparse.Namespace) -> None:
    shipment = _shipment(recipe, given)
    plan = recipe.comparison(
        given.profile, given.data, root=given.root, minutes=given.minutes, seeds=given.seeds, longest=given.longest
    )
    only = chosen_systems(given.only, plan.systems) if given.only else None
    shown = [Row(system=name, steps=steps) for name, steps in recipe.shown or () if name in plan.systems]
    shown = shown or [row for row in plan.rows if row.steps <= FEW and row.images is None]
    compare(plan, given.out, jobs=given.jobs, shown=shown, split=given.split, only=only)
    heats: dict[str, float] = {}
    if recipe.lead is not None and given.split == "test":
        heats = against_rivals(recipe.lead, plan, given.out, given.jobs)
    if shipment is not None:
        system = next(iter(plan.systems))
        filled = shipment.filled(recipe.name, given.data, plan.training.minutes)
        ship(plan, given.out, system, filled, given.export, heats.get(system))


def _shipment(recipe: Recipe, given: argparse.Namespace) -> Shipment | None:
    """What is exported, if anything.

    Raises:
        InputError: nothing is exported from this profile or data set.
    """
    if given.export is None:
        return None
    shipment = next((s for s in recipe.shipped if given.data in s.data), None)
    if given.profile != "ship" or shipment is None:
        known = ", ".join(name for shipped in recipe.shipped for name in shipped.data) or "none of this recipe's"
        raise InputError(f"--export goes with --preset ship and data that a checkpoint is made from: {known}")
    return shipment


def chosen_systems(text: str, known: Collection[str]) -> list[str]:
    """Some systems by name, with commas or semicolons between them (names may hold commas).

    Raises:
        InputError: an unknown name, with near matches.
    """
    names = [text] if text in known else text.split(";" if ";" in text else ",")
    for name in names:
        if name not in known:
            raise InputError(f"--only: there is no system {name!r}; {near_matches(name, known)}")
    return names


def run_ablation(recipe: Recipe, given: argparse.Namespace) -> None:
    """Measure v, write the grid, run it, and print what was expected beside what came."""
    ready = ablation(recipe, given.profile, given.data, given.minutes, given.seeds)
    prepare_grid(ready.plan, given.out)
    make_folder(given.out)
    file = given.out / "grid.yaml"
    write_text(file, yaml.safe_dump(ready.grid, sort_keys=False))
    outcome = ablate(ready.plan, given.out, workers=given.workers, scheduler=given.scheduler)
    print(outcome.table)
    print(expected(ready, given.out, outcome.rows))
    print(f"the grid: {file}; results: {given.out / 'results.csv'}, {given.out / 'expected.md'}")
    for error in outcome.failed.values():
        raise error
