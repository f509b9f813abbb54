"""What the comparison of bridges needs beside the table: variances, native samplers, and less and less light."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wavegen.bridges import Bridge
from wavegen.core.registry import build
from wavegen.experiments.judge.pictures import stretched
from wavegen.experiments.spec.comparison import Comparison, Row, restored_by
from wavegen.experiments.spec.folders import run_folder, write_json
from wavegen.experiments.spec.images import images_of
from wavegen.experiments.spec.record import about
from wavegen.experiments.studies.claims import PHOTONS, darker, under
from wavegen.metrics.scales import to_target_range
from wavegen.pipeline.pipeline import Pipeline
from wavegen.reports.blocks import Table
from wavegen.reports.pictures import picture_grid

VARIANCES = ("system", "process", "S here", "S of its defaults", "its own steps, eta, solver, grid, target")


def variances(systems: Mapping[str, Any]) -> str:
    """A Markdown table: each system's process with its S here, the S of the process's defaults, its own sampler."""
    lines = []
    for name, spec in systems.items():
        bridge: Bridge = build("bridge", spec["bridge"])
        defaults: Bridge = build("bridge", spec["bridge"]["name"])
        options = ", ".join(f"{k} = {v:.4g}" if isinstance(v, float) else f"{k} = {v}"
                            for k, v in spec["bridge"].items() if k != "name")  # fmt: skip
        scales = ["–" if s is None else f"{s:.3g}" for s in (bridge.total_variance, defaults.total_variance)]
        native = defaults.native
        settings = f"{native.steps}, {native.eta:g}, {native.solver}, {native.grid}, {native.target}"
        lines.append((name, f"{spec['bridge']['name']} {options}".strip(), *scales, settings))
    return Table(VARIANCES, tuple(lines)).markdown()


def degraded(plan: Comparison, out: Path, *, steps: int = 4, image: int = 0) -> list[dict[str, Any]]:
    """Scores of the trained systems on the same specimens under more and more light, with strips of one of them.

    Writes ``light.json`` and ``light.png``; rows have photons of the brightest pixel, system, steps, psnr, ssim, rmse
    and spread (in the target's range).
    """
    pipes = {s: Pipeline.from_pretrained(run_folder(out, s, plan.seeds_of(s)[0]) / "model") for s in plan.systems}
    rows = [{"system": system, **row} for system, pipe in pipes.items() for row in darker(plan, pipe)]
    write_json(out / "light.json", {"about": about(plan), "rows": rows})
    _strips(plan, pipes, out / "light.png", steps, image)
    return rows


def _strips(plan: Comparison, pipes: Mapping[str, Pipeline], path: Path, steps: int, image: int) -> None:
    """A row of pictures for y, draws of each system, and the truth; a column for each number of photons."""
    several = [name for name, pipe in pipes.items() if pipe.bridge.max_steps is None]
    # Two draws where there is anything to draw.
    rows = [
        (Row(system=name, steps=steps if name in several else 1), seed)
        for name in pipes
        for seed in ((0, 1) if name in several else (0,))
    ]
    labels = ["y", *(f"{row.system}\n{row.steps} calls, seed {seed}" for row, seed in rows), "truth"]
    columns = []
    for photons in PHOTONS:
        x, y = images_of(under(plan, photons))[image]
        drawn = [restored_by(pipes[row.system], row, y, [seed]).image for row, seed in rows]
        on_scale = [to_target_range(shown[None], x[None])[0][0, 0].numpy() for shown in (*drawn, x)]
        columns.append([stretched(y.numpy())[0], *on_scale])
    picture_grid(path, list(zip(*columns, strict=True)), [f"{photons:g} photons" for photons in PHOTONS], labels)
