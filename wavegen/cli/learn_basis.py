"""``wavegen learn-basis``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from wavegen.cli.datasets import open_dataset
from wavegen.cli.output import Json, print_json
from wavegen.cli.results import reserve
from wavegen.cli.specs import Inputs, Seed, Targets, data_spec
from wavegen.core.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from wavegen.core.types import PairSource
    from wavegen.transforms import Learned

SHOWN = 8  # fixed bases shown in the table


def learn_basis(
    context: typer.Context,
    data: Annotated[
        str,
        typer.Argument(metavar="DATA", help="NAME[,OPTION=VALUE...] or a YAML file; see wavegen list dataset."),
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE.json", help="Where the basis is written.", show_default=False)
    ],
    x: Targets = None,
    y: Inputs = None,
    kind: Annotated[
        Literal["lattice", "lifting"], typer.Option(help="lattice: orthonormal; lifting: biorthogonal.")
    ] = "lattice",
    taps: Annotated[int, typer.Option(metavar="N", help="Filter length; for lifting, the length of each step.")] = 8,
    levels: Annotated[
        int, typer.Option(metavar="N", min=1, max=8, help="Levels that the objective is computed over.")
    ] = 3,
    objective: Annotated[
        Literal["sparsity", "coding_gain"], typer.Option(help="What the basis is optimised for.")
    ] = "sparsity",
    steps: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Optimisation steps from each starting point.", show_default="300"),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(metavar="M", help="Processor minutes, instead of steps.", show_default=False)
    ] = None,
    images: Annotated[int, typer.Option(metavar="N", min=2, help="Images: half for learning, half held out.")] = 64,
    crop: Annotated[int, typer.Option(metavar="PIXELS", min=8, help="Side length of the crop from each image.")] = 128,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Learn a wavelet basis on the targets of a data set.

    The images are shuffled and halved. The objective on both halves is printed, and for comparison that of every
    fixed basis with at most as many taps.

    Use the result as a transform: {name: learned, basis: FILE.json}.
    """
    import torch

    from wavegen.transforms import contrast, learn, save_basis
    from wavegen.transforms.learning.learn import check_options
    from wavegen.version import __version__

    if out.suffix != ".json":
        raise InputError(f"--out {out}: give a file name that ends in .json")
    if steps is None and minutes is None:
        steps = 300
    check_options(taps, objective, steps, minutes)
    reserve(context, out.parent, out.name)
    spec, source = open_dataset(data_spec(data, x, y), "train", images, None)
    train, held = (contrast(part) for part in _halves(source, images, crop, seed))
    with _progress(not as_json) as report:
        found = learn(train, kind, taps, levels, objective, steps, minutes, seed, report)
    result = _compare(found, objective, levels, train, held)
    options = {"taps": taps, "levels": levels, "objective": objective, "steps": found.steps, "seed": seed}
    versions = {"wavegen": __version__, "torch": torch.__version__}
    made = {"data": spec, "images": [len(train), len(held)], "crop": train.shape[-1], **options, **versions}
    save_basis(out, found.spec, {**made, "start": found.start, "result": result})
    if as_json:
        print_json({"basis": found.spec, "made": made, "start": found.start, **result})
        return
    _print(result, found, objective, train, held)
    print(f"basis: {out}")


def _halves(source: PairSource, images: int, crop: int, seed: int) -> tuple[Tensor, Tensor]:
    """Random crops from the targets, shuffled and split into two halves, each (B, C, crop, crop).

    Crops without contrast are left out.

    Raises:
        InputError: fewer than two images, or a half without contrast.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(source), generator=generator)[:images].tolist()
    if len(order) < 2:
        raise InputError(f"the data set has {len(order)} image(s); two halves need at least 2")
    targets = [source[i].x for i in order]
    side = min(crop, *(min(t.shape[-2:]) for t in targets))
    crops = []
    for target in targets:
        top, left = (int(torch.randint(n - side + 1, (), generator=generator)) for n in target.shape[-2:])
        crops.append(target[:, top : top + side, left : left + side])
    half = (len(crops) + 1) // 2
    halves = [[c for c in part if (c.amax((1, 2)) > c.amin((1, 2))).all()] for part in (crops[:half], crops[half:])]
    if not all(halves):
        raise InputError(
            f"no crop of {side} x {side} pixels in one of the halves has any contrast; give a larger --crop"
        )
    return torch.stack(halves[0]), torch.stack(halves[1])


def _compare(found: Learned, objective: str, levels: int, train: Tensor, held: Tensor) -> dict[str, Any]:
    """The objective on both halves for the learned and the fixed bases; these are sorted by the training half."""
    from wavegen.transforms import basis_value

    sign = -1 if objective == "coding_gain" else 1
    names = sorted(found.fixed, key=lambda name: sign * found.fixed[name])
    specs = {name: {"name": name, "levels": levels} for name in names}
    test = {name: basis_value(objective, spec, held) for name, spec in specs.items()}
    best = min(test, key=lambda name: sign * test[name])
    learned = basis_value(objective, found.spec, held)
    gain = test[best] - learned if sign > 0 else learned - test[best]
    return {
        "learned": {"train": found.value, "held_out": learned},
        "fixed": {name: {"train": found.fixed[name], "held_out": test[name]} for name in names},
        "best_fixed_held_out": best,
        "better_by": gain,
        "better_by_percent": 100 * gain / abs(test[best]),
    }


def _print(result: dict[str, Any], found: Learned, objective: str, train: Tensor, held: Tensor) -> None:
    sense = "lower is sparser" if objective == "sparsity" else "dB, higher is better"
    print(f"{objective} ({sense}) on {len(train)} training and {len(held)} held-out images, {found.steps} steps")
    rows = [("learned", result["learned"]), *list(result["fixed"].items())[:SHOWN]]
    print(f"  {'basis':<12} {'train':>9} {'held out':>9}")
    for name, values in rows:
        print(f"  {name:<12} {values['train']:9.4f} {values['held_out']:9.4f}")
    if len(result["fixed"]) > SHOWN:
        print(f"  ... and {len(result['fixed']) - SHOWN} more fixed bases (all of them with --json)")
    best, percent = result["best_fixed_held_out"], result["better_by_percent"]
    word = "better" if percent > 0 else "WORSE"
    print(f"held out: {abs(percent):.2f} % {word} than {best}, the best fixed basis on these images")


def _progress(shown: bool) -> Any:
    """A context manager that shows progress and gives the function that updates it."""
    from contextlib import contextmanager

    from rich.console import Console
    from rich.progress import Progress

    @contextmanager
    def run() -> Any:
        with Progress(console=Console(stderr=True), disable=not shown, transient=True) as bar:
            task = bar.add_task("learning", total=1.0)
            yield lambda share, loss: bar.update(task, completed=share, description=f"learning {loss:.4f}")

    return run()
