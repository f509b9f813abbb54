"""``wavegen plan``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wavegen.cli.datasets import open_dataset
from wavegen.cli.output import Json, note, print_json
from wavegen.cli.results import reserve
from wavegen.cli.specs import YAML_SUFFIXES, Data, Inputs, Targets, component_spec, data_spec
from wavegen.core.errors import InputError
from wavegen.core.optional import need

if TYPE_CHECKING:
    from wavegen.analysis import BandSpectrum
    from wavegen.analysis.demand import Row
    from wavegen.bridges import Plan

IMAGES = 64  # simulated images for the spectra, unless the data's length says otherwise
SHARE = 0.9  # of the spread, where neither --steps nor --share is given
EPSILON = 0.1  # accuracy in the bound on steps
COMPARED = (4, 8)  # network calls of the published settings shown in the figure


def plan(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(metavar="DATA|MODEL", help="A data set, e.g. hela,size=128, or a trained pipeline with --data."),
    ],
    data: Data = None,
    x: Targets = None,
    y: Inputs = None,
    transform: Annotated[
        str | None,
        typer.Option(metavar="NAME[,OPTION=VALUE...]", help="Transform, for a data set.", show_default="haar,levels=2"),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="Network calls to plan for.", show_default=False)
    ] = None,
    share: Annotated[
        float | None, typer.Option(metavar="P", help="Share of the spread to keep.", show_default=str(SHARE))
    ] = None,
    process: Annotated[
        str | None, typer.Option(metavar="NAME|all", help="Bridge, for a data set.", show_default="bbdp")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Also write plan.png and plan.json.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Plan how many network calls a data set needs, and at which times, before or after training.

    Prints for each subband what the input leaves unknown, the condition number and the paper's bound; for each
    process and number of calls the share of the true spread that is kept; and the settings for the requested number
    of calls or share.
    """
    from wavegen.analysis.demand import step_table
    from wavegen.bridges import plan_steps
    from wavegen.cli.output import to_json
    from wavegen.core.files import write_text
    from wavegen.core.registry import names

    if steps is not None and share is not None:
        raise InputError("give either --steps or --share")
    if out is not None:
        need("matplotlib.figure", "plot")
        reserve(context, out, "plan")
    trained = source.split(",")[0] not in names("dataset") and not source.endswith(YAML_SUFFIXES)
    _check_options(source, trained, data, transform, process)
    if trained:
        bands, bridges = _of_model(source, data, x, y)
    else:
        bands, bridges = _of_data(source, x, y, transform or "haar,levels=2", process or "bbdp")
    v, power = bands[0].variances, bands[0].weights
    wanted: dict[str, Any] = {"calls": steps} if steps is not None else {"share": SHARE if share is None else share}
    chosen = plan_steps(bridges[0], v, power, rescale=not trained, **wanted)
    rows = step_table(bridges, v, power, rescale=not trained)
    report = _report(source, bands, rows, chosen)
    if out is not None:
        write_text(out / "plan.json", to_json(report) + "\n")
        _draw(out / "plan.png", bands, bridges[0], chosen)
    if as_json:
        print_json(report)
        return
    _print(bands, rows, chosen)
    if out is not None:
        note(f"figure: {out / 'plan.png'}")


def _check_options(source: str, trained: bool, data: str | None, transform: str | None, process: str | None) -> None:
    """Refuse options that contradict the kind of the source."""
    if trained and (transform is not None or process is not None):
        raise InputError("a trained pipeline has its own --transform and --process; leave them out")
    if not trained and data is not None:
        raise InputError(f"--data is for a trained pipeline, but {source!r} is a data set; leave one of them out")


def _of_data(
    source: str, x: str | None, y: str | None, transform: str, process: str
) -> tuple[list[BandSpectrum], list[dict[str, Any]]]:
    from wavegen.analysis import residual_spectra
    from wavegen.core.registry import build, names, validate

    iterative = [name for name in names("bridge") if build("bridge", name).max_steps is None]
    bridges = [{"name": name} for name in (iterative if process == "all" else [process])]
    for bridge in bridges:
        validate("bridge", bridge)
        if bridge["name"] not in iterative:
            raise InputError(f"process {bridge['name']!r} uses a single call: there is nothing to plan")
    bands = build("transform", component_spec(transform, "--transform"))
    _, pairs = open_dataset(data_spec(source, x, y), "train", IMAGES, None)
    if process == "all":
        bridges.sort(key=lambda bridge: bridge["name"] != "bbdp")
    return residual_spectra(pairs, bands, images=IMAGES), bridges


def _of_model(
    source: str, data: str | None, x: str | None, y: str | None
) -> tuple[list[BandSpectrum], list[dict[str, Any]]]:
    from wavegen.analysis import model_spectrum
    from wavegen.pipeline.pipeline import Pipeline

    pipe = Pipeline.from_pretrained(source)
    if pipe.bridge.max_steps is not None:
        raise InputError(f"{source} has a bridge of one call: there is nothing to plan")
    _, pairs = open_dataset(data_spec(data, x, y), "test", IMAGES, pipe.config.channels)
    return [model_spectrum(pipe, pairs, images=IMAGES)], [dict(pipe.config.bridge)]


def _figures(plan: Plan | None) -> dict[str, Any] | None:
    if plan is None:
        return None
    return {"mean": plan.mean, "least": plan.least, "most": plan.most, "bridge": plan.bridge, "sampler": plan.sampler()}


def _report(source: str, bands: Sequence[BandSpectrum], rows: Sequence[Row], chosen: Plan) -> dict[str, Any]:
    from wavegen.analysis import condition_number, step_bound

    spectra = [
        {
            "band": band.name,
            "v_least": min(band.residual),
            "v_most": max(band.residual),
            "kurtosis": band.kurtosis,
            "unexplained": band.unexplained,
            "kappa": (kappa := condition_number(band.power, band.modes)),
            "bound": step_bound(kappa, EPSILON),
            "frequency": band.frequency,
            "residual": band.residual,
            "variances": band.variances,
        }
        for band in bands
    ]
    table = [
        {"process": r.process, "calls": r.calls, "native": _figures(r.native), "planned": _figures(r.planned)}
        for r in rows
    ]
    plan = {**(_figures(chosen) or {}), "S": chosen.total_variance, "shares": chosen.shares}
    return {"source": source, "bands": spectra, "table": table, "plan": plan}


def _print(bands: Sequence[BandSpectrum], rows: Sequence[Row], chosen: Plan) -> None:
    import yaml

    from wavegen.analysis import condition_number, step_bound
    from wavegen.cli.output import print_table

    lines = []
    for band in bands:
        kappa = condition_number(band.power, band.modes)
        lines.append(
            [
                band.name,
                f"{min(band.residual):.2g} to {max(band.residual):.2g}",
                f"{band.unexplained:.3f}",
                f"{band.kurtosis:.3g}",
                f"{kappa:.3g}",
                f"{step_bound(kappa, EPSILON):.1e}",
            ]
        )
    print_table(["band", "variance given y", "unknown", "kurtosis", "kappa", "kappa³/eps²"], lines)
    print(
        "variances by frequency, of a band of unit variance; unknown: their share of the band's power\n"
        "kurtosis: of what y leaves unknown; plans are for the variances times kurtosis/3, where its energy lies\n"
        f"kappa³/eps²: the scaling of the paper's bound on steps, eps = {EPSILON:g}, constant set to 1\n"
    )
    print_table(
        ["process", "calls", "as published", "least", "most", "planned", "least", "most", "solver"],
        [[r.process, str(r.calls), *_cells(r.native), *_cells(r.planned), str(r.planned.solver) if r.planned else "-"]
         for r in rows],
    )  # fmt: skip
    print(f"share of the spread kept in {bands[0].name}: over all power, at the worst frequency, at the largest\n")
    noisiest = "" if chosen.total_variance is None else f", total variance S = {chosen.total_variance:.3g}"
    print(
        f"plan: {chosen.calls} calls keep {chosen.mean:.3f} of the spread ({chosen.least:.3f} to {chosen.most:.3f}"
        f"{noisiest}; the band has 1)"
    )
    print(yaml.safe_dump({"bridge": chosen.bridge, "sampler": chosen.sampler()}, sort_keys=False), end="")


def _cells(plan: Plan | None) -> list[str]:
    return ["-"] * 3 if plan is None else [f"{k:.3f}" for k in (plan.mean, plan.least, plan.most)]


def _draw(path: Path, bands: Sequence[BandSpectrum], bridge: Mapping[str, Any], chosen: Plan) -> None:
    from wavegen.analysis import draw_plan
    from wavegen.analysis.demand import native_plan

    v, power = bands[0].variances, bands[0].weights
    beside = {f"{bridge['name']} as published, {n} calls": native_plan(bridge, n, v, power) for n in COMPARED}
    draw_plan(path, bands, beside, chosen)
