"""Named components: what a configuration may say, and how a mistake is answered."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from wavegen.components import __all__ as packages
from wavegen.core import registry
from wavegen.core.errors import InputError, near_matches
from wavegen.core.registry import KINDS, build, describe, entry, names, register, validate

assert packages


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry that forgets what a test adds."""
    monkeypatch.setattr(registry, "_entries", dict(registry._entries))


class Sharpen:
    def __init__(
        self,
        size: int,
        amount: Annotated[float, Field(gt=0, le=4)] = 1.0,
        mode: Literal["soft", "hard"] = "soft",
        passes: list[int] = [1, 2],  # noqa: B006
    ) -> None:
        self.options: dict[str, Any] = {"size": size, "amount": amount, "mode": mode, "passes": passes}


@pytest.fixture
def sharpen(own: None) -> None:
    add = register(
        "degradation", "sharpen", "makes edges steeper", paper="none", capabilities=("linear",), supplied=("size",)
    )
    assert add(Sharpen) is Sharpen


def test_build_fills_in_defaults_and_what_is_supplied(sharpen: None) -> None:
    assert build("degradation", "sharpen", size=3).options == {
        "size": 3,
        "amount": 1.0,
        "mode": "soft",
        "passes": [1, 2],
    }
    made = build("degradation", {"name": "sharpen", "amount": 2, "mode": "hard"}, size=5)
    assert made.options["amount"] == 2.0
    assert isinstance(made.options["amount"], float)
    assert made.options["mode"] == "hard"


def test_defaults_are_not_shared(sharpen: None) -> None:
    build("degradation", "sharpen", size=1).options["passes"].append(3)
    assert build("degradation", "sharpen", size=1).options["passes"] == [1, 2]


def test_unknown_name_gives_near_matches() -> None:
    with pytest.raises(InputError, match="unknown transform 'harr'; did you mean 'haar'"):
        build("transform", {"name": "harr"})
    with pytest.raises(InputError, match=r"unknown bridge 'zzz'; known: .*bbdp"):
        entry("bridge", "zzz")
    with pytest.raises(InputError, match="unknown kind 'transfrom'; did you mean 'transform'"):
        names("transfrom")


def test_misspelt_option() -> None:
    with pytest.raises(InputError, match="transform 'haar': unknown option 'level'; did you mean 'levels'"):
        build("transform", {"name": "haar", "level": 2})


def test_value_out_of_range_names_the_range(sharpen: None) -> None:
    with pytest.raises(InputError, match=r"degradation 'sharpen': amount = 9: .*less than or equal to 4"):
        build("degradation", {"name": "sharpen", "amount": 9}, size=1)
    with pytest.raises(InputError, match=r"amount = 0: .*greater than 0"):
        build("degradation", {"name": "sharpen", "amount": 0}, size=1)
    with pytest.raises(InputError, match=r"mode = 'loud': .*'soft' or 'hard'"):
        build("degradation", {"name": "sharpen", "mode": "loud"}, size=1)
    with pytest.raises(InputError, match=r"passes\.1 = 'x': .*integer"):
        build("degradation", {"name": "sharpen", "passes": [1, "x"]}, size=1)


def test_all_mistakes_in_one_line(sharpen: None) -> None:
    with pytest.raises(InputError) as caught:
        build("degradation", {"name": "sharpen", "amount": 9, "modus": "soft"}, size=1)
    message = str(caught.value)
    assert "amount = 9" in message
    assert "did you mean 'mode'" in message
    assert "\n" not in message


def test_name_is_required() -> None:
    with pytest.raises(InputError, match=r"a bridge needs a 'name'; known: .*bbdp"):
        build("bridge", {"s": 1.0})


def test_supplied_arguments_may_not_be_configured(sharpen: None) -> None:
    with pytest.raises(InputError, match="unknown option 'size'"):
        build("degradation", {"name": "sharpen", "size": 3})
    with pytest.raises(InputError, match="unknown option 'in_channels'"):
        validate("network", {"name": "unet", "in_channels": 3})


def test_fixed_arguments_are_no_options(own: None) -> None:
    register("degradation", "hard", "a fixed mode", supplied=("size",), fixed={"mode": "hard"})(Sharpen)
    assert build("degradation", "hard", size=1).options["mode"] == "hard"
    with pytest.raises(InputError, match="unknown option 'mode'"):
        build("degradation", {"name": "hard", "mode": "soft"}, size=1)


def test_duplicate_and_unknown_kind_raise(sharpen: None) -> None:
    with pytest.raises(
        ValueError, match="degradation 'sharpen' of test_registry is registered already by test_registry"
    ):
        register("degradation", "sharpen", "again")(Sharpen)
    with pytest.raises(ValueError, match="unknown kind 'bridges'; did you mean 'bridge'"):
        register("bridges", "mine", "wrong kind")
    register("bridge", "sharpen", "the same name of another kind")(Sharpen)


def test_describe(sharpen: None) -> None:
    said = describe("degradation", "sharpen")
    assert said["kind"] == "degradation"
    assert said["name"] == "sharpen"
    assert said["summary"] == "makes edges steeper"
    assert said["paper"] == "none"
    assert said["capabilities"] == ["linear"]
    assert list(said["options"]) == ["amount", "mode", "passes"]
    assert said["options"]["amount"] == {"default": 1.0, "exclusiveMinimum": 0, "maximum": 4, "type": "number"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_component_describes_itself(kind: str) -> None:
    for name in names(kind):
        said = describe(kind, name)
        assert said["summary"], f"{kind} {name}"
        assert "\n" not in said["summary"], f"{kind} {name}"
        for option, schema in said["options"].items():
            assert schema.keys() & {"type", "anyOf", "enum", "items", "$ref", "const"}, (
                f"{kind} {name}: {option} has no type"
            )


def test_validate_keeps_what_was_given() -> None:
    spec = {"name": "haar", "levels": 3}
    _, options = validate("transform", spec)
    assert options == {"levels": 3, "mode": "periodization"}
    assert spec == {"name": "haar", "levels": 3}


class Point:
    """An entry point that registers a component when it is loaded."""

    loads = 0
    name, value, dist = "plugin", "plugin", None

    def load(self) -> None:
        Point.loads += 1
        register("degradation", "from_plugin", "by a third party")(Sharpen)


def test_entry_points_are_loaded_once(own: None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def entry_points(group: str) -> list[Point]:
        asked.append(group)
        return [Point()]

    monkeypatch.setattr(registry, "entry_points", entry_points)
    monkeypatch.setattr(registry, "_plugins_loaded", False)
    Point.loads = 0
    assert "from_plugin" in names("degradation")
    assert describe("degradation", "from_plugin")["summary"] == "by a third party"
    assert asked == ["wavegen.components"]
    assert Point.loads == 1


def test_near_matches() -> None:
    assert near_matches("db", ["db2", "haar"]) == "did you mean 'db2'?"
    assert near_matches("sym3", ["sym2", "sym4", "haar"]) == "did you mean 'sym4' or 'sym2'?"
    assert near_matches("x", []) == "known: none"
    assert near_matches("qqq", [f"n{i:02d}" for i in range(20)]).endswith("n11, ...")
