"""``wavegen bench degradations``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wavegen.cli.output import Json, note, print_json


def degradations(
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="Holds sr/set5/hr/*.png.", show_default=False),
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option("--figure", metavar="FILE", help="Also draw every degradation (PNG).", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Optics, camera, operators and down-sampling against closed forms and published figures."""
    from benchmarks import degradations as run

    set5 = None if data is None else run.set5_bicubic(data)
    widths, camera, adjoints = run.fwhm_errors(), run.photon_transfer(), run.adjoint_errors()
    if figure is not None:
        run.gallery(figure)
    if as_json:
        print_json({"fwhm": widths, "camera": camera, "adjoint": adjoints, "set5_bicubic_x4_db": set5})
        return
    print("width of a rendered point (nm)    pixel   asked  measured  error %")
    for row in widths:
        print(f"  {row['model']:<30}{row['pixel_nm']:>7.0f}{row['asked_nm']:>8.2f}{row['measured_nm']:>10.2f}"
              f"{row['error_percent']:>9.3f}")  # fmt: skip
    print(f"camera, {camera['pixels']} pixels at each of {len(camera['levels'])} levels: slope of variance over mean "
          f"{camera['slope']:.4f}, asked {camera['slope_asked']:.4f}, error {camera['slope_error_percent']:.2f} %; "
          f"worst variance off by {camera['worst_variance_error_percent']:.2f} %")  # fmt: skip
    print("|<A x, v> - <x, A^T v>| over the norms, worst of three sizes")
    for row in adjoints:
        print(f"  {row['model']:<30}{row['error']:>10.1e}")
    if set5 is not None:
        print(f"Set5, bicubic x4, Y, border 4, 8 bits: {set5:.2f} dB (published: 28.42)")
    else:
        note("Set5's bicubic figure is left out: give --data")
