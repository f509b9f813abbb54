"""What a training leaves behind: JSON-lines log, previews, TensorBoard."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wavegen.core.errors import InputError
from wavegen.core.files import make_folder, write_text
from wavegen.core.intensity import unit_range
from wavegen.core.optional import need
from wavegen.core.types import Pair
from wavegen.io import write_image
from wavegen.pipeline.pipeline import Pipeline


class JsonLog:
    """Append each record as one line to a file.

    A run that was killed has logged steps that its state does not hold; they come again, and are cut off first.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, step: int) -> None:
        """Keep the lines up to a step."""
        if not self.path.exists():
            return
        lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        kept = "".join(f"{line}\n" for line in lines if _step_of(line) <= step)
        if len(kept.splitlines()) < len(lines):
            write_text(self.path, kept)

    def __call__(self, record: dict[str, Any], pipeline: Pipeline) -> None:
        """Write one line."""
        make_folder(self.path.parent)
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
        except OSError as error:
            raise InputError(f"cannot write {self.path}: {error.strerror}; choose a folder with space") from None


def _step_of(line: str) -> float:
    """The step of a line of the log; infinity for one that was torn."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, TypeError, KeyError):
        return math.inf


PREVIEW_SIZE = 256  # pixels


class Preview:
    """Every ``every`` steps, a picture of fixed pairs: input, restored, truth from left to right.

    Pairs are cut to one size, at most ``PREVIEW_SIZE`` pixels wide.
    """

    def __init__(self, folder: Path, pairs: Sequence[Pair], every: int) -> None:
        make_folder(folder)
        sides = [min(PREVIEW_SIZE, *(pair.x.shape[axis] for pair in pairs)) for axis in (-2, -1)]
        self.pairs = [Pair(*(image[..., : sides[0], : sides[1]] for image in pair)) for pair in pairs]
        self.folder, self.every, self.shown = folder, every, 0

    def begin(self, step: int) -> None:
        """Go on as if the run had not been interrupted."""
        self.shown = step // self.every

    def __call__(self, record: dict[str, Any], pipeline: Pipeline) -> None:
        """Write ``step-NNNNNN.png`` where one is due."""
        if record["step"] // self.every <= self.shown:
            return
        self.shown = record["step"] // self.every
        rows = []
        for pair in self.pairs:
            restored = pipeline.restore(pair.y.numpy()).image
            rows.append(
                np.concatenate([to_grey(image) for image in (pair.y.numpy(), restored, pair.x.numpy())], axis=1)
            )
        write_image(self.folder / f"step-{record['step']:06d}.png", np.concatenate(rows, axis=0))


class TensorBoard:
    """Scalars for TensorBoard (extra ``track``)."""

    def __init__(self, folder: Path) -> None:
        make_folder(folder)
        self.folder, self.board = folder, need("torch.utils.tensorboard", "track")
        self.writer: Any = None

    def begin(self, step: int) -> None:
        """Hide what a killed run has written of later steps."""
        self.writer = self.board.SummaryWriter(str(self.folder), purge_step=step + 1)

    def __call__(self, record: dict[str, Any], pipeline: Pipeline) -> None:
        """Write the figures of one record."""
        if self.writer is None:  # called by something other than fit
            self.begin(record["step"] - 1)
        try:
            for name, value in record.items():
                if isinstance(value, float):
                    self.writer.add_scalar(name, value, record["step"])
            self.writer.flush()
        except OSError as error:
            raise InputError(f"cannot write to {self.folder}: {error.strerror}; choose a folder with space") from None

    def close(self) -> None:
        """Write what is left."""
        if self.writer is not None:
            with contextlib.suppress(OSError):  # said already
                self.writer.close()


def to_grey(image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(C, H, W) in any units -> (H, W) uint8, stretched from the 0.1 to the 99.9 percentile; first channel."""
    grey: np.ndarray[Any, Any] = np.clip(unit_range(image[0]), 0, 1) * 255
    return grey.round().astype(np.uint8)
