"""How much of the spread is kept, against network calls: predicted, on a Gaussian toy, and on a trained band."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from wavegen.analysis import BandSpectrum, Rings, model_spectrum, residual_spectra
from wavegen.atomic import make_folder
from wavegen.bridges import Plan, judge, make_grid, plan_steps, sample
from wavegen.checkpoint import write_text
from wavegen.config import Training
from wavegen.data import InMemory, LowBand
from wavegen.inference.evaluate import Scorer
from wavegen.normalise import intensity_of
from wavegen.pipeline import Pipeline
from wavegen.registry import build
from wavegen.training import fit
from wavegen.types import PairSource

Setting = Callable[[int], Plan]
NETWORK = {"name": "unet", "width": 32, "multipliers": [1, 2, 4]}
# One loss, whose best answer is the conditional mean, as the theory has it.
FIT: dict[str, Any] = {"target": "x0", "coarse_loss": "l2", "stages": [{"name": "fit", "weights": {"coarse": 1.0}}]}
SPARSE = 50  # a residual in few places has there so many times its average variance, or so
PLANNED_AT = 8  # the calls whose plan gives S
TOY_VARIANCES = 16  # of the band's rings that the toy takes


class SpreadStudy(BaseModel):
    """Data, band, budgets and calls of one study."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    data: dict[str, Any]
    levels: Annotated[int, Field(ge=0, le=8)] = 2
    size: Annotated[int, Field(ge=64)] = 256
    pool: Annotated[int, Field(ge=8)] = 384
    test_images: Annotated[int, Field(ge=8)] = 32
    draws: Annotated[int, Field(ge=2)] = 8
    few_draws: Annotated[int, Field(ge=2)] = 4
    calls: tuple[int, ...] = (1, 2, 3, 4, 8, 16, 50, 200)
    toy_side: Annotated[int, Field(ge=8)] = 128
    training: Training
    network: dict[str, Any] = NETWORK


def band(study: SpreadStudy, split: str) -> InMemory:
    """The images of one split, as their coarsest band."""
    count = study.pool if split == "train" else study.test_images
    spec = {**study.data, "split": split, "size": study.size, "length": count}
    return InMemory(LowBand(build("dataset", spec), study.levels))


def measured_spectrum(data: PairSource) -> BandSpectrum:
    """The band's residual spectrum from pairs, by the linear estimate."""
    return residual_spectra(data, build("transform", "identity"))[0]


def settings(v: Sequence[float], power: Sequence[float], unit: float) -> dict[str, Setting]:
    """What is compared, by name. ``unit`` is the band's variance for images in [-1, 1], in which BBDM's s is 1."""
    small = plan_steps("bbdp", v, power, calls=PLANNED_AT).bridge

    def uniform(bridge: Mapping[str, Any], eta: float) -> Setting:
        return lambda calls: judge(bridge, make_grid("uniform", calls), v, power, eta=eta)

    return {
        "BBDM's s = 1, uniform, eta 1; images in [-1, 1]": uniform({"name": "bbdp", "s": 1 / unit}, 1.0),
        "BBDM's s = 1, uniform, eta 1; unit variance": uniform({"name": "bbdp", "s": 1.0}, 1.0),
        "planned S, uniform, eta 1": uniform(small, 1.0),
        "planned S, uniform, eta 0": uniform(small, 0.0),
        "planned, bbdp": lambda calls: plan_steps("bbdp", v, power, calls=calls),
        "planned, irsde": lambda calls: plan_steps("irsde", v, power, calls=calls),
    }


def toy(plan: Plan, side: int, seed: int = 0) -> Tensor:
    """V_0 / v as the sampler itself leaves it, one value for each of the plan's variances, (V,).

    Every variance is a channel of ``side`` x ``side`` independent pixels with the mean y; the network is the exact
    conditional mean. The standard error is sqrt(2) / side of the share.
    """
    process = build("bridge", plan.bridge)
    v = torch.tensor(plan.v).view(1, -1, 1, 1)

    def ideal(x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        a, b, c = (float(k) for k in process.coefficients(t[0].double()))
        gain = a * v / (a * a * v + c * c) if a > 0 else torch.zeros_like(v)
        return y + gain * (x - (a + b) * y)

    y = torch.zeros(1, len(plan.v), side, side)
    x = sample(process, ideal, y, grid=plan.times, eta=plan.eta, solver=plan.solver, seeds=seed).x
    return x.double().var(dim=(0, 2, 3)) / v.flatten().double()


def toy_rows(spectrum: BandSpectrum, unit: float, calls: Sequence[int], side: int) -> list[dict[str, Any]]:
    """Predicted and measured shares of every setting and number of calls, over some of the band's rings."""
    rows = []
    chosen = slice(0, None, -(-len(spectrum.residual) // TOY_VARIANCES))
    v, power = spectrum.residual[chosen], spectrum.weights[chosen]
    for name, setting in settings(v, power, unit).items():
        for count in calls:
            plan = setting(count)
            shares = toy(plan, side)
            rows.append(
                {
                    "setting": name,
                    "calls": count,
                    "S": plan.total_variance,
                    "solver": plan.solver,
                    **_figures("predicted", torch.tensor(plan.shares), plan.power),
                    **_figures("measured", shares, plan.power),
                    "largest difference": float((shares - torch.tensor(plan.shares)).abs().max()),
                }
            )
    return rows


def _figures(name: str, shares: Tensor, power: Sequence[float]) -> dict[str, float]:
    mean = float((shares.double() * torch.tensor(power, dtype=torch.float64)).sum())
    return {name: mean, f"{name} least": float(shares.min()), f"{name} most": float(shares.max())}


def train_band(study: SpreadStudy, data: PairSource, bridge: Mapping[str, Any], out: Path) -> Pipeline:
    """Train the band's bridge, or read it where it is trained."""
    if (out / "model" / "model.safetensors").exists():
        return Pipeline.from_pretrained(out / "model")
    torch.manual_seed(study.training.seed)
    spec = {"name": "bbdm", "bridge": dict(bridge), "network": study.network, **FIT}
    return fit(Pipeline.from_config(spec), data, study.training, out, resume=True, described=study.data)


@torch.no_grad()
def measure(pipe: Pipeline, data: PairSource, plan: Plan, draws: int, scorer: Scorer | None) -> dict[str, Any]:
    """Spread of real draws over rings, beside the residual that it should have; and the scores of the first draw.

    With V the variance over draws and R the power of x0 minus their mean, the residual's variance is R - V / draws.
    """
    x, y = (torch.stack([data[i][k] for i in range(len(data))]) for k in (0, 1))
    offset, scale = intensity_of(y, pipe.config.intensity)
    grid = {"name": "times", "values": list(plan.times)}
    seeds = list(range(len(y)))
    made = pipe.restore(y, samples=draws, seed=seeds, eta=plan.eta, solver=plan.solver, grid=grid).samples
    low = pipe.norm.low((made - offset) / scale, 0)
    rings = Rings(*y.shape[-2:])

    def power(band: Tensor) -> Tensor:
        return rings.mean(rings.transform(band).abs().square().flatten(0, -3).mean(0))

    mean = low.mean(0)
    spread = power(low - mean) * draws / (draws - 1)
    residual = (power(pipe.norm.low((x - offset) / scale, 0) - mean) - spread / draws).clamp_min(1e-12)
    weights = residual * rings.modes / (residual * rings.modes).sum()
    predicted = torch.tensor(judge(plan.bridge, plan.times, residual.tolist(), eta=plan.eta, solver=plan.solver).shares)
    shares = spread / residual
    found = {
        **_figures("predicted", predicted, weights.tolist()),
        **_figures("measured", shares, weights.tolist()),
        "difference": float((weights * (shares - predicted).abs()).sum()),
        "shares": shares.tolist(),
        "residual": residual.tolist(),
    }
    if scorer is not None:
        found |= {name: float(values.mean()) for name, values in scorer.paired(made[0], x).items()}
        found["kid_effnet_lite0"] = scorer.distance([made[0]], [x])
    return found


def band_rows(study: SpreadStudy, out: Path) -> list[dict[str, Any]]:
    """Train with s = 1 and with the planned S; measure both on BBDM's grid and on their plans."""
    torch.set_num_threads(1)
    pool, test = band(study, "train"), band(study, "test")
    spectrum = measured_spectrum(pool)
    bridges = {
        "s = 1": {"name": "bbdp", "s": 1.0},
        "planned S": plan_steps("bbdp", spectrum.residual, spectrum.weights, calls=PLANNED_AT).bridge,
    }
    rows, scorer = [], Scorer()
    for name, bridge in bridges.items():
        pipe = train_band(study, pool, bridge, out / name.replace(" ", "").replace("=", "-"))
        own = model_spectrum(pipe, test)
        uniform = [(n, judge(bridge, make_grid("uniform", n), own.residual, own.weights)) for n in study.calls]
        best = [(n, plan_steps(bridge, own.residual, own.weights, calls=n, rescale=False)) for n in study.calls]
        raised = [SPARSE * k for k in own.residual]
        sparse = [(n, plan_steps(bridge, raised, own.weights, calls=n, rescale=False)) for n in study.calls]
        for how, plans in (("uniform, eta 1", uniform), ("planned", best), (f"planned for {SPARSE} v", sparse)):
            for count, plan in plans:
                print(f"measuring {name}, {how}, {count} calls", file=sys.stderr)
                draws = study.draws if count <= 16 else study.few_draws
                found = measure(pipe, test, plan, draws, scorer)
                rows.append({"model": name, "how": how, "calls": count, "S": plan.total_variance, **found})
    return rows


def band_unit(data: PairSource) -> float:
    """Variance of the targets' band for images whose network units [0, 1] are stretched to [-1, 1]."""
    pipe = Pipeline.from_config({"name": "bbdm", "network": {"width": 8}})
    values = torch.cat([pipe.normalise(data[i]).x.flatten() for i in range(min(64, len(data)))])
    return 4 * float(values.var())


def spread_study(study: SpreadStudy, out: Path, trained: bool = False) -> str:
    """All tables in Markdown; they are also written to ``out``, with the figures in ``spread.json``."""
    make_folder(out)
    pool = band(study, "train")
    spectrum = measured_spectrum(pool)
    found: dict[str, Any] = {
        "v": [min(spectrum.residual), max(spectrum.residual)],
        "toy": toy_rows(spectrum, band_unit(pool), study.calls, study.toy_side),
    }
    text = f"v from {found['v'][0]:.3g} to {found['v'][1]:.3g}\n\n" + _table(found["toy"], TOY)
    if trained:
        found["trained"] = band_rows(study, out)
        text += "\n" + _table(found["trained"], TRAINED)
    write_text(out / "spread.json", json.dumps(found, indent=1) + "\n")
    write_text(out / "spread.md", text)
    return text


COMMON = ["predicted", "predicted least", "predicted most", "measured", "measured least", "measured most"]
TOY = ["setting", "calls", "S", *COMMON, "largest difference"]
TRAINED = ["model", "how", "calls", "S", *COMMON, "difference", "psnr", "lpips", "kid_effnet_lite0"]


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    for row in rows:
        cells = (row.get(column) for column in columns)
        shown = ["-" if c is None else f"{c:.3g}" if column_is_s else f"{c:.3f}" if isinstance(c, float) else str(c)
                 for c, column_is_s in zip(cells, (column == "S" for column in columns), strict=True)]  # fmt: skip
        lines.append("| " + " | ".join(shown) + " |")
    return "\n".join(lines) + "\n"
