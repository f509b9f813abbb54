"""``wavegen train``."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from wavegen.cli.datasets import on_training_scale, open_dataset
from wavegen.cli.output import note
from wavegen.cli.specs import Data, Inputs, Seed, Targets, component_spec, data_spec, options_spec, pipeline_spec
from wavegen.cli.validation import held_out
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
        float | None,
        typer.Option(metavar="RATE", help="Peak learning rate of the optimizer.", show_default="its own"),
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(metavar="NAME[,OPTION=VALUE...]", help="See wavegen list optimizer.", show_default="muon"),
    ] = None,
    augment: Annotated[
        str | None,
        typer.Option(
            metavar="OPTION=VALUE,...",
            help="Random changes of crops: gain, noise, content; beside turns and mirror images.",
            show_default=False,
        ),
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
    validate: Annotated[
        str | None,
        typer.Option(
            metavar="N|SHARE|off",
            help="Images to keep out of training and to judge it by; simulated sets have their own.",
            show_default="an eighth, 12 at most",
        ),
    ] = None,
    no_early_stop: Annotated[
        bool, typer.Option("--no-early-stop", help="Train to the end even if the validation score keeps falling.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the training in DIR.")] = False,
    track: Annotated[
        bool, typer.Option("--track", help="Also write TensorBoard scalars to DIR (needs the extra track).")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no notes.")] = False,
) -> None:
    """Train a pipeline on a data set.

    The data are a simulated set, whose images are generated once and kept in memory (256, or length=N), or two
    folders: --data pairs --x TARGETS --y INPUTS.

    Some images are held out and scored at intervals: the model is the best average of the weights on them, and at the
    end a verdict says what that is worth beside filters (--validate off: none; fewer than four pairs: none).

    The model, checkpoint.safetensors, log.jsonl, validation.json, verdict.txt and previews are written to DIR.

    torchrun -m wavegen train ..., or accelerate launch, shares every batch among several processes.
    """
    from wavegen.core.config import check
    from wavegen.training.config import Training
    from wavegen.training.processes import join, speaking_once

    given: dict[str, Any] = {
        "steps": steps, "minutes": minutes, "batch": batch, "crop": crop,
        "precision": precision, "seed": seed,
    }  # fmt: skip
    processes = join()
    with speaking_once(processes):
        if (steps is None) == (minutes is None):
            raise InputError("give either --steps or --minutes")
        chosen = {} if optimizer is None else component_spec(optimizer, "--optimizer")
        if learning_rate is not None:
            chosen = {"name": "muon", **chosen, "rate": learning_rate}
        if chosen:
            given["optimizer"] = chosen
        if augment is not None:
            given["augment"] = options_spec(augment, "--augment")
        training: Training = check(Training, {k: v for k, v in given.items() if v is not None}, "training")
        spec = pipeline_spec(pipeline, set_ or [])
        watched = _Watched(out, resume, track, quiet or not processes.first, validate, not no_early_stop)
        verdict = _train(spec, data_spec(data, x, y), training, watched)
    if processes.first:
        if verdict:
            print("\n".join(verdict))
            print(f"verdict and scores in {out / 'verdict.txt'}, figures beside it")
        print(f"model in {out / 'model'}; use it: wavegen restore IN OUT --model {out / 'model'}")


class _Watched(NamedTuple):
    """Where a training is kept, and how it is watched."""

    out: Path
    resume: bool
    track: bool
    quiet: bool
    validate: str | None
    early_stop: bool

    @property
    def state(self) -> Path:
        return self.out / "checkpoint.safetensors"

    def say(self, text: str) -> None:
        """A line for the person who waits."""
        if not self.quiet:
            note(text)


def _train(pipeline: dict[str, Any], data: dict[str, Any], training: Training, run: _Watched) -> list[str]:
    """Build everything, and train; the validation's verdict."""
    import torch

    from wavegen.inference.files import check_writable
    from wavegen.pipeline.pipeline import Pipeline
    from wavegen.training import Validation, fit
    from wavegen.training.processes import join

    torch.manual_seed(training.seed)  # initial weights
    model = Pipeline.from_config(pipeline)
    spec, source = open_dataset(data, "train", SIMULATED, model.config.channels)
    _check_crop(source, training.crop)
    if run.state.exists() and not run.resume:
        raise InputError(f"{run.out} already holds a training; give --resume to continue it, or another --out")
    check_writable(run.out)
    if run.resume and not run.state.exists():
        run.say(f"no state in {run.out} yet; the training begins")
    first = join().first
    used, kept_out = _parts(spec, source, training, run)
    used = on_training_scale(model, used, run.quiet)
    if kept_out is not None:
        kept_out = on_training_scale(model, kept_out, quiet=True)
    validation = None
    if kept_out is not None:
        validation = Validation(kept_out, run.out, tuning=used, early_stop=run.early_stop)
    judged = used if kept_out is None else kept_out
    shown = [judged[i] for i in range(min(PREVIEWS, len(judged)))]
    callbacks = _callbacks(run, shown, training) if first else []
    try:
        fit(
            model, used, training, run.out,
            resume=run.resume, callbacks=callbacks, described=spec, validation=validation,
        )  # fmt: skip
    except (KeyboardInterrupt, SystemExit):
        if first:
            kept = "the state is saved in" if run.state.exists() else "no state was saved yet in"
            note(f"{kept} {run.out}; run the same command with --resume to continue")
        raise
    finally:
        for callback in callbacks:
            getattr(callback, "close", lambda: None)()
    return validation.history.verdict if validation is not None else []


def _parts(
    spec: dict[str, Any], source: PairSource, training: Training, run: _Watched
) -> tuple[PairSource, PairSource | None]:
    """What is trained on, in memory where it is small enough, and what is held out."""
    from wavegen.data import InMemory, Simulator

    simulated = isinstance(source, Simulator)
    used, kept_out, said = held_out(spec, source, training.seed, run.validate, run.state)
    run.say(said)
    if not simulated and not 0 < _size_of(source) <= IN_MEMORY:
        return used, kept_out
    run.say(f"{'simulating' if simulated else 'reading'} {len(used)} images of {spec['name']}")
    return InMemory(used), kept_out


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


def _callbacks(run: _Watched, pairs: list[Pair], training: Training) -> list[Callback]:
    import torch

    from wavegen.training import JsonLog, Preview, ProgressBar, ProgressLines, TensorBoard, Watch

    callbacks: list[Callback] = [
        Watch(pairs, training.preview_every),  # first, so that its figures get into the log
        JsonLog(run.out / "log.jsonl"),
        Preview(run.out / "previews", pairs, training.preview_every),
    ]
    if run.track:
        callbacks.append(TensorBoard(run.out / "tensorboard"))
    if not run.quiet:
        shown = ProgressBar if sys.stderr.isatty() else ProgressLines
        callbacks.append(shown(torch.get_num_threads()))
    return callbacks
