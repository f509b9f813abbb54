"""Independent peers on the benchmark's pairs: other libraries' networks and loops, each in a process of its own.

    python recipes/peers.py --preset cpu --data hela --out out/benchmark-hela --python careamics=care/bin/python

Peers
    careamics   CARE with its own network, loss, optimiser, loop and choice of checkpoint. It wants an older torch than
                the newest: python -m venv care; care/bin/pip install careamics==0.3.5 torch==2.11.0 torchvision==0.26.0
    deepinv     DRUNet, about as large as the benchmark's networks, from scratch in a plain loop, L1
    diffusers   UNet2DModel, likewise, velocity target, sampled by DDIM in 4 and 50 calls

The last two come with ``pip install 'wavegen[bench]'``. All see the same images, batches of crops of one size and
processor time (``--minutes``), on one thread. One that is not there is skipped with the reason. ``--out`` may be the
benchmark's folder, whose training images are then used. Results: ``peers.json`` and ``peers.md``; what is done there
is not done again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from wavegen.experiments import BENCHMARK_DATA, above_zero, run_command, run_peers
from wavegen.reports import aggregate, markdown


def interpreter(text: str) -> tuple[str, Path]:
    """``PEER=PATH``."""
    name, _, path = text.partition("=")
    if not path:
        raise argparse.ArgumentTypeError(f"{text!r}: give PEER=PATH")
    return name, Path(path)


def main() -> None:
    """Parse the command line, run the peers and print their table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=["smoke", "cpu"], default="smoke")
    parser.add_argument("--data", choices=BENCHMARK_DATA, default="hela")
    parser.add_argument("--root", type=Path, default=Path(), help="folder of the real images (default: this one)")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=above_zero, default=4.0, help="processor minutes of training per peer (cpu)")
    parser.add_argument("--only", type=lambda text: text.split(","), help="peer,peer: these only")
    parser.add_argument("--python", type=interpreter, action="append", default=[], metavar="PEER=PATH",
                        help="the interpreter of a peer's own environment; repeatable")  # fmt: skip
    given = parser.parse_args()
    rows = run_peers(
        given.data, given.out, kind=given.preset, root=given.root, minutes=given.minutes, only=given.only,
        pythons=dict(given.python),
    )  # fmt: skip
    table = markdown(aggregate([row for row in rows if "skipped" not in row], []))
    table += "".join(f"\n{row['system']}: skipped: {row['skipped']}\n" for row in rows if "skipped" in row)
    (given.out / "peers.md").write_text(table)
    print(table)


if __name__ == "__main__":
    run_command(main)
