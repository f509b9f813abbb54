"""Processing records of an image, stored as lines of text in its file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from wavegen.core.versions import Format, unchanged

MARK = "wavegen: "
# A record tells what was done; nothing is computed from it, so that one of a newer format stays in the text.
RECORD = Format("a record", (unchanged,))


def with_records(text: str, records: Sequence[Mapping[str, Any]]) -> str:
    """The text, followed by one line for each record."""
    return "\n".join([*([text] if text else []), *(MARK + json.dumps(dict(record)) for record in records)])


def split_records(text: str) -> tuple[str, list[dict[str, Any]]]:
    """The inverse of :func:`with_records`; lines that are not records stay in the text."""
    kept, records = [], []
    for line in text.split("\n"):
        record = _record(line)
        if record is None:
            kept.append(line)
        else:
            records.append(record)
    return "\n".join(kept), records


def _record(line: str) -> dict[str, Any] | None:
    if not line.startswith(MARK):
        return None
    try:
        record = json.loads(line.removeprefix(MARK))
        RECORD.read(record, "the record")
    except (ValueError, RecursionError):
        return None
    found: dict[str, Any] = record
    return found
