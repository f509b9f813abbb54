"""``python -m benchmarks steps`` and ``networks``."""

from __future__ import annotations

from typing import Annotated

import typer

Rounds = Annotated[int, typer.Option(metavar="N", min=3, help="Turns, of which medians are taken.")]


def steps(
    data: Annotated[str, typer.Option("--data", metavar="NAME", help="A simulated data set.")] = "hela",
    rounds: Rounds = 15,
) -> None:
    """What a training step is made of: crops, orthogonalisation, optimisers, parts of networks; one thread."""
    from benchmarks.steps import bench_steps

    _begin()
    for row in bench_steps(data, rounds):
        print(f"{row.part:48} {row.what:40} {row.ms:7.2f} ms", flush=True)


def networks(
    only: Annotated[
        str, typer.Option(metavar="NAME;NAME...", help="Systems of recipes/ablate_networks.yaml.", show_default="all")
    ] = "",
    rounds: Rounds = 7,
) -> None:
    """Training and use of every network of the screening recipe, over those of its first; one thread."""
    from pathlib import Path

    from benchmarks.steps import bench_networks
    from wavegen.core.errors import InputError, near_matches
    from wavegen.experiments import read_recipe

    systems = read_recipe(Path(__file__).parents[2] / "recipes" / "ablate_networks.yaml").systems
    first = next(iter(systems))
    wanted = [name.strip() for name in only.split(";") if name.strip()] or list(systems)
    for name in wanted:
        if name not in systems:
            raise InputError(f"--only: no system {name!r}; {near_matches(name, systems)}")
    _begin()
    print("| network | parameters M | radius of the coarse network | training | use |\n|---|---|---|---|---|")
    for cost in bench_networks({name: systems[name] for name in dict.fromkeys([first, *wanted])}, rounds):
        print(f"| {cost.name} | {cost.parameters / 1e6:.2f} | {cost.radius} | {cost.training:.2f} | {cost.use:.2f} |")
        if cost.name == first:
            print(f"| (ms: a training step {cost.ms[0]:.0f}, 256² {cost.ms[1]:.0f}) | | | | |")


def _begin() -> None:
    """One thread; the machine, the version and the day."""
    import datetime

    import torch

    from wavegen.experiments.spec.record import cpu_name

    torch.set_num_threads(1)
    print(f"{datetime.date.today().isoformat()}, {cpu_name()}, torch {torch.__version__}, one thread, seed 0")
