"""What validation has measured in a run, as ``validation.json``: every look, and the baselines."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean
from typing import Annotated

from pydantic import Field

from wavegen.core.config import Schema, check
from wavegen.core.documents import read_json
from wavegen.core.errors import InputError
from wavegen.core.files import write_text
from wavegen.core.versions import Format
from wavegen.metrics.scales import Scale

FORMAT = Format("a record of validation", ())
Scores = Annotated[list[Annotated[float, Field(allow_inf_nan=False)]], Field(min_length=1)]
Count = Annotated[int, Field(ge=0)]


class Look(Schema):
    """The scores of one average of the weights at one step.

    ``psnr`` is in dB, one for each image. ``eligible``: whether the model may be chosen by it.
    """

    step: Count
    place: Count
    stage: str
    core_minutes: Annotated[float, Field(ge=0)]
    average: str
    psnr: Scores
    eligible: bool

    @property
    def score(self) -> float:
        """Mean PSNR over the images, in dB."""
        return fmean(self.psnr)


class Baseline(Schema):
    """A method without learning: its name, the options that were chosen for it, and PSNR of each image in dB."""

    method: str
    options: dict[str, float]
    psnr: Scores

    @property
    def score(self) -> float:
        """Mean PSNR over the images, in dB."""
        return fmean(self.psnr)

    @property
    def label(self) -> str:
        """The method with its options."""
        options = ", ".join(f"{name} {value:g}" for name, value in self.options.items())
        return f"{self.method} ({options})" if options else self.method


class History(Schema):
    """All of a run's validation.

    Attributes:
        images: names of the images that are looked at.
        side: pixels that are looked at of each, the middle ones, along each axis at most; None: whole images.
        scale: intensity scale of the scores (:func:`~wavegen.metrics.scales.scaled`).
        decides: whether the best score decides which average is the model; else the last one is.
        places: into how many parts of growing length the run is divided by looks; 0: not known yet.
        looks: in the order of steps.
        best: the look that ``model`` is of; None as long as there is none.
        baselines: methods without learning on the same images.
        left_out: why other methods are not among them.
        stopped: why the training ended early, if it did.
        verdict: sentences, at the end.
    """

    images: Annotated[list[str], Field(min_length=1)]
    side: Annotated[int, Field(ge=1)] | None
    scale: Scale
    decides: bool = True
    places: Count = 0
    looks: list[Look] = Field(default_factory=list)
    best: Look | None = None
    baselines: list[Baseline] = Field(default_factory=list)
    left_out: list[str] = Field(default_factory=list)
    stopped: str | None = None
    verdict: list[str] = Field(default_factory=list)

    def up_to(self, step: int) -> History:
        """Without the looks after a step, which a killed run has taken and will take again; the best one stays."""
        looks = [look for look in self.looks if look.step <= step]
        stopped = self.stopped if len(looks) == len(self.looks) else None
        return self.model_copy(update={"looks": looks, "stopped": stopped, "verdict": []})

    def eligible(self) -> list[Look]:
        """The better average of each eligible look, in the order of steps."""
        best: dict[int, Look] = {}
        for look in self.looks:
            if look.eligible and (look.step not in best or look.score > best[look.step].score):
                best[look.step] = look
        return list(best.values())


def write_history(path: Path, history: History) -> None:
    """Write a history, whole or not at all."""
    write_text(path, json.dumps(FORMAT.stamped(history.model_dump(mode="json")), indent=1, allow_nan=False) + "\n")


def read_history(path: Path) -> History:
    """What :func:`write_history` wrote.

    Raises:
        InputError: the file is damaged, of a newer format, or holds scores of another number of images.
    """
    remedy = "delete it: the images are scored anew from there on"
    history: History = check(History, FORMAT.read(read_json(path, remedy), path), str(path))
    rows: list[Look | Baseline] = [*history.looks, *history.baselines, *([history.best] if history.best else [])]
    if any(len(row.psnr) != len(history.images) for row in rows):
        raise InputError(f"{path} has scores of another number of images than its {len(history.images)}; {remedy}")
    return history
