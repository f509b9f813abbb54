"""``python -m benchmarks filters``."""

from __future__ import annotations

from typing import Annotated

import typer

from wavegen.cli.output import Json, print_json


def filters(
    train: Annotated[str, typer.Option("--train", metavar="DATA", help="Pairs on which options are chosen.")],
    test: Annotated[str, typer.Option("--test", metavar="DATA", help="Pairs that judge.")],
    scale: Annotated[
        str, typer.Option(metavar="target|affine|fixed|luma", help="Intensity scale of the scores.")
    ] = "affine",
    as_json: Json = False,
) -> None:
    """Filters without learning, tuned on training pairs: what a network has to beat."""
    import datetime

    from benchmarks.filters import bench_filters
    from wavegen.cli.specs import data_spec
    from wavegen.core.errors import InputError, near_matches
    from wavegen.core.registry import build
    from wavegen.experiments.spec.record import cpu_name
    from wavegen.metrics.scales import SCALES

    if scale not in SCALES:
        raise InputError(f"unknown scale {scale!r}; {near_matches(scale, SCALES)}")
    sources = [build("dataset", data_spec(text, None, None)) for text in (train, test)]
    rows = bench_filters(*sources, scale)  # type: ignore[arg-type]
    today = datetime.date.today().isoformat()
    if as_json:
        print_json({"machine": cpu_name(), "date": today, "scale": scale, "images": len(sources[1]), "rows": rows})
        return
    print(f"{today}, {cpu_name()}: {len(sources[1])} test images, scale {scale}")
    for row in rows:
        if "left_out" in row:
            print(f"{row['method']:18} left out: {row['left_out']}")
            continue
        options = ", ".join(f"{key} {value:.3g}" for key, value in row["options"].items())
        print(f"{row['method']:18} {options:24} {row['psnr']:6.2f} dB  SSIM {row['ssim']:.4f}  {row['ms']:7.0f} ms")
