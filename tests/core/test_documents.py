"""JSON and YAML are read as plain values, at once or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wavegen.core.documents import DEPTH, read_json, read_yaml, yaml_value
from wavegen.core.errors import InputError

LAUGHS = "a0: &a0 {k: v}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 12))
LISTS = "a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\nb: [true, 2.5, null, x]", {"a": 1, "b": [True, 2.5, None, "x"]}),
        ("\ufeffa: é", {"a": "é"}),
        ("a: 2001-01-01", {"a": "2001-01-01"}),
        ("a: 2001-99-99", {"a": "2001-99-99"}),
        ("a: &m {x: 1}\nb: {<<: *m, y: 2}", {"a": {"x": 1}, "b": {"x": 1, "y": 2}}),
        ("", None),
    ],
)
def test_plain_values(text: str, value: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text, encoding="utf-8")
    assert read_yaml(file) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1", "not YAML"),
        ("a: !!binary aGVsbG8=", "binary"),
        ("a: !!python/object/apply:os.getcwd []", "python/object"),
        ("a: !!set {x, y}", "set"),
        ("1: 2", "line 1: key '1': put it in quotes"),
        ("a: {on: 2}", "key 'on': put it in quotes"),
        ("? [1, 2]\n: 3", "put it in quotes"),
        ("a: 1\nb: 2\na: 3", "line 3: 'a' is given twice"),
        ("a: &x [*x]", "line 1 refers to what it stands in"),
        (LAUGHS, "aliases make more than 200,000 values"),
        (LISTS, "aliases make more than 200,000 values"),
        ("base: " + "[" * 2000, "nested more than 64 levels"),
        ("[" * (DEPTH + 1) + "]" * (DEPTH + 1), "nested more than 64 levels"),
        ("a: 1:1" + ":59" * 500, "more than 63 bits"),
        ('a: "\\ud800"', "half a character"),
        ("a: " + "x" * 200_000, "has more than 200 kB"),
        ("a: 1\n---\nb: 2", "single document"),
    ],
)
def test_everything_else_is_one_line(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=said) as caught:
        read_yaml(file)
    assert str(file) in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[" * 80 + b"]" * 80, "nested more than 64 levels"),
        (b'{"a": "\\ud800"}', "half a character"),
        (b'{"\\ud800": 1}', "half a character"),
        (b"9" * 30, "more than 63 bits"),
        (b"9" * 5000, "not JSON"),
    ],
)
def test_json_is_bounded_too(content: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_json(file)


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    for read in (read_json, read_yaml):
        with pytest.raises(InputError, match="there is no such file"):
            read(tmp_path / "none")
        with pytest.raises(InputError, match="Is a directory"):
            read(tmp_path)
    file = tmp_path / "a.json"
    file.write_text("\ufeff" + json.dumps({"a": [1, 2.5]}), encoding="utf-8")
    assert read_json(file) == {"a": [1, 2.5]}


def test_values_of_the_command_line() -> None:
    assert yaml_value("[1, 2]") == [1, 2]
    assert yaml_value("2001-99-99") == "2001-99-99"
    assert yaml_value("a: [") == "a: ["
    with pytest.raises(InputError, match="nested more than 64"):
        yaml_value("[" * 2000)
    with pytest.raises(InputError, match="twice"):
        yaml_value("{a: 1, a: 2}")
