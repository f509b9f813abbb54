"""The degradations against closed forms and published figures, and a picture of each."""

from __future__ import annotations

import math
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.files import atomic, make_folder
from wavegen.core.optional import need
from wavegen.core.registry import build, entry, names
from wavegen.degradations import (
    Camera,
    Confocal,
    Convolution,
    Degradation,
    Downsample,
    GaussianPsf,
    Sted,
    Widefield,
    psf,
)
from wavegen.degradations.resize import resize
from wavegen.metrics import psnr

Row = dict[str, Any]
LUMA = (65.481, 128.553, 24.966)  # ITU-R BT.601 from RGB in [0, 1] to 8-bit video levels, less 16
BORDER = 4  # pixels left out of super-resolution scores at a factor of 4
LEVELS = (10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
CHAIN: list[Any] = ["gaussian_blur", {"name": "mask", "size": 4}, {"name": "downsample", "factor": 2}, "bleaching"]
MIXED: list[Any] = [
    {"name": "gaussian_blur", "sigma": [0.5, 2]},
    {"name": "motion_blur", "length": [5, 11], "angle": [0, 180]},
    {"name": "mask", "shape": "pixels", "fraction": [0, 0.3]},
]
NEEDED: dict[str, Row] = {"chain": {"parts": CHAIN}, "random_chain": {"parts": MIXED}}


def fwhm_errors(pixels_nm: tuple[float, ...] = (10.0, 40.0, 65.0)) -> list[Row]:
    """Width of a rendered point against the width asked, for each optical model and pixel size.

    The widths asked are closed forms where there are: 0.51450 wavelength / NA in focus, 0.36933 for a closed
    pinhole at one colour, the excitation's for an open one; Hell's law with the doughnut's curvature for STED.
    """
    rows = []
    for pixel in pixels_nm:
        cases: list[tuple[str, Convolution, float]] = [
            ("gaussian_psf 250 nm", GaussianPsf(250, pixel), 250.0),
            ("widefield NA 1.3, 600 nm", Widefield(1.3, 600, pixel_nm=pixel), 0.514497 * 600 / 1.3),
            ("confocal, closed pinhole", Confocal(1.3, 600, 600, 0, pixel_nm=pixel), 0.369330 * 600 / 1.3),
            ("confocal, pinhole 6 AU", Confocal(1.3, 500, 600, 6, pixel_nm=pixel), 0.514497 * 500 / 1.3),
        ]
        if pixel <= 10:
            cases.append(("STED, saturation 20", Sted(saturation=20, pixel_nm=pixel), _hell(20)))
        for name, model, asked in cases:
            measured = _width(model.kernel.numpy()) * pixel
            rows.append({"model": name, "pixel_nm": pixel, "asked_nm": asked, "measured_nm": measured,
                         "error_percent": 100 * (measured / asked - 1)})  # fmt: skip
    return rows


def _hell(saturation: float) -> float:
    """1 / d² = 1 / d0² + saturation · c / 4, c the curvature of the doughnut, at the defaults of ``sted``."""
    imaging = psf.confocal(psf.Objective(1.4, 640), psf.Objective(1.4, 670), 1.0)
    curvature = float(psf.doughnut(psf.Objective(1.4, 775))(np.ones(1))[0])
    return 1 / math.sqrt(1 / psf.fwhm(imaging, 800) ** 2 + saturation * curvature / 4)


def _width(kernel: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """Full width at half maximum of the central row, in pixels, by a cubic spline."""
    from scipy.interpolate import CubicSpline

    row = kernel[len(kernel) // 2]
    roots = CubicSpline(np.arange(len(row)) - len(row) // 2, row / row.max() - 0.5).roots(extrapolate=False)
    return float(roots[roots > 0].min() - roots[roots < 0].max())


def photon_transfer(side: int = 512, seed: int = 0) -> Row:
    """Variance over mean of the camera's counts at several levels of light, against its line."""
    gain, read, offset = 0.5, 3.0, 100.0
    light = torch.tensor(LEVELS).view(-1, 1, 1, 1).expand(-1, 1, side, side)
    counts = Camera(read_noise=read, gain=gain, offset=offset)(light, seed).double()
    mean, variance = counts.mean(dim=(1, 2, 3)), counts.var(dim=(1, 2, 3))
    expected = (mean - offset) / gain + (read / gain) ** 2 + 1 / 12
    slope, _ = np.polyfit(mean.numpy(), variance.numpy(), 1)
    return {"slope": float(slope), "slope_asked": 1 / gain, "slope_error_percent": 100 * (float(slope) * gain - 1),
            "worst_variance_error_percent": 100 * float((variance / expected - 1).abs().max()),
            "pixels": side**2, "levels": list(LEVELS)}  # fmt: skip


def adjoint_errors(seed: int = 0) -> list[Row]:
    """|<A x, v> - <x, A^T v>| over the larger product of norms, for each linear degradation that needs no file."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for name in names("degradation"):
        if "file" in entry("degradation", name).options().model_fields:
            continue
        model: Degradation = build("degradation", {"name": name, **NEEDED.get(name, {})})
        if not model.linear:
            continue
        worst = 0.0
        for height, width in ((8, 8), (48, 64), (96, 36)):
            x = torch.randn(1, 2, height, width, generator=generator)
            operator = model.operator((1, 2, height, width), seed)
            y = operator.apply(x)
            v = torch.randn(y.shape, generator=generator)
            back = operator.adjoint(v)
            difference = float((y.double() * v).sum() - (x.double() * back).sum())
            worst = max(worst, abs(difference) / max(float(y.norm() * v.norm()), float(x.norm() * back.norm())))
        rows.append({"model": name, "error": worst})
    return rows


def luma(rgb: Tensor) -> Tensor:
    """Y of ITU-R BT.601 in [16, 235], (B, 1, H, W), from (B, 3, H, W) in [0, 1]."""
    return 16 + (rgb * torch.tensor(LUMA).to(rgb).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)


def set5_bicubic(data: str | Path) -> float:
    """Mean PSNR (dB, on Y, 4-pixel border) over Set5 of bicubic / 4 and back, 8-bit images on both grids.

    Args:
        data: a folder with ``sr/set5/hr/*.png``.

    Raises:
        InputError: there is no such image.
    """
    files = sorted((Path(data) / "sr" / "set5" / "hr").glob("*.png"))
    if not files:
        raise InputError(f"{data}: expected Set5's originals as sr/set5/hr/*.png, found none")
    down, scores = Downsample(4), []
    for file in files:
        truth = read_rgb(file)
        small = _bytes(down(truth))
        back = _bytes(resize(small, (truth.shape[2], truth.shape[3])))
        crop = (..., slice(BORDER, -BORDER), slice(BORDER, -BORDER))
        scores.append(float(psnr(luma(back)[crop], luma(truth)[crop], 255.0)))
    return sum(scores) / len(scores)


def read_rgb(file: Path) -> Tensor:
    """An 8-bit image file as (1, 3, H, W) in [0, 1]."""
    from PIL import Image

    with Image.open(file) as image:
        pixels = np.asarray(image.convert("RGB"), dtype=np.float32)
    return torch.from_numpy(pixels / 255).permute(2, 0, 1)[None].contiguous()


def _bytes(x: Tensor) -> Tensor:
    """Rounded to 8 bits, as files are."""
    return (255 * x).round().clamp(0, 255) / 255


PICTURES: list[tuple[str, str, Row]] = [
    ("widefield", "widefield, 65 nm pixels", {"na": 1.2, "wavelength_nm": 600}),
    ("widefield", "defocus 600 nm", {"na": 1.2, "wavelength_nm": 600, "defocus_nm": 600}),
    ("confocal", "confocal, 65 nm pixels", {"pixel_nm": 65}),
    ("sted", "STED, 30 nm pixels", {"pixel_nm": 30}),
    ("gaussian_blur", "Gaussian blur", {"sigma": 3}),
    ("motion_blur", "motion blur, 30°", {"length": 15, "angle": 30}),
    ("binning", "binning × 4", {"factor": 4}),
    ("downsample", "bicubic / 4 and back", {"restore_size": True}),
    ("camera", "camera, 50 photons", {"photons": 50, "read_noise": 2, "bits": None, "output": "input"}),
    ("gaussian_noise", "Gaussian noise", {"sigma": 0.15}),
    ("background", "background", {"level": 0.2, "unevenness": 1}),
    ("bleaching", "bleaching", {"remaining": 0.2}),
    ("mask", "mask: pixels", {"shape": "pixels", "fraction": 0.5}),
    ("mask", "mask: boxes", {"shape": "boxes", "size": 24}),
    ("mask", "mask: strokes", {"shape": "strokes", "size": 6}),
    ("shadow", "shadow", {}),
    ("low_light", "low light (× 3)", {"exposure": 0.05, "photons": 400}),
    ("chain", "chain: widefield, camera", {"parts": ["widefield", {"name": "camera", "photons": 60, "bits": None,
                                                     "output": "input"}]}),
    ("random_chain", "random chain", {"parts": MIXED, "least": 2}),
]  # fmt: skip


def photograph(side: int = 144) -> Tensor:
    """A part of scikit-image's colour test picture at half its size, (1, 3, side, side) in [0, 1]."""
    astronaut = need("skimage.data", "eval", "the picture of the degradations").astronaut()
    x = torch.from_numpy(astronaut).permute(2, 0, 1)[None].float() / 255
    return resize(x, (256, 256)).clamp(0, 1)[..., :side, 40 : 40 + side]


def gallery(file: Path, seed: int = 0) -> None:
    """Every degradation on one photograph, as a PNG of 96 colours; intensities from 0 to 1."""
    from PIL import Image

    x = photograph()
    panels = [("clean", x)]
    for name, title, options in PICTURES:
        y = build("degradation", {"name": name, **options})(x, seed)
        panels.append((title, 3 * y if name == "low_light" else y))
    columns = 5
    figure = need("matplotlib.figure", "plot", "the picture of the degradations").Figure(figsize=(9, 8))
    axes = figure.subplots(math.ceil(len(panels) / columns), columns)
    for axis in axes.flat:
        axis.axis("off")
    for axis, (title, y) in zip(axes.flat, panels, strict=False):
        axis.imshow(y[0].permute(1, 2, 0).clamp(0, 1).numpy(), interpolation="nearest")
        axis.set_title(title, fontsize=8)
    figure.tight_layout(pad=0.4)
    drawn = BytesIO()
    figure.savefig(drawn, dpi=88, format="png")
    make_folder(file.parent)
    with Image.open(drawn) as picture, atomic(file) as temporary:
        picture.convert("RGB").quantize(96, dither=Image.Dither.NONE).save(temporary, format="png", optimize=True)
