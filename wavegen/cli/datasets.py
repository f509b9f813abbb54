"""Data sets for training and evaluation, checked against the pipeline before any work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavegen.core.errors import InputError

if TYPE_CHECKING:
    from wavegen.core.types import PairSource


def open_dataset(
    spec: dict[str, Any], split: str, length: int, channels: int | None
) -> tuple[dict[str, Any], PairSource]:
    """The data set, and its configuration with ``split`` and ``length`` filled in where it is simulated.

    ``channels`` is what the pipeline takes; None: any number.

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
    found = checked_item(data, 0).x.shape[0]
    if channels is not None and found != channels:
        raise InputError(
            f"data {spec['name']!r} has {found} channel(s), the pipeline takes {channels}; "
            f"train with --set channels={found}"
        )
    return spec, data
