"""Guards results across versions: shipped models restore, and presets train, as version 0.1.0 did.

Compared within 1e-5 of the range with ``recorded.safetensors``; ``digest.py`` says which numbers are kept and why,
``record.py`` makes the file. ``benchmarks/unchanged.py`` compares bit by bit on one machine.
"""

from __future__ import annotations

import pytest
import torch
from digest import FILE, STRAY, TOLERANCE, allowed, benchmark, extent, recorded, trained, vector
from safetensors import safe_open

RECORD = benchmark("unchanged_record")


@pytest.mark.parametrize("model", RECORD.MODELS)
def test_shipped_models_restore_as_before(model: str) -> None:
    found = RECORD.restorations(model)
    with safe_open(str(FILE), "pt") as file:
        before = {key: file.get_tensor(key) for key in file.keys() if key.startswith(f"{model}/")}  # noqa: SIM118
    assert found.keys() == before.keys()
    for key, expected in before.items():
        torch.testing.assert_close(found[key], expected, rtol=0, atol=TOLERANCE * extent(expected))


@pytest.mark.parametrize("preset", RECORD.PRESETS)
def test_presets_train_as_before(preset: str) -> None:
    found, before = trained(RECORD, preset), recorded(preset)
    assert found.keys() >= before.keys(), sorted(before.keys() - found.keys())
    assert sum(len(at) for at, _, _ in before.values()) > 500
    stray: dict[str, int] = {}
    for name, (at, expected, spread) in before.items():
        values = vector(found[name])[at]
        assert torch.isfinite(values).all(), name
        outside = int(((values - expected).abs() > allowed(spread, found[name])).sum())
        assert 6 * outside <= len(at), f"{name}: {outside} of {len(at)} entries are not those of 0.1.0"
        if outside:
            stray[name] = outside
    assert sum(stray.values()) <= STRAY * sum(len(at) for at, _, _ in before.values()), stray
