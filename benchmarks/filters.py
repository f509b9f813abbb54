"""Filters without learning on pairs: options chosen on one set, judged on another."""

from __future__ import annotations

import time
from typing import Any

from wavegen.core.optional import MissingPackageError
from wavegen.core.types import PairSource
from wavegen.inference.evaluate import Scorer, evaluate
from wavegen.metrics.classical import METHODS, restorer, tune
from wavegen.metrics.scales import Scale

NAMES = ("input", "gaussian", "total variation", "non-local means", "bm3d")


def bench_filters(train: PairSource, test: PairSource, scale: Scale, names: tuple[str, ...] = NAMES) -> list[Any]:
    """A row for each method: its ``options``, ``psnr``, ``ssim`` and ``ms`` an image; or why it is left out."""
    rows: list[dict[str, Any]] = []
    for name in names:
        method = METHODS[name]
        try:
            options = tune(method, train, scale)
            began = time.process_time()
            scores = evaluate(
                restorer(method, options, test, scale), test, scorer=Scorer(["psnr", "ssim"], scale), batch=1
            )
        except MissingPackageError as error:
            rows.append({"method": name, "left_out": str(error)})
            continue
        seconds = time.process_time() - began
        rows.append({
            "method": name, "options": options, "psnr": scores["psnr"], "ssim": scores["ssim"],
            "ms": 1000 * seconds / len(test),
        })  # fmt: skip
    return rows
