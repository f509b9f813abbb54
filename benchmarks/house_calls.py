"""Count the functions and files of wavegen that one call of ``restore`` and one training step go through.

    python benchmarks/house_calls.py

Prints JSON. Uses only names that version 0.1.0 has, so that ``house.py`` can run it on that version and on this one.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch

import wavegen
from wavegen import Pair, Pipeline
from wavegen.training import Training, fit

PACKAGE = Path(wavegen.__file__).parent
MODEL, PRESET = "mscgm-hela", "mscgm-joint"
STEPS = 8


class Calls:
    """Functions of the package called between ``start`` and ``stop``, without comprehensions and lambdas."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, str]] = set()

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Note a call; Python's profiler calls this."""
        code = frame.f_code
        if event == "call" and not code.co_name.startswith("<") and Path(code.co_filename).is_relative_to(PACKAGE):
            self.seen.add((code.co_filename, code.co_qualname))

    def start(self) -> None:
        """Count from now on."""
        sys.setprofile(self)

    def stop(self) -> None:
        """Count no further."""
        sys.setprofile(None)

    def counts(self) -> dict[str, int]:
        """How many there were."""
        return {"functions": len(self.seen), "files": len({file for file, _ in self.seen})}


def restoring() -> dict[str, int]:
    """One image, one call, one sample; the model is loaded and has been used before."""
    pipeline = Pipeline.from_pretrained(MODEL)
    image = (1000 * np.random.default_rng(0).random((32, 32))).astype(np.float32)
    calls = Calls()
    pipeline.restore(image, steps=1)
    calls.start()
    pipeline.restore(image, steps=1)
    calls.stop()
    return calls.counts()


def training() -> dict[str, int]:
    """The last step of a hybrid: all of its networks and its critic learn. The log is told of every step."""
    pairs = [Pair(torch.rand(1, 32, 32), torch.rand(1, 32, 32)) for _ in range(4)]
    calls = Calls()

    def told(record: dict[str, Any], _: object) -> None:
        calls.stop()
        if record["step"] == STEPS - 1:
            calls.start()

    torch.manual_seed(0)
    pipeline = Pipeline.from_config({"name": PRESET, "network": {"width": 8}})
    with tempfile.TemporaryDirectory() as folder:
        plan = Training(steps=STEPS, batch=2, crop=32, warmup=0, precision="float32", log_every=1)
        fit(pipeline, pairs, plan, Path(folder), callbacks=[told])
    return calls.counts()


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps({"restore": restoring(), "training step": training()}))
