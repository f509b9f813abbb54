"""``python -m benchmarks matching``."""

from __future__ import annotations

from typing import Annotated

import typer


def matching(
    images: Annotated[int, typer.Option(metavar="N", min=2, help="Simulated images of 256 x 256 pixels.")] = 6,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Random seed.")] = 0,
) -> None:
    """Errors of matched gains, beside least squares, and of registered shifts, where both are known."""
    import datetime

    from benchmarks.matching import bench_gains, bench_shifts

    print(f"{datetime.date.today().isoformat()}, {images} images of 256 x 256 of each, seed {seed}\n")
    print("| data | blur px | photons | gain: mean error % | worst image % | least squares, mean % |")
    print("|---|---|---|---|---|---|")
    for data in ("hela", "nanobeads"):
        for row in bench_gains(data, images, seed):
            errors = f"{row.mean:+.1f} | {row.worst:+.1f} | {row.least_squares:+.0f}"
            print(f"| {data} | {row.blur} | {row.photons} | {errors} |")
    print("\n| data | blur px | photons | shift: rms px | largest px |\n|---|---|---|---|---|")
    for data in ("hela", "nanobeads"):
        for shift in bench_shifts(data, images, seed):
            print(f"| {data} | {shift.blur} | {shift.photons} | {shift.rms:.3f} | {shift.worst:.3f} |")
