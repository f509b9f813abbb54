"""The fair benchmark: hybrids, bridges, diffusions, GANs, wavelet rivals and classical methods in one table.

    python recipes/benchmark.py --preset cpu --data hela --out out/benchmark-hela
    python recipes/benchmark.py --preset cpu --data w2s --root FOLDER --out out/benchmark-w2s
    python recipes/benchmark.py --preset cpu --data hela --only bbdm-gan,bbdm-patch-gan --out out/benchmark-hela

Every system sees the same pairs, crops, optimiser and processor time (``--minutes``), has about as many parameters,
and is sampled at 1 and 4 calls and as its source samples it. docs/benchmark.md says what each takes from its source.

Data
    nanobeads, hela   simulated confocal -> STED: no files needed
    w2s               W2S (arXiv 2003.05961): one widefield exposure against the mean of 400; ``--root`` is a folder
                      with an ``index.csv`` (columns dataset, task, split, input, target)

Presets
    smoke   a minute: does everything run?
    cpu     the benchmark: ``--seeds`` seeds of mscgm-joint, unet, bbdm and irsde, one of the others. Rows of 50 calls
            and more are judged on the first 8 images of 256 x 256 or as many pixels, of 1000 on 4 (``--longest``
            leaves the longest out); hybrids and others of few calls are judged on those images, too.
    paper   every system under the optimiser that arXiv 2407.05259 states, all rows on all images; for a GPU

``--only`` trains and judges some systems; the others' results in ``--out`` are kept. What is trained, scored or timed
there already is not done again. Results: ``results.json``, ``times.json``, ``table.md``, ``figure.png``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from wavegen.experiments import (
    BENCHMARK_DATA,
    Row,
    above_zero,
    benchmark,
    chosen_systems,
    compare,
    one_or_more,
    run_command,
)

SHOWN = (("unet", 1), ("bbdm", 4), ("bbdm-patch-gan", 4), ("irsde", 4), ("ddpm", 4), ("flow", 4), ("wavediff", 4))
SHOWN += (("diffll", 4), ("mscgm", 4), ("mscgm-joint", 1), ("mscgm-joint", 4))


def main() -> None:
    """Parse the command line and run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=["smoke", "cpu", "paper"], default="smoke")
    parser.add_argument("--data", choices=BENCHMARK_DATA, default="hela")
    parser.add_argument("--root", type=Path, default=Path(), help="folder of the real images (default: this one)")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--minutes", type=above_zero, default=4.0, help="processor minutes of training per system (cpu)"
    )
    parser.add_argument(
        "--seeds", type=one_or_more, default=3, help="seeds of the four systems that are compared over seeds"
    )
    parser.add_argument("--only", help="system,system: these only")
    parser.add_argument("--longest", type=one_or_more, default=1000, help="leave out rows of more calls")
    parser.add_argument("--jobs", type=one_or_more, default=2, help="trainings side by side, one thread each")
    given = parser.parse_args()
    plan = benchmark(
        given.data, given.preset, root=given.root, minutes=given.minutes, seeds=given.seeds, longest=given.longest
    )
    shown = [Row(system=name, steps=steps) for name, steps in SHOWN if name in plan.systems]
    only = chosen_systems(given.only) if given.only else None
    compare(plan, given.out, jobs=given.jobs, shown=shown, only=only)


if __name__ == "__main__":
    run_command(main)
