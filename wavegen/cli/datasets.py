"""Open a data set for training or evaluation, and check it against the pipeline first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavegen.cli.output import note
from wavegen.core.errors import InputError

if TYPE_CHECKING:
    from wavegen.core.types import PairSource
    from wavegen.pipeline.pipeline import Pipeline


def open_dataset(
    spec: dict[str, Any], split: str, length: int, channels: int | None
) -> tuple[dict[str, Any], PairSource]:
    """Return the completed configuration of a data set, and the data set.

    A simulated one gets ``split`` and ``length`` where its configuration leaves them open.

    ``channels`` is the number that the pipeline takes; None accepts any.

    Raises:
        InputError: unknown names, misspelt options, files that do not pair, another number of channels, items that are
            not float32 (C, H, W).
    """
    from wavegen.core.registry import build, validate
    from wavegen.data.base import checked_item

    record, _ = validate("dataset", spec)
    if "simulated" in record.capabilities:
        spec = {"split": split, "length": length, **spec}
    data: PairSource = build("dataset", spec)
    for remark in getattr(data, "remarks", ()):
        note(remark)
    found = checked_item(data, 0).x.shape[0]
    if channels is not None and found != channels:
        raise InputError(
            f"data {spec['name']!r} has {found} channel(s), the pipeline takes {channels}; "
            f"train with --set channels={found}"
        )
    return spec, data


def on_training_scale(pipeline: Pipeline, data: PairSource, quiet: bool) -> PairSource:
    """The data with targets on the scale that the pipeline trains on; what was chosen is said unless ``quiet``."""
    from wavegen.training.scales import scaled

    found, remark = scaled(pipeline, data)
    if remark and not quiet:
        note(remark)
    return found
