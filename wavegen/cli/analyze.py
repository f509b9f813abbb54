"""``wavegen analyze``."""

from __future__ import annotations

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
    from collections.abc import Callable

    from wavegen.analysis.evidence import Evidence
    from wavegen.core.types import Pair, PairSource
    from wavegen.pipeline.norm import SubbandNorm
    from wavegen.transforms import Transform

LEVELS = 4


def analyze(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="DATA|CHECKPOINT",
            help="A data set, e.g. hela,size=256, a folder of images or of pairs, or a trained pipeline with --data.",
        ),
    ],
    data: Data = None,
    x: Targets = None,
    y: Inputs = None,
    transform: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[,OPTION=VALUE...]",
            help="Transform, for a data set; repeat it to compare.",
            show_default="haar",
        ),
    ] = None,
    levels: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=8, help="Levels of every transform.", show_default=str(LEVELS))
    ] = None,
    images: Annotated[
        int, typer.Option(metavar="N", min=1, help="Use at most N images, spread evenly over the data.")
    ] = 32,
    size: Annotated[
        int, typer.Option(metavar="PIXELS", min=8, help="Side length of the central crop from each image.")
    ] = 256,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Also write report.md, analysis.json and analysis.png.", show_default=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Test the method's assumptions on data: Gaussian low bands at large scales, sparse details, good conditioning.

    DATA may also be a control with known answers: white-noise, laplace-noise, pink-noise or edges. A trained pipeline
    brings its own transform and band normalisation, which are applied to the data set given by --data.
    """
    from wavegen.analysis.evidence import band_evidence
    from wavegen.analysis.sources import crops
    from wavegen.transforms import without_kernels

    if out is not None:
        need("matplotlib.figure", "plot")
        reserve(context, out, "analysis")
    trained = _is_checkpoint(source)
    if trained:
        if transform is not None or levels is not None:
            raise InputError("a trained pipeline has its own --transform and --levels; leave them out")
        if data is None:
            raise InputError(f"{source} is a trained pipeline: give the data set with --data")
        named, norm, units, channels = _of_model(source)
        pairs = _open(data, x, y, images, channels)
    else:
        if data is not None:
            raise InputError(f"--data is for a trained pipeline, but {source!r} is a data set; leave one of them out")
        named, norm, units, channels = _of_options(transform or ["haar"], levels)
        pairs = _open(source, x, y, images, None)
    taken = crops(pairs, units, images, size, max(t.levels for t in named.values()))
    remarks = _remarks(pairs, taken.x.shape, taken.y is not None, taken.constant)
    with without_kernels():  # compiling does not pay for a few images
        found = [band_evidence(taken.x, t, name, taken.y, norm) for name, t in named.items()]
    if out is not None:
        _write(out, source, data, found, remarks)
    if as_json:
        print_json(_record(source, data, found, remarks))
        return
    _print(found, remarks)
    if out is not None:
        note(f"report: {out / 'report.md'}, figure: {out / 'analysis.png'}")


Prepared = tuple["dict[str, Transform]", "SubbandNorm | None", "Callable[[Pair], Pair]", "int | None"]


def _is_checkpoint(source: str) -> bool:
    from wavegen.pipeline.storage import shipped

    return source in shipped() or (Path(source) / "config.json").is_file()


def _of_model(source: str) -> Prepared:
    from wavegen.pipeline.pipeline import Pipeline

    pipe = Pipeline.from_pretrained(source)
    spec = dict(pipe.config.transform)
    return {f"{_label(spec)} of {source}": pipe.transform}, pipe.norm, pipe.normalise, pipe.config.channels


def _of_options(transforms: list[str], levels: int | None) -> Prepared:
    from wavegen.analysis.spectra import network_units
    from wavegen.core.registry import build, validate
    from wavegen.pipeline.config import Intensity

    named: dict[str, Transform] = {}
    for text in transforms:
        spec = component_spec(text, "--transform")
        _, known = validate("transform", spec)
        if "levels" in known and "levels" not in spec:
            spec["levels"] = levels or LEVELS
        named[_label(spec)] = build("transform", spec)
    return named, None, lambda pair: network_units(pair, Intensity()), None


def _label(spec: dict[str, Any]) -> str:
    return ",".join([str(spec["name"]), *(f"{k}={v}" for k, v in spec.items() if k != "name")])


def _open(where: str, x: str | None, y: str | None, images: int, channels: int | None) -> PairSource:
    """Open a control, a registered data set, a YAML file, or a folder or table of image files."""
    from wavegen.analysis.controls import CONTROLS, Control
    from wavegen.core.errors import near_matches
    from wavegen.core.registry import names

    name = where.split(",")[0]
    if name in CONTROLS:
        options = component_spec(where, "DATA")
        known = {"length": images} | {k: v for k, v in options.items() if k != "name"}
        if extra := known.keys() - {"size", "length", "seed"}:
            raise InputError(f"{name} has no option {sorted(extra)[0]!r}; known: size, length, seed")
        return Control(name, **known)
    if name in names("dataset") or where.endswith(YAML_SUFFIXES):
        return open_dataset(data_spec(where, x, y), "train", images, channels)[1]
    if not Path(where).exists():
        everything = [*names("dataset"), *CONTROLS]
        raise InputError(
            f"no data {where!r}: no folder, table or trained pipeline, and {near_matches(name, everything)}"
        )
    pairs = _files(Path(where))
    if channels is not None and pairs[0].x.shape[0] != channels:
        raise InputError(f"{where} has {pairs[0].x.shape[0]} channel(s), the pipeline takes {channels}")
    return pairs


def _files(where: Path) -> PairSource:
    from wavegen.analysis.sources import UnpairedImages
    from wavegen.data import FilePairs
    from wavegen.inference.check import items_of

    items = items_of(where)
    pairs = [(item.target, item.input) for item in items if item.input is not None]
    return FilePairs(pairs, "target") if len(pairs) == len(items) else UnpairedImages([item.target for item in items])


def _remarks(pairs: PairSource, shape: tuple[int, ...], paired: bool, constant: int) -> list[str]:
    from wavegen.analysis.sources import UnpairedImages
    from wavegen.analysis.spectra import MIN_IMAGES

    count, channels, height, width = shape
    remarks = [f"{count} central crops of {height} x {width}, {channels} channel(s)"]
    if constant:
        remarks.append(f"{constant} constant crop(s) left out")
    if isinstance(pairs, UnpairedImages) and pairs.split:
        remarks.append("the files differ in their channels: each channel counts as an image")
    if count == 1:
        remarks.append("one image: no intervals, and the figures hold for this image only")
    if paired and count < MIN_IMAGES:
        remarks.append(f"calls given y need {MIN_IMAGES} pairs")
    return remarks


def _record(source: str, data: str | None, found: list[Evidence], remarks: list[str]) -> dict[str, Any]:
    from dataclasses import asdict

    from wavegen.analysis.verdict import sentences, tendency

    results = [{**asdict(one), "tendency": tendency(one), "verdicts": sentences(one)} for one in found]
    return {"source": source, "data": data, "remarks": remarks, "results": results, "about": _about()}


def _about() -> dict[str, str]:
    import platform
    from datetime import UTC, datetime

    import numpy
    import torch

    from wavegen.version import __version__

    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} thread(s)",
        "versions": f"wavegen {__version__}, torch {torch.__version__}, numpy {numpy.__version__}",
        "seed": "0 (intervals and limits)",
    }


def _write(out: Path, source: str, data: str | None, found: list[Evidence], remarks: list[str]) -> None:
    from wavegen.analysis.evidence_figure import draw_evidence
    from wavegen.analysis.evidence_table import report
    from wavegen.cli.output import to_json
    from wavegen.core.files import write_text

    title = f"Analysis of {source}" + (f" on {data}" if data else "")
    write_text(out / "analysis.json", to_json(_record(source, data, found, remarks)) + "\n")
    write_text(out / "report.md", report(title, found, [f"{remark}." for remark in remarks], _about()))
    draw_evidence(out / "analysis.png", title, found)


def _print(found: list[Evidence], remarks: list[str]) -> None:
    from wavegen.analysis.evidence_table import LEGEND, high_table, low_table
    from wavegen.analysis.verdict import sentences
    from wavegen.cli.output import print_table

    print("; ".join(remarks))
    for one in found:
        print(f"\n{one.transform}")
        for table in (low_table(one), high_table(one)):
            if table.rows:
                print_table(table.head, table.rows)
        print("\n".join(f"- {text}" for text in sentences(one)))
    print("\n" + "\n".join(LEGEND))
