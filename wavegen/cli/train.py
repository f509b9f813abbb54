"""``wavegen train``."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wavegen.cli.datasets import open_dataset
from wavegen.cli.output import note
from wavegen.cli.specs import Data, Inputs, Seed, Targets, data_spec, pipeline_spec
from wavegen.core.errors import InputError

if TYPE_CHECKING:
    from wavegen.core.types import Pair, PairSource
    from wavegen.training.config import Training
    from wavegen.training.fit import Callback

IN_MEMORY = 2**30  # bytes; a data set of files up to this size is read once and kept
SIMULATED = 256  # simulated images, unless the data's length says otherwise; kept in memory
PREVIEWS = 4


def train(
    pipeline: Annotated[
        str, typer.Argument(metavar="PIPELINE", help="A name (see wavegen list pipeline) or a YAML file.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the run.", show_default=False)],
    data: Data = None,
    x: Targets = None,
    y: Inputs = None,
    steps: Annotated[int | None, typer.Option(metavar="N", help="Training steps.", show_default=False)] = None,
    minutes: Annotated[
        float | None,
        typer.Option(metavar="M", help="Processor minutes to train, instead of steps.", show_default=False),
    ] = None,
    batch: Annotated[int | None, typer.Option(metavar="N", help="Crops per batch.", show_default="8")] = None,
    crop: Annotated[
        int | None, typer.Option(metavar="PIXELS", help="Side length of the square crops.", show_default="128")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(metavar="RATE", help="Peak learning rate.", show_default="0.001")
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(metavar="auto|bf16|float32", help="Precision of the networks.", show_default="auto"),
    ] = None,
    seed: Seed = 0,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change an option of the pipeline, e.g. transform.name=db2; repeatable."
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the training in DIR.")] = False,
    track: Annotated[
        bool, typer.Option("--track", help="Also write TensorBoard scalars to DIR (needs the extra track).")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no notes.")] = False,
) -> None:
    """Train a pipeline on a data set.

    The data are a simulated set, whose images are generated once and kept in memory (256, or length=N), or two
    folders: --data pairs --x TARGETS --y INPUTS.

    The model, checkpoint.safetensors, log.jsonl and previews are written to DIR.

    torchrun -m wavegen train ..., or accelerate launch, shares every batch among several processes.
    """
    from wavegen.core.config import check
    from wavegen.training.config import Training
    from wavegen.training.processes import join, speaking_once

    given = {
        "steps": steps, "minutes": minutes, "batch": batch, "crop": crop,
        "learning_rate": learning_rate, "precision": precision, "seed": seed,
    }  # fmt: skip
    processes = join()
    with speaking_once(processes):
        if (steps is None) == (minutes is None):
            raise InputError("give either --steps or --minutes")
        training: Training = check(Training, {k: v for k, v in given.items() if v is not None}, "training")
        spec = pipeline_spec(pipeline, set_ or [])
        _train(spec, data_spec(data, x, y), training, out, resume, track, quiet or not processes.first)
    if processes.first:
        print(f"model in {out / 'model'}; use it: wavegen restore IN OUT --model {out / 'model'}")


def _train(
    pipeline: dict[str, Any],
    data: dict[str, Any],
    training: Training,
    out: Path,
    resume: bool,
    track: bool,
    quiet: bool,
) -> None:
    """Build everything, and train."""
    import torch

    from wavegen.data import InMemory, Simulator
    from wavegen.inference.files import check_writable
    from wavegen.pipeline.pipeline import Pipeline
    from wavegen.training import fit
    from wavegen.training.processes import join

    torch.manual_seed(training.seed)  # initial weights
    model = Pipeline.from_config(pipeline)
    spec, source = open_dataset(data, "train", SIMULATED, model.config.channels)
    _check_crop(source, training.crop)
    state = out / "checkpoint.safetensors"
    if state.exists() and not resume:
        raise InputError(f"{out} already holds a training; give --resume to continue it, or another --out")
    check_writable(out)
    if resume and not state.exists() and not quiet:
        note(f"no state in {out} yet; the training begins")
    first = join().first
    callbacks = _callbacks(out, _preview_pairs(spec, source), training, track, quiet) if first else []
    if isinstance(source, Simulator) or 0 < _size_of(source) <= IN_MEMORY:
        if not quiet:
            what = "simulating" if isinstance(source, Simulator) else "reading"
            note(f"{what} {len(source)} images of {spec['name']}")
        source = InMemory(source)
    try:
        fit(model, source, training, out, resume=resume, callbacks=callbacks, described=spec)
    except (KeyboardInterrupt, SystemExit):
        if first:
            kept = f"the state is saved in {out}; " if state.exists() else f"no state was saved in {out} yet; "
            note(kept + "run the same command with --resume to continue")
        raise
    finally:
        for callback in callbacks:
            getattr(callback, "close", lambda: None)()


def _check_crop(source: PairSource, crop: int) -> None:
    """Refuse images smaller than the crops; sizes of files are read from their headers."""
    from wavegen.data import FilePairs, Simulated

    if isinstance(source, FilePairs | Simulated):
        first = [files[0] for files in (source.files if isinstance(source, FilePairs) else source.sources)]
        sizes = [(path.name, shape[1:]) for path, shape in zip(first, source.shapes, strict=True)]
    else:
        height, width = source[0].x.shape[-2:]
        sizes = [("item 0", (height, width))]
    name, size = min(sizes, key=lambda item: min(item[1]))
    if min(size) < crop:
        raise InputError(f"{name} is {size[0]}x{size[1]}, smaller than --crop {crop}; give at most {min(size)}")


def _size_of(source: PairSource) -> int:
    """Bytes that a data set of files takes in memory; 0 for other data sets."""
    from wavegen.data import FilePairs, Simulated

    if not isinstance(source, FilePairs | Simulated):
        return 0
    repeats = source.repeats if isinstance(source, Simulated) else 1
    return 8 * repeats * sum(math.prod(shape) for shape in source.shapes)  # two float32 images


def _preview_pairs(spec: dict[str, Any], source: PairSource) -> list[Pair]:
    """A few pairs, from the validation split where there is one."""
    from wavegen.core.registry import build
    from wavegen.data import Simulator

    if isinstance(source, Simulator):
        source = build("dataset", {**spec, "split": "validation"})
    return [source[i] for i in range(min(PREVIEWS, len(source)))]


def _callbacks(out: Path, pairs: list[Pair], training: Training, track: bool, quiet: bool) -> list[Callback]:
    import torch

    from wavegen.training import JsonLog, Preview, ProgressBar, ProgressLines, TensorBoard, Watch

    callbacks: list[Callback] = [
        Watch(pairs, training.preview_every),  # first, so that its figures get into the log
        JsonLog(out / "log.jsonl"),
        Preview(out / "previews", pairs, training.preview_every),
    ]
    if track:
        callbacks.append(TensorBoard(out / "tensorboard"))
    if not quiet:
        shown = ProgressBar if sys.stderr.isatty() else ProgressLines
        callbacks.append(shown(torch.get_num_threads()))
    return callbacks
