"""What heads do beside scores: use of their noise, energy of their bands, invention, and the price of a sampled LL."""

from __future__ import annotations

import statistics
from pathlib import Path

import torch
from einops import rearrange
from torch import Tensor

from wavegen.core.types import Pair
from wavegen.experiments.spec.comparison import Comparison
from wavegen.experiments.spec.folders import Result, run_folder, write_json
from wavegen.experiments.spec.images import images_of
from wavegen.experiments.spec.record import about
from wavegen.inference.evaluate import Scorer
from wavegen.losses.rollout import own_sample
from wavegen.metrics import KernelDistance, manifold_scores
from wavegen.metrics.scales import scaled
from wavegen.pipeline.pipeline import Pipeline
from wavegen.pipeline.units import intensity_of, result_intensity
from wavegen.reports.blocks import Table
from wavegen.training.watch import figures, late_features, with_details

IMAGES = 16
HEAD = (
    "system",
    "spread / residual, least",
    "difference of two draws / residual, least",
    "energy, least–most",
    "kurtosis, least–most",
    "null",
    "recall",
    "coverage",
    "LPIPS, true LL",
    "LPIPS, sampled LL",
    "gap %",
    "PSNR, true LL",
    "PSNR, sampled LL",
)
BANDS = (
    ("spread", ".3f", (min,)),
    ("difference", ".3f", (min,)),
    ("energy", ".2f", (min, max)),
    ("kurtosis", ".2f", (min, max)),
)
MEANS = (
    ("null", ".3f"),
    ("recall", ".2f"),
    ("coverage", ".2f"),
    ("lpips_true_ll", ".4f"),
    ("lpips_sampled_ll", ".4f"),
    ("gap", ".0f"),
    ("psnr_true_ll", ".2f"),
    ("psnr_sampled_ll", ".2f"),
)


def head_figures(plan: Comparison, out: Path, split: str = "test") -> list[Result]:
    """Watch and gap of every trained system and seed of a comparison; printed by recipes, kept in ``heads.json``."""
    torch.set_num_threads(1)
    data, scorer = images_of(plan, split), Scorer()
    pairs = [data[i] for i in range(min(IMAGES, len(data)))]
    rows = []
    for system, seed in plan.runs():
        folder = run_folder(out, system, seed)
        if (folder / "model").exists():
            pipe = Pipeline.from_pretrained(folder / "model")
            rows.append({"system": system, "seed": seed, **figures(pipe, pairs), **low_band_gap(pipe, pairs, scorer)})
    name = "heads.json" if split == "test" else f"heads-{split}.json"
    write_json(out / name, {"about": about(plan), "rows": rows})
    return rows


def heads_table(rows: list[Result]) -> str:
    """The rows in Markdown, means over seeds; of the bands the extremes over levels and H, V, D."""
    systems = dict.fromkeys(row["system"] for row in rows)
    lines = [_cells(system, [row for row in rows if row["system"] == system]) for system in systems]
    return Table(HEAD, tuple(lines)).markdown()


def _cells(system: str, seeds: list[Result]) -> tuple[str, ...]:
    """One line of the table from the rows of a system's seeds."""
    cells = [system]
    for figure, form, ends in BANDS:
        values = [m[key] for m in seeds for key in m if key.startswith("level") and key.endswith("/" + figure)]
        cells.append("–".join(format(end(values), form) for end in ends) if values else "–")
    means = _means(seeds)
    return (*cells, *(format(means[key], form) if key in means else "–" for key, form in MEANS))


def _means(seeds: list[Result]) -> dict[str, float]:
    """Means over seeds of the figures of whole images, and the gap in LPIPS in per cent."""
    means: dict[str, float] = {}
    for key, _ in MEANS:
        values = [m[key] for m in seeds if m.get(key) is not None]
        if values:
            means[key] = statistics.fmean(values)
    if means.get("lpips_true_ll") and means.get("lpips_sampled_ll"):
        means["gap"] = 100 * (means["lpips_sampled_ll"] / means["lpips_true_ll"] - 1)
    return means


def coverage(scorer: Scorer, restored: Tensor, target: Tensor, side: int = 64, k: int = 5) -> dict[str, float | None]:
    """``recall`` and ``coverage`` of patches of ``side`` pixels in EfficientNet-Lite0 features: is a part left out?

    Empty without the network's weights, or with no more than ``k`` patches.
    """
    network = scorer.metrics.get("kid_effnet_lite0")
    if not isinstance(network, KernelDistance):
        return {}
    parts = []
    for images in scaled(scorer.scale, restored, target):
        rows, columns = (n // side * side for n in images.shape[-2:])
        whole = images[..., :rows, :columns].clamp(0, 1)
        parts.append(rearrange(whole, "n c (r h) (s w) -> (n r s) c h w", h=side, w=side))
    if len(parts[0]) <= k:
        return {}
    ours, real = (network.features(part, 1.0) for part in parts)
    overlap = manifold_scores(ours, real, k)
    return {"recall": overlap.recall, "coverage": overlap.coverage}


@torch.no_grad()
def low_band_gap(
    pipe: Pipeline, pairs: list[Pair], scorer: Scorer | None = None, seed: int = 0
) -> dict[str, float | None]:
    """Scores of images made by the heads from the true LL and from the coarse stage's own sample.

    ``psnr_true_ll``, ``lpips_true_ll``, ... and ``_sampled_ll`` of each; ``psnr_true_bands`` of the sampled LL with the
    true details, which no head can beat there; :func:`coverage` of the second. Empty for a pipeline without heads.
    Features, where a head takes them, are those of the sampler's last state, made from the true band or reached.
    """
    if not len(pipe.heads):
        return {}
    scorer = scorer or Scorer()
    images: dict[str, list[Tensor]] = {"true_ll": [], "sampled_ll": [], "true_bands": []}
    for index, pair in enumerate(pairs):
        x, y = (image[None].to(pipe.device) for image in pipe.normalise(pair))
        units = intensity_of(pair.y[None], pipe.config.intensity)
        offset, scale = result_intensity(units, pipe.config.intensity)
        true, bands = pipe.transform.forward(x), pipe.transform.forward(y)
        denoiser = pipe.denoiser(pipe.condition(y, bands))
        low = pipe.norm.low_inverse(own_sample(pipe, denoiser, pipe.norm.low(bands.ll, 0), [seed + index]), 0)
        late = late_features(pipe, true, bands, y, seed + index)
        versions = {
            "true_ll": with_details(pipe, true.ll, bands, late, seed + index),
            "sampled_ll": with_details(pipe, low, bands, denoiser.features, seed + index),
            "true_bands": pipe.transform.inverse(true._replace(ll=low)),
        }
        for name, image in versions.items():
            images[name].append(image.cpu() * scale + offset)
    target = torch.stack([pair.x for pair in pairs])
    gaps = coverage(scorer, torch.cat(images["sampled_ll"]), target)
    for name, restored in images.items():
        scores = scorer.paired(torch.cat(restored), target)
        gaps |= {f"{metric}_{name}": float(values.mean()) for metric, values in scores.items()}
    return gaps
