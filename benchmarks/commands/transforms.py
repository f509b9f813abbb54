"""``wavegen bench transforms``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from wavegen.cli.output import Json, note, print_json
from wavegen.core.errors import InputError


def transforms(
    sizes: Annotated[
        str | None,
        typer.Option(metavar="BxCxHxW,...", help="Sizes of the images.", show_default="four, up to 1x1x8192x8192"),
    ] = None,
    threads: Annotated[int, typer.Option(metavar="N", min=1, help="Threads of the processor.")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="Small images, few rounds: only whether it runs.")] = False,
    accuracy: Annotated[
        bool, typer.Option("--accuracy", help="Instead: errors against PyWavelets over the whole grid.")
    ] = False,
    picture: Annotated[
        str | None,
        typer.Option(metavar="FILE.png", help="Instead: draw the subbands of a micrograph.", show_default=False),
    ] = None,
    transform: Annotated[
        str, typer.Option(metavar="NAME[,OPTION=VALUE...]", help="With --picture: the transform.")
    ] = "sym8,levels=3",
    as_json: Json = False,
) -> None:
    """Time the transforms beside ptwt, pytorch_wavelets, PyWavelets and a copy; print a markdown table."""
    import torch

    torch.set_num_threads(threads)
    if picture is not None:
        _draw(picture, transform)
    elif accuracy:
        _accuracy(quick, as_json)
    else:
        _speed(sizes, quick, as_json)


def _draw(path: str, transform: str) -> None:
    from wavegen.cli.specs import component_spec
    from wavegen.core.registry import build
    from wavegen.data import microscope_sample
    from wavegen.experiments.judge.subband_picture import subband_picture
    from wavegen.io import write_image

    image = microscope_sample().pixels[0, :384, :384]
    pixels = subband_picture(build("transform", component_spec(transform, "--transform")), image)
    write_image(path, pixels[None], {})
    note(f"wrote {path}")


def _accuracy(quick: bool, as_json: bool) -> None:
    from benchmarks.transform_accuracy import accuracy, accuracy_table

    rows = accuracy(["haar", "db4", "bior4.4"], sizes=[(5, 6)]) if quick else accuracy()
    print_json([asdict(row) for row in rows]) if as_json else print(accuracy_table(rows))


def _speed(sizes: str | None, quick: bool, as_json: bool) -> None:
    from benchmarks import transforms as module
    from benchmarks.transform_table import bench_table

    chosen = module.QUICK if quick else module.SIZES
    if sizes is not None:
        chosen = tuple(_size(text) for text in sizes.split(","))
    sides = (64, 128) if quick else module.SIDES
    bench = module.bench_transforms(chosen, rounds=2 if quick else 5, sides=sides, progress=note)
    print_json(asdict(bench)) if as_json else print(bench_table(bench))


def _size(text: str) -> tuple[int, int, int, int]:
    parts = text.strip().split("x")
    if len(parts) != 4 or not all(part.isdecimal() for part in parts):
        raise InputError(f"--sizes {text!r}: give BxCxHxW, e.g. 8x3x256x256, with commas between sizes")
    b, c, h, w = (int(part) for part in parts)
    return b, c, h, w
