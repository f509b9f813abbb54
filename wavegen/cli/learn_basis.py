"""``wavegen learn-basis``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from wavegen.cli.datasets import open_dataset
from wavegen.cli.output import Json, print_json
from wavegen.cli.specs import Inputs, Seed, Targets, data_spec
from wavegen.core.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from wavegen.core.types import PairSource
    from wavegen.transforms import Learned

SHOWN = 8  # fixed bases listed in the table


def learn_basis(
    data: Annotated[
        str,
        typer.Argument(metavar="DATA", help="NAME[,OPTION=VALUE...] or a YAML file; see wavegen list dataset."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.json", help="The basis.", show_default=False)],
    x: Targets = None,
    y: Inputs = None,
    kind: Annotated[Literal["lattice", "lifting"], typer.Option(help="Orthonormal or biorthogonal.")] = "lattice",
    taps: Annotated[int, typer.Option(metavar="N", help="Filter length; for lifting, that of each step.")] = 8,
    levels: Annotated[
        int, typer.Option(metavar="N", min=1, max=8, help="Decomposition levels that the objective covers.")
    ] = 3,
    objective: Annotated[
        Literal["sparsity", "coding_gain"], typer.Option(help="Criterion to be optimised.")
    ] = "sparsity",
    steps: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Steps from each starting point.", show_default="300")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(metavar="M", help="Processor minutes, instead of steps.", show_default=False)
    ] = None,
    images: Annotated[
        int, typer.Option(metavar="N", min=2, help="Number of images: half for learning, half held out.")
    ] = 64,
    crop: Annotated[int, typer.Option(metavar="PIXELS", min=8, help="Side of the crop of each image.")] = 128,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Learn a wavelet basis from the targets of a data set.

    The images are shuffled and divided into two halves; the objective on both halves is compared with that of every
    fixed basis with at most as many taps.

    Use FILE.json as a transform: {name: learned, basis: FILE.json}.
    """
    import torch

    from wavegen.inference.files import check_writable
    from wavegen.transforms import contrast, learn, save_basis
    from wavegen.transforms.learning.learn import check_options
    from wavegen.version import __version__

    if out.suffix != ".json":
        raise InputError(f"--out {out}: give a file that ends in .json")
    if steps is None and minutes is None:
        steps = 300
    check_options(taps, objective, steps, minutes)
    check_writable(out.parent)
    spec, source = open_dataset(data_spec(data, x, y), "train", images, None)
    train, held_out = (contrast(part) for part in _halves(source, images, crop, seed))
    with _progress(not as_json) as report:
        learned = learn(train, kind, taps, levels, objective, steps, minutes, seed, report)
    result = _compare(learned, objective, levels, held_out)
    options = {"taps": taps, "levels": levels, "objective": objective, "steps": learned.steps, "seed": seed}
    versions = {"wavegen": __version__, "torch": torch.__version__}
    provenance = {"data": spec, "images": [len(train), len(held_out)], "crop": train.shape[-1], **options, **versions}
    save_basis(out, learned.spec, {**provenance, "start": learned.start, "result": result})
    if as_json:
        print_json({"basis": learned.spec, "made": provenance, "start": learned.start, **result})
        return
    _print(result, learned, objective, train, held_out)
    print(f"basis: {out}")


def _halves(source: PairSource, images: int, crop: int, seed: int) -> tuple[Tensor, Tensor]:
    """Random crops of the targets of the first and the second half of the shuffled images, each (B, C, crop, crop).

    Constant crops are excluded.
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


def _compare(learned: Learned, objective: str, levels: int, held_out: Tensor) -> dict[str, Any]:
    """The objective on both halves, of the learned basis and of the fixed ones, best first on the training half."""
    from wavegen.transforms import basis_value

    sign = -1 if objective == "coding_gain" else 1
    names = sorted(learned.fixed, key=lambda name: sign * learned.fixed[name])
    specs = {name: {"name": name, "levels": levels} for name in names}
    test = {name: basis_value(objective, spec, held_out) for name, spec in specs.items()}
    best = min(test, key=lambda name: sign * test[name])
    value = basis_value(objective, learned.spec, held_out)
    gain = sign * (test[best] - value)
    return {
        "learned": {"train": learned.value, "held_out": value},
        "fixed": {name: {"train": learned.fixed[name], "held_out": test[name]} for name in names},
        "best_fixed_held_out": best,
        "better_by": gain,
        "better_by_percent": 100 * gain / abs(test[best]),
    }


def _print(result: dict[str, Any], learned: Learned, objective: str, train: Tensor, held_out: Tensor) -> None:
    sense = "lower is sparser" if objective == "sparsity" else "dB, higher is better"
    print(f"{objective} ({sense}) on {len(train)} training and {len(held_out)} held-out images, {learned.steps} steps")
    rows = [("learned", result["learned"]), *list(result["fixed"].items())[:SHOWN]]
    print(f"  {'basis':<12} {'train':>9} {'held out':>9}")
    for name, values in rows:
        print(f"  {name:<12} {values['train']:9.4f} {values['held_out']:9.4f}")
    if len(result["fixed"]) > SHOWN:
        print(f"  ... and {len(result['fixed']) - SHOWN} more fixed bases (--json lists them)")
    best, percent = result["best_fixed_held_out"], result["better_by_percent"]
    word = "better" if percent > 0 else "WORSE"
    print(f"held out: {abs(percent):.2f} % {word} than the best fixed basis, {best}")


def _progress(shown: bool) -> Any:
    """A context manager that yields the function for progress reports."""
    from contextlib import contextmanager

    from rich.console import Console
    from rich.progress import Progress

    @contextmanager
    def run() -> Any:
        with Progress(console=Console(stderr=True), disable=not shown, transient=True) as bar:
            task = bar.add_task("learning", total=1.0)
            yield lambda share, loss: bar.update(task, completed=share, description=f"learning {loss:.4f}")

    return run()
