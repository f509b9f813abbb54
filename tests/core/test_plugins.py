"""Components from files outside the package, by entry points: they are like all others, and mistakes are named."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from systems import picture, tiny

from wavegen.bridges import BBDP, make_grid, sample
from wavegen.core import registry
from wavegen.core.errors import InputError
from wavegen.core.registry import build, describe, entry, names
from wavegen.experiments import Row

Install = Callable[..., None]

WAYS = '''
"""A solver that takes the last estimate of x0 for the whole state, and a grid that halves what is left."""

from typing import Annotated

from pydantic import Field

from wavegen import register
from wavegen.bridges import Bridge, Coordinates, Eta, Solver, Step, first_order


@register("solver", "half", "first order, of which a share is skipped")
class Half(Solver):
    def __init__(self, eta: Eta = 0.5, share: Annotated[float, Field(gt=0, le=1)] = 1.0) -> None:
        self.eta, self.share = eta, share

    def steps(self, bridge: Bridge, before: Coordinates | None, t: Coordinates, s: Coordinates) -> tuple[Step, ...]:
        return (first_order(bridge, t, s, self.eta * self.share),)


@register("grid", "halving", "each step leaves a share of the time", supplied=("steps",))
def halving(steps: int, keep: Annotated[float, Field(gt=0, lt=1)] = 0.5) -> list[float]:
    return [*(keep**i for i in range(steps)), 0.0]
'''
BRIDGE = """
from wavegen import register
from wavegen.bridges import BBDP

@register("bridge", "{name}", "a process", capabilities={capabilities})
class Mine(BBDP):
    max_steps = {most}
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a distribution with one module, and have the registry look for plug-ins anew."""
    names("bridge")
    monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    monkeypatch.setattr(registry, "_failed", [])
    monkeypatch.syspath_prepend(str(tmp_path))
    made = []

    def write(name: str, text: str) -> None:
        module = name.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(text)
        about = tmp_path / f"{module}-1.2.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (about / "entry_points.txt").write_text(f"[wavegen.components]\nall = {module}\n")
        made.append(module)
        monkeypatch.setattr(registry, "_plugins_loaded", False)

    yield write
    for module in made:
        sys.modules.pop(module, None)


def test_a_solver_and_a_grid_of_a_plugin_work_everywhere(install: Install) -> None:
    install("other-ways", WAYS)
    assert "half" in names("solver")
    assert "halving" in names("grid")
    assert describe("solver", "half")["options"]["eta"]["default"] == 0.5
    assert entry("grid", "halving").origin == "other-ways 1.2: all = other_ways"
    assert make_grid("halving", 3) == [1.0, 0.5, 0.25, 0.0]
    with pytest.raises(InputError, match="grid 'halving': keep = 2"):
        make_grid("halving", 3, keep=2)

    y, grid = torch.randn(1, 1, 4, 4), make_grid("halving", 4)

    def drawn(solver: object, **eta: float) -> torch.Tensor:
        return sample(BBDP(), lambda x, t, y: 0.9 * x, y, grid=grid, solver=solver, **eta).x  # type: ignore[arg-type]

    torch.testing.assert_close(drawn("half"), drawn("generic", eta=0.5), rtol=0, atol=0)
    torch.testing.assert_close(drawn({"name": "half", "share": 0.5}, eta=1.0), drawn("half"), rtol=0, atol=0)

    image = picture(16, 16)
    pipeline = tiny("bbdm", sampler={"steps": 3, "solver": {"name": "half"}, "grid": {"name": "halving", "keep": 0.4}})
    assert pipeline.config.sampler.solver == {"name": "half", "eta": 0.5, "share": 1.0}
    assert pipeline.times == [1.0, 0.4, 0.4**2, 0.0]
    plain = tiny("bbdm").restore(image, steps=3, eta=0.5, grid={"name": "halving", "keep": 0.4}).image
    torch.testing.assert_close(pipeline.restore(image).image, plain, rtol=0, atol=0)
    with pytest.raises(InputError, match="share = 3"):
        tiny("bbdm", sampler={"solver": {"name": "half", "share": 3}})

    row = Row(system="a", solver={"name": "half", "eta": 0.25, "share": 0.5})
    assert (row.eta, row.solver, row.key()) == (0.25, {"name": "half", "share": 0.5}, "eta 0.25, half share=0.5")


def test_a_plugin_that_fails_is_named_and_the_rest_works(install: Install, caplog: pytest.LogCaptureFixture) -> None:
    install("broken", BRIDGE.format(name="first", capabilities=("pinned",), most=None) + "\nimport not_there\n")
    install("other-ways", WAYS)
    with caplog.at_level(logging.WARNING, "wavegen"):
        assert "half" in names("solver")
    (record,) = caplog.records
    said = record.getMessage()
    assert "\n" not in said
    for part in ("broken 1.2: all = broken", "ModuleNotFoundError", "not_there"):
        assert part in said
    assert "first" not in names("bridge")  # a plug-in is loaded as a whole or not at all
    with pytest.raises(InputError, match=r"unknown bridge 'first'; .*the plug-in broken 1\.2: .*not_there"):
        build("bridge", "first")
    assert build("bridge", "bbdp").s == 1.0


@pytest.mark.parametrize(
    ("taken", "first"), [("bbdp", "wavegen"), ("mine", "a-first 1.2: all = a_first")], ids=["built-in", "plug-in"]
)
def test_a_name_that_is_taken_is_refused_with_both_origins(
    install: Install, caplog: pytest.LogCaptureFixture, taken: str, first: str
) -> None:
    if taken != "bbdp":
        install("a-first", BRIDGE.format(name=taken, capabilities=("pinned",), most=None))
    install("b-second", BRIDGE.format(name=taken, capabilities=("pinned",), most=None))
    assert entry("bridge", taken).origin == first
    (record,) = caplog.records
    assert f"bridge '{taken}' of b-second 1.2: all = b_second is registered already by {first}" in record.getMessage()


@pytest.mark.parametrize(
    ("capabilities", "most", "said"),
    [
        (("pined",), None, "declares the unknown capability 'pined'; did you mean 'pinned'?"),
        (("pinned", "orthonormal"), None, "declares the unknown capability 'orthonormal'"),
        (("pinned",), 1, "has the capability 'one-step' (a single step); declare it"),
        (("pinned", "one-step"), None, "declares, but has not, the capability 'one-step' (a single step)"),
        (("pinned", "published-euler"), None, "declares, but has not, the capability 'published-euler'"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else None,
)
def test_a_capability_that_is_unknown_or_untrue_is_refused(
    install: Install, caplog: pytest.LogCaptureFixture, capabilities: tuple[str, ...], most: int | None, said: str
) -> None:
    install("mistaken", BRIDGE.format(name="mine", capabilities=capabilities, most=most))
    assert "mine" not in names("bridge")
    (record,) = caplog.records
    assert "bridge 'mine'" in record.getMessage()
    assert said in record.getMessage()


def test_a_solver_must_be_one(install: Install) -> None:
    install(
        "no-solver", "from wavegen import register\n\n@register('solver', 'none', 'x')\ndef none():\n    return 3\n"
    )
    with pytest.raises(InputError, match=r"the solver 'none' is a int; it must be a wavegen\.bridges\.Solver"):
        sample(BBDP(), lambda x, t, y: x, torch.zeros(1, 1, 2, 2), grid=[1.0, 0.0], solver="none")
