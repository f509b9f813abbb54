"""``wavegen bench peers``, which ``recipes/peers.py`` calls."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wavegen.core.errors import InputError


def peers(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the results; a benchmark's shares its images.")],
    preset: Annotated[str, typer.Option(metavar="smoke|cpu", help="How much is done.")] = "smoke",
    data: Annotated[str, typer.Option(metavar="NAME", help="One of the benchmark's data sets.")] = "hela",
    root: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of the real images.", show_default="this one")
    ] = Path(),
    minutes: Annotated[float, typer.Option(metavar="N", min=1e-3, help="Processor minutes of each training.")] = 4.0,
    only: Annotated[str | None, typer.Option(metavar="PEER,PEER", help="These only.", show_default=False)] = None,
    python: Annotated[
        list[str] | None,
        typer.Option(metavar="PEER=PATH", help="The interpreter of a peer; repeatable.", show_default=False),
    ] = None,
) -> None:
    """Other libraries' networks and training loops on the benchmark's pairs, each in a process of its own.

    careamics: CARE with its own network, loss, optimiser, loop and choice of checkpoint. It needs an older torch:
    python -m venv care; care/bin/pip install careamics==0.3.5 torch==2.11.0 torchvision==0.26.0, and --python
    careamics=care/bin/python. deepinv: DRUNet, about as large as the benchmark's networks, from scratch in a plain
    loop, L1. diffusers: UNet2DModel, likewise, velocity target, sampled by DDIM in 4 and 50 calls. The last two come
    with pip install 'wavegen[bench]'.

    All see the same images, batches of crops of one size and processor time, on one thread. One that is not there is
    skipped with the reason. Results: peers.json and peers.md in DIR; what is done there is not done again.
    """
    pythons = dict(_interpreter(text) for text in python or ())
    from benchmarks.peers import run_peers
    from wavegen.core.files import write_text
    from wavegen.reports import aggregate, markdown

    if preset not in ("smoke", "cpu"):
        raise InputError(f"--preset {preset!r}: give smoke or cpu")
    rows = run_peers(
        data, out, profile=preset, root=root, minutes=minutes, only=only.split(",") if only else None, pythons=pythons
    )
    table = markdown(aggregate([row for row in rows if "skipped" not in row], []))
    table += "".join(f"\n{row['system']}: skipped: {row['skipped']}\n" for row in rows if "skipped" in row)
    write_text(out / "peers.md", table)
    print(table)


def _interpreter(text: str) -> tuple[str, Path]:
    name, _, path = text.partition("=")
    if not path:
        raise InputError(f"--python {text!r}: give PEER=PATH")
    return name, Path(path)
