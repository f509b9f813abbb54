"""Arbitrary values where configurations, grids and results are expected: read or refused, never anything else."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wavegen.core.documents import read_json, read_yaml
from wavegen.core.errors import InputError
from wavegen.core.versions import Format, unchanged
from wavegen.experiments import read_grid
from wavegen.io.ngff import check_described
from wavegen.pipeline.storage import read_config
from wavegen.reports.study import read_study

LEAVES = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20)
VALUES = st.recursive(
    LEAVES,
    lambda part: st.lists(part, max_size=4) | st.dictionaries(st.text(max_size=10), part, max_size=4),
    max_leaves=12,
)
few = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


def named(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings with the names that a reader looks for, and any values."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, VALUES))


@few
@given(named("format", "wavegen", "pipeline") | VALUES)
def test_configurations(tmp_path: Path, value: Any) -> None:
    (tmp_path / "config.json").write_text(json.dumps(value))
    with suppress(InputError):
        read_config(tmp_path)


@few
@given(named("base", "vary", "systems", "rows", "seeds", "data", "test", "training", "levels", "known") | VALUES)
def test_grids(value: Any) -> None:
    with suppress(InputError):
        read_grid(value, "grid.yaml")


ROW = st.fixed_dictionaries(
    {"system": st.text(max_size=5) | VALUES, "steps": st.integers(0, 9) | VALUES, "seed": st.integers(0, 3) | VALUES},
    optional=dict.fromkeys(("images", "psnr", "ssim", "lpips", "key", "eta", "solver", "a.b"), VALUES),
)


@few
@given(st.fixed_dictionaries({"rows": st.lists(ROW, max_size=3) | VALUES}, optional={"about": VALUES, "times": VALUES}))
def test_results(tmp_path: Path, value: Any) -> None:
    (tmp_path / "packed.json").write_text(json.dumps(value))
    with suppress(InputError):
        read_study([tmp_path / "packed.json"])


STEPS = st.lists(named("type", "scale", "translation") | VALUES, max_size=2)
IMAGE = st.fixed_dictionaries({}, optional={"axes": VALUES, "datasets": VALUES, "coordinateTransformations": STEPS})


@few
@given(
    st.fixed_dictionaries({"ome": st.fixed_dictionaries({"multiscales": st.lists(IMAGE, max_size=2)})}) | named("ome")
)
def test_image_metadata(value: Any) -> None:
    with suppress(InputError):
        check_described(value)


@few
@given(VALUES)
def test_json_and_yaml_are_what_was_written(tmp_path: Path, value: Any) -> None:
    for name, text, read in (("a.json", json.dumps(value), read_json), ("a.yaml", yaml.safe_dump(value), read_yaml)):
        (tmp_path / name).write_text(text)
        try:
            found = read(tmp_path / name)
        except InputError:
            continue  # too deep, too large a number, half a character
        assert json.dumps(found, sort_keys=True) == json.dumps(value, sort_keys=True)


@few
@given(VALUES)
def test_formats(value: Any) -> None:
    with pytest.raises(InputError):
        Format("a thing", (unchanged,)).read({"format": value, "x": 1}, "file", ["y"])
