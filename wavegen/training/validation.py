"""A training that looks after itself: averaged weights are scored on images that it does not see."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from wavegen.core.config import Schema
from wavegen.core.errors import InputError
from wavegen.core.files import write_text
from wavegen.core.optional import MissingPackageError
from wavegen.core.types import Pair, PairSource
from wavegen.data.base import checked_item, names_of
from wavegen.data.holdout import Subset
from wavegen.data.matched import Matched
from wavegen.metrics.scales import Scale, has_scale
from wavegen.pipeline.pipeline import Pipeline
from wavegen.pipeline.precision import kept_casts
from wavegen.pipeline.stages import stage_needs
from wavegen.training.baselines import baselines, score
from wavegen.training.config import Training
from wavegen.training.history import History, Look, read_history, write_history
from wavegen.training.pictures import draw_curve, draw_images
from wavegen.training.verdict import sentences
from wavegen.training.watch import one_call

IMAGES, SIDE = 24, 256  # looked at, and the pixels of each along an axis, at most
COST = 0.04  # share of a training's time that looks may take
FEWEST, MOST = 4, 40  # looks
BACKWARD, OVERHEAD = 3.0, 1.5  # a training step by forward passes of its pixels; scores beside a look's forward passes
PATIENCE, LEAST_LOOKS, FALL = 0.25, 3, 0.2  # early stopping: share of the run, looks, dB
DRAWS = ("needs:critic", "needs:noise", "needs:head-noise")  # terms whose aim is not the least error


class Described(Schema):
    """What a run records of its validation: ``items`` are the numbers of the images of a data set that was split."""

    images: list[str]
    items: list[Annotated[int, Field(ge=0)]] | None
    early_stop: bool


class Validation:
    """Scores the averages of a training's weights at growing intervals, and keeps the best as ``out/model``.

    The score is the PSNR in dB, at one call of the network, of the middle of each image: on the range of its target,
    or after the best gain and offset where the pipeline's targets have a scale of their own. Images are normalised as
    a whole, as in training. Looks come at steps n · (k / K)², K chosen such that they take about a twenty-fifth of the
    training; how many there are and what they decide depends on the seed and the options alone.

    Of a pipeline with several stages only looks in the last can become the model. Where that stage trains draws
    (critics, scores of ensembles), an error says nothing about its aim: then the model is the last average, and
    nothing is stopped early.

    Everything is in ``out/validation.json``, from which a resumed run goes on.

    Args:
        held_out: images that are not trained on.
        out: the folder of the run.
        tuning: images on which the options of the classical methods are chosen, the training's; None: no baselines.
        early_stop: end the training when the best score is a quarter of its length ago, and the last three were all
            0.2 dB below it or more.

    Raises:
        InputError: no image, or none with contrast.
    """

    def __init__(
        self, held_out: PairSource, out: Path, *, tuning: PairSource | None = None, early_stop: bool = True
    ) -> None:
        if not len(held_out):
            raise InputError("a validation split of nothing: hold out at least one image, or train without validation")
        names = names_of(held_out)
        count = min(len(held_out), IMAGES)
        parts = {i: middle(checked_item(held_out, i)) for i in range(count)}
        self.parts = {i: part for i, part in parts.items() if bool(has_scale("target", part.x[None]))}
        if not self.parts:
            raise InputError(f"all {count} targets of the validation images are constant: nothing can be scored")
        self.names = [names[i] for i in self.parts]
        self.side = SIDE if any(max(part.x.shape[-2:]) == SIDE for part in self.parts.values()) else None
        self.held_out, self.tuning, self.early_stop = held_out, tuning, early_stop
        self.out, self.file, self.model = out, out / "validation.json", out / "model"

    # -- before the first step -----------------------------------------------------------------

    def described(self) -> dict[str, Any]:
        """What a resumed run must repeat, as :class:`Described`."""
        source = self.held_out.source if isinstance(self.held_out, Matched) else self.held_out
        items = source.items if isinstance(source, Subset) else None
        return Described(images=self.names, items=items, early_stop=self.early_stop).model_dump()

    def begin(self, pipeline: Pipeline, training: Training, step: int, averages: int, first: bool = True) -> None:
        """Go on after ``step``: read what was measured, and let the ``first`` process compute the baselines."""
        decides = not any(stage_needs(pipeline.config.stages[-1], need) for need in DRAWS)
        scale: Scale = "affine" if pipeline.config.intensity.target in ("own", "matched") else "target"
        self.history = History(images=self.names, side=self.side, scale=scale, decides=decides)
        if self.file.exists() and step:
            self.history = read_history(self.file).up_to(step)
            if (self.history.images, self.history.scale) != (self.names, scale):
                raise InputError(f"{self.file} is of other images than this run's; delete it, or give another --out")
        matched = isinstance(self.held_out, Matched)
        self.normal = [middle(pipeline.normalise(self.held_out[i], matched=matched)) for i in self.parts]
        pixels = averages * sum(part.x[0].numel() for part in self.normal)
        self.cost = OVERHEAD * pixels / (BACKWARD * training.batch * training.crop**2)
        self.place = max((look.place for look in self.history.looks), default=0)
        if first and self.tuning is not None and not self.history.baselines:
            found, left_out = baselines(self.tuning, list(self.parts.values()), scale)
            self.history = self.history.model_copy(update={"baselines": found, "left_out": left_out})
            write_history(self.file, self.history)

    # -- looks ---------------------------------------------------------------------------------

    def due(self, step: int, planned: int, last: bool) -> bool:
        """Whether to look after a step of ``planned`` ones (0: not known yet); always after the ``last``."""
        if not planned:
            return False
        places = self.history.places or round(min(max(COST * planned / self.cost, FEWEST), MOST))
        place = math.isqrt(places**2 * min(step, planned) // planned)
        due = place > self.place or last
        self.history = self.history.model_copy(update={"places": places})
        self.place = max(place, self.place)
        return due

    def look(self, name: str, record: dict[str, Any], pipeline: Pipeline, final: bool) -> None:
        """Score one average, which the pipeline holds, and keep it as the model where it is the best so far.

        The mean goes into the record as ``validation/psnr``, the better one of several averages.

        Args:
            name: of the average.
            record: of the step.
            pipeline: in evaluation mode.
            final: whether this is the last stage.
        """
        try:
            scores = self._scores(self._restored(pipeline))
        except InputError as error:
            record.setdefault("diverged", str(error))
            return
        step, stage, minutes = (record[key] for key in ("step", "stage", "core_minutes"))
        look = Look(
            step=step, place=self.place, stage=stage, core_minutes=minutes, average=name, psnr=scores, eligible=final
        )
        record["validation/psnr"] = max(look.score, record.get("validation/psnr", -math.inf))
        best = self.history.best
        better = best is None or look.score > best.score or not self.model.exists()
        if final and (better or not self.history.decides):
            pipeline.save_pretrained(self.model)
            best = look
        self.history = self.history.model_copy(update={"looks": [*self.history.looks, look], "best": best})
        write_history(self.file, self.history)

    def stop(self, planned: int) -> str | None:
        """Why a training of ``planned`` steps should end now, or None: the score has been falling for long."""
        looks = self.history.eligible()
        if not (self.early_stop and self.history.decides and looks):
            return None
        best, last = max(looks, key=lambda look: look.score), looks[-1].step
        recent = [look for look in looks if look.step > best.step][-LEAST_LOOKS:]
        if last - best.step < PATIENCE * planned or len(recent) < LEAST_LOOKS:
            return None
        if any(look.score > best.score - FALL for look in recent):
            return None
        reason = f"stopped at step {last} of {planned}: the score has been falling since step {best.step}"
        self.history = self.history.model_copy(update={"stopped": reason})
        return reason

    # -- at the end ----------------------------------------------------------------------------

    def finish(self, pipeline: Pipeline) -> list[str]:
        """Write the verdict, its figure and pictures for the best model, which the pipeline holds; return the verdict.

        The verdict is in ``verdict.txt``, in ``validation.json`` and on the model's card; the learning curve in
        ``learning-curve.png``, the worst, median and best image in ``validation.png``.
        """
        lines = [*sentences(self.history), *self._draw(pipeline)]
        self.history = self.history.model_copy(update={"verdict": lines})
        write_history(self.file, self.history)
        text = "".join(f"{line}\n" for line in lines)
        write_text(self.out / "verdict.txt", text)
        pipeline.save_pretrained(
            self.model, card=f"# {pipeline.config.name}\n\nA wavegen pipeline. Validation:\n\n{text}"
        )
        return lines

    def _draw(self, pipeline: Pipeline) -> list[str]:
        """Draw the figures; why there are none."""
        restored = self._restored(pipeline)
        shown = (self.names, self.normal, restored, self._scores(restored), self.history.scale)
        try:
            draw_curve(self.out / "learning-curve.png", self.history)
            draw_images(self.out / "validation.png", *shown)
        except MissingPackageError as error:
            return [f"no figures: {error}"]
        return []

    @torch.no_grad()
    def _restored(self, pipeline: Pipeline) -> list[Tensor]:
        """The parts (1, C, H, W) restored in one call, in network units."""
        with kept_casts(pipeline.device):
            return [
                one_call(pipeline, part.y[None].to(pipeline.device), torch.Generator().manual_seed(i)).float().cpu()
                for i, part in enumerate(self.normal)
            ]

    def _scores(self, restored: Sequence[Tensor]) -> list[float]:
        return [score(image, part, self.history.scale) for image, part in zip(restored, self.normal, strict=True)]


def middle(pair: Pair) -> Pair:
    """The middle of both images, at most ``SIDE`` pixels along each axis."""
    height, width = pair.x.shape[-2:]
    rows, columns = (slice(max(0, (n - SIDE) // 2), max(0, (n - SIDE) // 2) + SIDE) for n in (height, width))
    return Pair(*(image[..., rows, columns].contiguous() for image in pair))
