"""How much of the spread is kept, against network calls: predicted, on a Gaussian toy, and on a trained band."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field

from wavegen.analysis import BandSpectrum, model_spectrum, residual_spectra
from wavegen.bridges import Plan, judge, make_grid, plan_steps
from wavegen.core.errors import InputError
from wavegen.core.files import make_folder, write_text
from wavegen.core.registry import build
from wavegen.core.types import PairSource
from wavegen.data import InMemory, LowBand
from wavegen.experiments.spec.folders import AGAIN, read_json, write_json
from wavegen.experiments.studies.spread_measure import figures, measure, toy
from wavegen.inference.evaluate import Scorer
from wavegen.pipeline.pipeline import Pipeline
from wavegen.reports.blocks import Table
from wavegen.training import fit
from wavegen.training.config import Training

Setting = Callable[[int], Plan]
NETWORK = {"name": "unet", "width": 32, "multipliers": [1, 2, 4]}
# One loss, whose best answer is the conditional mean, as the theory has it.
FIT: dict[str, Any] = {"target": "x0", "coarse_loss": "l2", "stages": [{"name": "fit", "weights": {"coarse": 1.0}}]}
ALIKE = 1.25  # noise scales within this ratio are not trained twice
MANY = 16  # calls beyond which only a few images are restored
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
    draws: Annotated[int, Field(ge=2)] = 4
    few_images: Annotated[int, Field(ge=2)] = 8
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
                    **figures("predicted", torch.tensor(plan.shares), plan.power),
                    **figures("measured", shares, plan.power),
                    "largest difference": float((shares - torch.tensor(plan.shares)).abs().max()),
                }
            )
    return rows


def train_band(study: SpreadStudy, data: PairSource, bridge: Mapping[str, Any], out: Path) -> Pipeline:
    """Train the band's bridge, or read it where it is trained.

    Raises:
        InputError: the folder holds a model of another bridge.
    """
    if (out / "model" / "model.safetensors").exists():
        pipe = Pipeline.from_pretrained(out / "model")
        if dict(pipe.config.bridge) != dict(bridge):
            raise InputError(f"{out} holds the bridge {dict(pipe.config.bridge)}, not {dict(bridge)}: move it away")
        return pipe
    torch.manual_seed(study.training.seed)
    spec = {"name": "bbdm", "bridge": dict(bridge), "network": study.network, **FIT}
    return fit(Pipeline.from_config(spec), data, study.training, out, resume=True, described=study.data)


def band_rows(study: SpreadStudy, out: Path, results: dict[str, Any]) -> None:
    """Train with s = 1 and, where it is another, with the planned S; measure both on even grids and on plans.

    The rows are put into ``results["trained"]``; those that are there already are not measured again.
    """
    torch.set_num_threads(1)
    pool, test = band(study, "train"), band(study, "test")
    spectrum, scorer = measured_spectrum(pool), Scorer()
    planned = plan_steps("bbdp", spectrum.variances, spectrum.weights, calls=PLANNED_AT)
    bridges = {"s = 1": {"name": "bbdp", "s": 1.0}}
    if abs(math.log(float(planned.bridge["s"]))) > math.log(ALIKE):
        bridges["planned S"] = planned.bridge
    results["planned S"] = planned.total_variance
    rows = results.setdefault("trained", [])
    done = {(row["model"], row["how"], row["calls"]) for row in rows}
    for name, bridge in bridges.items():
        pipe = train_band(study, pool, bridge, out / name.replace(" ", "").replace("=", "-"))
        residual = model_spectrum(pipe, test)
        results[f"kurtosis, {name}"] = residual.kurtosis
        for how, setting in _band_settings(bridge, residual).items():
            for count in study.calls:
                if (name, how, count) in done:
                    continue
                print(f"measuring {name}, {how}, {count} calls", file=sys.stderr)
                plan, images = setting(count), study.test_images if count <= MANY else study.few_images
                row = measure(pipe, test, plan, residual, study.draws, images, scorer)
                rows.append(
                    {"model": name, "how": how, "calls": count, "S": plan.total_variance, "images": images, **row}
                )
                _keep(out, results)
    rows.sort(key=lambda row: (row["model"], row["how"], row["calls"]))


def _band_settings(bridge: Mapping[str, Any], residual: BandSpectrum) -> dict[str, Setting]:
    def of(v: Sequence[float]) -> Setting:
        return lambda calls: plan_steps(bridge, v, residual.weights, calls=calls, rescale=False)

    return {
        "uniform, eta 1": lambda calls: judge(
            bridge, make_grid("uniform", calls), residual.variances, residual.weights
        ),
        "planned for v": of(residual.residual),
        "planned": of(residual.variances),
    }


def band_unit(data: PairSource) -> float:
    """Variance of the targets' band for images whose network units [0, 1] are stretched to [-1, 1]."""
    pipe = Pipeline.from_config({"name": "bbdm", "network": {"width": 8}})
    values = torch.cat([pipe.normalise(data[i]).x.flatten() for i in range(min(64, len(data)))])
    return 4 * float(values.var())


def spread_study(study: SpreadStudy, out: Path, trained: bool = False) -> str:
    """All tables in Markdown; they are also written to ``out``, with the figures in ``spread.json``.

    A study that was interrupted goes on where it was.

    Raises:
        InputError: ``out`` holds the figures of another study.
    """
    make_folder(out)
    settings_now = json.loads(study.model_dump_json())
    results: dict[str, Any] = {"study": settings_now}
    if (out / "spread.json").exists():
        results = read_json(out / "spread.json", AGAIN)
        if results.get("study") != settings_now:
            raise InputError(f"{out} holds the figures of another study; give another folder")
    if "toy" not in results:
        pool = band(study, "train")
        spectrum = measured_spectrum(pool)
        results["v"] = [min(spectrum.residual), max(spectrum.residual)]
        results["kurtosis"] = spectrum.kurtosis
        results["toy"] = toy_rows(spectrum, band_unit(pool), study.calls, study.toy_side)
        _keep(out, results)
    text = f"v from {results['v'][0]:.3g} to {results['v'][1]:.3g}, kurtosis {results['kurtosis']:.3g}\n\n"
    text += _table(results["toy"], TOY)
    if trained:
        band_rows(study, out, results)
        _keep(out, results)
        models = {key[10:]: value for key, value in results.items() if key.startswith("kurtosis, ")}
        kurtoses = ", ".join(f"{model}: {value:.3g}" for model, value in models.items())
        text += f"\nplanned S {results['planned S']:.3g}; kurtosis of the network's residual: {kurtoses}\n\n"
        text += _table(results["trained"], TRAINED)
    write_text(out / "spread.md", text)
    return text


def _keep(out: Path, results: Mapping[str, Any]) -> None:
    write_json(out / "spread.json", results)


COMMON = ["predicted", "predicted least", "predicted most", "measured", "measured least", "measured most"]
TOY = ["setting", "calls", "S", *COMMON, "largest difference"]
TRAINED = ["model", "how", "calls", "images", "S", "for v alone", *COMMON, "psnr", "lpips", "kid_effnet_lite0"]


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    lines = [tuple(_cell(row.get(column), column) for column in columns) for row in rows]
    return Table(tuple(columns), tuple(lines)).markdown()


def _cell(value: Any, column: str) -> str:
    if value is None:
        return "-"
    return format(value, ".3g" if column == "S" else ".3f") if isinstance(value, float) else str(value)
