"""The pictures of docs/concepts and docs/how-to, from simulated images and the shipped models.

    python docs/make_pictures.py --out docs/images

Takes about a minute on one core; the seeds are fixed.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
from numpy.typing import NDArray

from wavegen import Pipeline, build

Array = NDArray[np.floating[Any]]
SIDE = 128
STYLE = {"font.size": 9, "axes.titlesize": 9, "savefig.dpi": 110, "figure.facecolor": "white"}


def pair(name: str, index: int, size: int = SIDE) -> tuple[torch.Tensor, torch.Tensor]:
    """Truth and input (H, W) of one test image."""
    x, y = build("dataset", {"name": name, "size": size, "split": "test"})[index]
    return x[0], y[0]


def show(axis: Any, image: Any, title: str = "", signed: float | None = None, top: float | None = None) -> Any:
    """One grey image without ticks; ``signed`` is the value at which a signed one is black or white."""
    image = np.asarray(image)
    low, high = (-signed, signed) if signed else (0.0, top or float(np.percentile(image, 99.8)))
    axis.set(xticks=[], yticks=[], title=title)
    return axis.imshow(image, cmap="gray", vmin=low, vmax=high, interpolation="nearest")


def save(figure: Any, out: Path, name: str) -> None:
    """Write the picture with few colours, which keeps it small."""
    from PIL import Image

    path = out / f"{name}.png"
    figure.savefig(path, bbox_inches="tight", pad_inches=0.08)
    plt.close(figure)
    Image.open(path).convert("RGB").quantize(128).save(path, optimize=True)
    print(path, f"{path.stat().st_size / 1000:.0f} kB")


def subband_tree(out: Path) -> None:
    """An image, its bands after one Haar level and after two."""
    x, _ = pair("hela", 1)
    top = float(np.percentile(x, 99.8))
    figure = plt.figure(figsize=(9.0, 3.3))

    def place(left: float, bottom: float, side: float) -> Any:
        """An axis; all numbers in shares of one of the three big squares."""
        return figure.add_axes((left / 3.2, 0.9 * bottom, side / 3.2, 0.9 * side))

    show(place(0.0, 0.0, 1.0), x, f"image, {SIDE} × {SIDE}", top=top)
    for levels, word in ((1, "one level"), (2, "two levels: LL1 is split again")):
        found = build("transform", {"name": "haar", "levels": levels})(x[None, None])
        left, side = 1.1 * levels, 0.5
        figure.text((left + 0.5) / 3.2, 0.93, word, ha="center", va="bottom")
        for number, bands in enumerate(reversed(found.details), start=1):
            gap = 0.01
            for name, band, right, up in (("H", bands.h, 1, 1), ("V", bands.v, 0, 0), ("D", bands.d, 1, 0)):
                axis = place(left + right * (side + gap), 1 - 2 * side - gap + up * (side + gap), side - gap)
                show(axis, band[0, 0], signed=0.25 * number * top)
                label(axis, f"{name}{number}")
            side /= 2
        axis = place(left, 1 - 2 * side, 2 * side - 0.01)
        show(axis, found.ll[0, 0], top=top * 2**levels)
        label(axis, f"LL{levels}")
    save(figure, out, "concept-subbands")


def label(axis: Any, text: str) -> None:
    """A short name in the corner, readable on any grey."""
    axis.text(0.04, 0.95, text, transform=axis.transAxes, ha="left", va="top", fontsize=8, color="black").set_bbox(
        {"facecolor": "white", "alpha": 0.8, "pad": 1.5, "linewidth": 0}
    )


def bridge_path(out: Path) -> None:
    """The states between y and x0, and the three coefficients that make them."""
    x, y = pair("hela", 1)
    haar = build("transform", {"name": "haar", "levels": 1})
    x0, end = (haar(image[None, None]).ll for image in (x, y))
    scale, middle = x0.std(), x0.mean()
    x0, end = (x0 - middle) / scale, (end - middle) / scale
    bridge = build("bridge", {"name": "bbdp", "s": 0.25})
    eps = torch.randn(x0.shape, generator=torch.Generator().manual_seed(0))
    times = (1.0, 0.75, 0.5, 0.25, 0.0)
    figure = plt.figure(figsize=(9.0, 3.6))
    grid = figure.add_gridspec(2, len(times), height_ratios=(1.35, 1), hspace=0.12, wspace=0.06)
    for column, t in enumerate(times):
        a, b, c = (float(k) for k in bridge.coefficients(torch.tensor(t, dtype=torch.float64)))
        state = a * x0 + b * end + c * eps
        axis = figure.add_subplot(grid[0, column])
        name = {1.0: "t = 1: y's own LL band", 0.0: "t = 0: the clean band"}.get(t, f"t = {t:g}")
        axis.set(xticks=[], yticks=[], title=name)
        axis.imshow(state[0, 0], cmap="gray", vmin=-1, vmax=4, interpolation="nearest")
    axis = figure.add_subplot(grid[1, :])
    t = torch.linspace(0, 1, 201, dtype=torch.float64)
    curves = zip(bridge.coefficients(t), ("a: of x0", "b: of y", "c: of noise"), ("-", "--", ":"), strict=True)
    for values, name, dash in curves:
        axis.plot(t, values, dash, label=name, color="black")
    axis.set(xlim=(1, 0), xlabel="t: sampling goes from 1 to 0", ylabel="coefficient", yticks=(0, 0.5, 1))
    axis.legend(loc="center left", frameon=False)
    save(figure, out, "concept-bridge")


def head(out: Path) -> None:
    """What goes into a head and what comes out, beside the truth; below, images with and without its bands."""
    x, y = pair("hela", 1)
    restored = torch.as_tensor(Pipeline.from_pretrained("fidelity-hela").restore(y.numpy(), seed=0).image)
    haar = build("transform", {"name": "haar", "levels": 1})
    of_y, made, true = (haar(image[None, None]) for image in (y, restored, x))
    empty = [details.__class__(*(torch.zeros_like(band) for band in details)) for details in made.details]
    without = haar.inverse(made._replace(details=type(made.details)(empty)))
    top = 1.1 * float(np.percentile(x, 99.5))
    figure, axes = plt.subplots(2, 4, figsize=(9.0, 4.9), gridspec_kw={"wspace": 0.05, "hspace": 0.14})
    show(axes[0, 0], made.ll[0, 0], "in: restored LL1", top=2 * top)
    named = (("in: H1 of y", of_y), ("out: H1", made), ("H1 of the truth", true))
    for axis, (name, bands) in zip(axes[0, 1:], named, strict=True):
        show(axis, bands.details[0].h[0, 0], name, signed=0.5 * top)
    images = (
        ("y, the degraded image", y),
        ("restored, details left out", without[0, 0]),
        ("restored", restored),
        ("truth", x),
    )
    for axis, (name, image) in zip(axes[1], images, strict=True):
        show(axis, image, name, top=top)
    save(figure, out, "concept-head")


def spread(out: Path) -> None:
    """Samples, their standard deviation, the error; and whether the two agree."""
    names = ("mscgm-hela", "realism-hela")
    models = {name: Pipeline.from_pretrained(name) for name in names}
    x, y = pair("hela", 1)
    figure, axes = plt.subplots(1, 5, figsize=(9.6, 2.3), gridspec_kw={"wspace": 0.06})
    found = models["realism-hela"].restore(y.numpy(), steps=4, samples=8, seed=0)
    top, wide = float(np.percentile(x, 99.8)), float(np.percentile(found.std, 99.8))
    for axis, number in zip(axes, (0, 1), strict=False):
        show(axis, found.samples[number], f"sample {number + 1} of 8", top=top)
    show(axes[2], found.image, "mean of 8", top=top)
    show(axes[3], found.std, "standard deviation", top=wide)
    show(axes[4], np.abs(found.image - x.numpy()), "error of the mean", top=wide)
    save(figure, out, "concept-spread-samples")
    figure, axis = plt.subplots(figsize=(4.4, 3.6))
    for (name, model), dash in zip(models.items(), ("s--", "o-"), strict=True):
        spreads, errors = [], []
        for index in range(8):
            x, y = pair("hela", index)
            found = model.restore(y.numpy(), steps=4, samples=8, seed=0)
            unit = float(np.percentile(x, 99.9))
            spreads.append(found.std.ravel() / unit)
            errors.append(((found.samples[0] - x.numpy()) / unit).ravel())
        deviation, error = np.concatenate(spreads), np.concatenate(errors)
        order = np.argsort(deviation)
        parts = [(np.sqrt((deviation[i] ** 2).mean()), error[i].std()) for i in np.array_split(order, 8)]
        axis.plot(*zip(*parts, strict=True), dash, color="black", markersize=4, label=name)
    limit = axis.get_ylim()[1]
    axis.plot([0, limit], [0, 2**0.5 * limit], ":", color="gray", label="calibrated: √2 × spread")
    axis.locator_params(nbins=4)
    axis.set(xlim=(0, limit / 2**0.5), ylim=(0, limit), xlabel="spread of eight samples", ylabel="error of one sample")
    axis.set_title("pixels in eight groups of equal number, by spread;\nin units of the truth's range")
    axis.legend(frameon=False, loc="lower right")
    save(figure, out, "concept-spread")


def models(out: Path) -> None:
    """One image by each shipped super-resolution model, beside input and truth."""
    x, y = pair("hela", 3)
    beads_x, beads_y = pair("nanobeads", 5, 256)
    top, beads_top = (float(np.percentile(image, 99.8)) for image in (x, beads_x))
    figure, axes = plt.subplots(2, 4, figsize=(9.0, 5.0), gridspec_kw={"wspace": 0.05, "hspace": 0.16})
    axes = axes.ravel()
    show(axes[0], y, "hela: input")
    show(axes[4], x, "hela: truth", top=top)
    for axis, (name, steps) in zip(axes[1:4], (("fidelity", 1), ("realism", 4), ("mscgm", 4)), strict=True):
        made = Pipeline.from_pretrained(f"{name}-hela").restore(y.numpy(), steps=steps, seed=0).image
        show(axis, made, f"{name}-hela, {steps} call" + "s" * (steps > 1), top=top)
    made = Pipeline.from_pretrained("mscgm-nanobeads").restore(beads_y.numpy(), steps=4, seed=0).image
    show(axes[5], beads_y, "nanobeads: input")
    show(axes[6], made, "mscgm-nanobeads, 4 calls", top=beads_top)
    show(axes[7], beads_x, "nanobeads: truth", top=beads_top)
    save(figure, out, "choose-a-model")


def matching(out: Path) -> None:
    """A noisy input and its target on another scale, their joint histogram with the lines, and the matched target."""
    from wavegen.data.matching import match

    gain, offset, photons = 1.7, 25.0, 30.0
    clean = pair("hela", 1)[0].numpy()
    clean = 100 * clean / np.percentile(clean, 99.9)
    rng = np.random.default_rng(0)
    y = 100 * (rng.poisson(photons * clean / 100) + rng.normal(size=clean.shape)) / photons
    x = gain * clean + offset
    (line,) = match(x[None], y[None])
    figure, axes = plt.subplots(1, 4, figsize=(11.0, 2.9), width_ratios=(1, 1, 1.15, 1), layout="constrained")
    show(axes[0], y, "input", top=90)
    show(axes[1], x, "target, on another scale", top=90)
    show(axes[3], (x - line.offset) / line.gain, "target, matched", top=90)
    axes[2].hist2d(y.ravel(), x.ravel(), bins=70, cmap="Greys", norm="log", range=((-15, 80), (0, 160)))
    ends = np.array([-15.0, 80.0])
    least = np.polyfit(y.ravel(), x.ravel(), 1)
    axes[2].plot(ends, np.polyval(least, ends), "--", color="tab:blue", label=f"least squares: gain {least[0]:.2f}")
    found = f"matched: gain {line.gain:.2f}, true {gain}"
    axes[2].plot(ends, line.gain * ends + line.offset, color="tab:red", label=found)
    axes[2].set(xlabel="input", ylabel="target", title="every pixel", xlim=ends, ylim=(0, 160))
    axes[2].legend(fontsize=7, loc="lower right")
    save(figure, out, "intensity-matching")


def main() -> None:
    """Draw all of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    with plt.rc_context(STYLE):
        for draw in (subband_tree, bridge_path, head, spread, models, matching):
            draw(out)


if __name__ == "__main__":
    main()
