"""Targets of another data set, degraded on the fly: deterministic, on the unit scale, of the same size."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.testing import assert_close

from wavegen.core.errors import InputError
from wavegen.data import Degraded

SOURCE = {"name": "nanobeads", "size": 32, "length": 3}


def degraded(**changes: Any) -> Degraded:
    spec = {"source": SOURCE, "degradation": {"name": "gaussian_noise", "sigma": 0.5}}
    return Degraded(**{**spec, **changes})


def test_items_depend_on_seed_and_index_only() -> None:
    first, again, other = degraded(), degraded(), degraded(seed=1)
    assert len(first) == 3
    late = again[2]
    for i in (0, 2):
        assert_close(first[i].y, again[i].y, rtol=0, atol=0)
        assert_close(first[i].x, other[i].x, rtol=0, atol=0)
        assert float((first[i].y - other[i].y).norm()) > 1
    assert_close(late.y, first[2].y, rtol=0, atol=0)
    noise = [item.y - item.x for item in (first[0], first[1])]
    assert float((noise[0] - noise[1]).norm()) > 1


def test_the_target_is_on_the_unit_scale() -> None:
    x = degraded()[0].x
    assert float(x.min()) == 0
    assert_close(torch.quantile(x, 0.999), torch.tensor(1.0), rtol=1e-3, atol=1e-3)


def test_the_degradation_is_the_one_that_was_asked_for() -> None:
    pair = degraded(degradation={"name": "mask", "fraction": 0.5, "shape": "pixels"})[0]
    seen = pair.y != 0
    assert_close(pair.y[seen], pair.x[seen], rtol=0, atol=0)
    assert float(seen.float().mean()) < 0.6


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="keeps the size"):
        degraded(degradation={"name": "binning", "factor": 2})[0]
    with pytest.raises(InputError, match="did you mean"):
        degraded(source={"name": "nanobed"})
