"""The table of faults: what was disturbed how often, and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

COLUMNS = ("lost", "wrong", "left")


def table(records: Sequence[dict[str, Any]]) -> str:
    """One row for each fault and command: tries, and in how many something was lost, wrong or left behind."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for record in records:
        when = " in the first half second" if record.get("anew") else ""
        groups.setdefault((record["fault"] + when, record["command"]), []).append(record)
    lines = ["| fault | command | tries | lost | wrong | left behind |", "|---|---|---|---|---|---|"]
    for (fault, command), group in groups.items():
        counts = [sum(bool(record[column]) for record in group) for column in COLUMNS]
        lines.append(f"| {fault} | {command} | {len(group)} | " + " | ".join(map(str, counts)) + " |")
    return "\n".join(lines)


def about(seed: int) -> dict[str, Any]:
    """Where and with what the tries were made."""
    import platform
    from datetime import UTC, datetime

    import torch

    from wavegen.experiments.spec.record import cpu_name
    from wavegen.version import __version__

    versions = {"wavegen": __version__, "python": platform.python_version(), "torch": torch.__version__}
    return {"seed": seed, "machine": cpu_name(), **versions, "date": datetime.now(UTC).date().isoformat()}
