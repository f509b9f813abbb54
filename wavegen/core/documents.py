"""JSON and YAML files: read as plain values (texts, numbers, lists, mappings with text keys), within stated bounds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from wavegen.core.errors import InputError
from wavegen.core.guard import guarded, reason

DEPTH = 64  # levels of nesting; configurations have fewer than ten
VALUES = 200_000  # of a YAML file, each counted as often as it is referred to
YAML_BYTES, JSON_BYTES = 200_000, 50_000_000
LARGEST = 2**63  # a whole number that no option, seed or count needs
PLAIN = ("null", "bool", "int", "float", "str", "seq", "map")  # without dates, binary data, sets and pairs
TAG = "tag:yaml.org,2002:"


def read_json(path: Path, remedy: str = "copy or make it again") -> Any:
    """The value in a JSON file.

    Raises:
        InputError: the file cannot be read, is not JSON, or is nested more than 64 levels; ``remedy`` says what to do.
    """

    def read(path: Path) -> Any:
        if path.stat().st_size > JSON_BYTES:
            raise InputError(f"{path} has more than {JSON_BYTES // 1_000_000} MB, which none of wavegen's files needs")
        value = json.loads(path.read_text(encoding="utf-8-sig"))
        _check_values(value)
        return value

    return guarded(path, read, "not JSON", remedy)


def read_yaml(path: Path) -> Any:
    """The value in a YAML file.

    Dates are texts. Keys must be texts, each given once; aliases may not refer to what they stand in, nor make
    more than 200,000 values.

    Raises:
        InputError: the file cannot be read, is not YAML, or is none of a configuration's size.
    """

    def read(path: Path) -> Any:
        if path.stat().st_size > YAML_BYTES:
            raise InputError(f"{path} has more than {YAML_BYTES // 1000} kB, which no configuration needs")
        return _loaded(path.read_text(encoding="utf-8-sig"))

    return guarded(path, read, "not YAML", "correct it there")


def yaml_value(text: str) -> Any:
    """A value of the command line read as YAML (a number, true, [1, 2]); text where it is not valid YAML.

    Raises:
        InputError: YAML that is nested too deeply, or has keys that are no texts or are given twice.
    """
    try:
        return _loaded(text)
    except InputError as error:
        raise InputError(f"{text[:40]!r}: {error}") from None
    except (yaml.YAMLError, ValueError):
        return text


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, for plain values only."""

    yaml_implicit_resolvers = {  # noqa: RUF012  (PyYAML's form)
        first: [(tag, form) for tag, form in resolvers if tag != f"{TAG}timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    yaml_constructors = {  # noqa: RUF012
        tag: made
        for tag, made in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.removeprefix(TAG) in PLAIN
    }
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """One value; PyYAML composes those in it by recursion."""
        if self.depth >= DEPTH:
            raise InputError(f"it is nested more than {DEPTH} levels deep")
        self.depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _loaded(text: str) -> Any:
    loader = _Loader(text)
    loader.name = "its text"  # in messages, beside the line
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _values(node, {}) > VALUES:
            raise InputError(f"its aliases make more than {VALUES:,} values, which no configuration needs")
        value = loader.construct_document(node)
    finally:
        loader.dispose()
    _check_values(value)
    return value


def _values(node: yaml.Node, known: dict[int, int | None]) -> int:
    """How many values a node stands for; one that is referred to twice counts twice but is looked at once."""
    if id(node) in known:
        found = known[id(node)]
        if found is None:
            raise InputError(f"line {node.start_mark.line + 1} refers to what it stands in")
        return found
    known[id(node)] = None
    if isinstance(node, yaml.MappingNode):
        _check_keys(node)
    parts: Iterable[yaml.Node] = ()
    if isinstance(node, yaml.CollectionNode):
        parts = [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]
    count = 1 + sum(_values(part, known) for part in parts)
    known[id(node)] = count
    return count


def _check_keys(node: yaml.MappingNode) -> None:
    seen = set()
    for key, _ in node.value:
        where = f"line {key.start_mark.line + 1}"
        if key.tag == f"{TAG}merge":
            continue
        if key.tag != f"{TAG}str":
            shown = repr(key.value) if isinstance(key, yaml.ScalarNode) else "that is no text"
            raise InputError(f"{where}: key {shown[:40]}: put it in quotes, since keys are texts")
        if key.value in seen:
            raise InputError(f"{where}: {key.value[:40]!r} is given twice")
        seen.add(key.value)


def _check_values(value: Any) -> None:
    """Check depth, texts and whole numbers, without recursion."""
    level, depth = [value], 0
    while level:
        if depth >= DEPTH:
            raise InputError(f"it is nested more than {DEPTH} levels deep")
        for item in level:
            for text in item if isinstance(item, Mapping) else [item]:
                if isinstance(text, str):
                    _check_text(text)
            if isinstance(item, int) and abs(item) >= LARGEST:
                raise InputError("it holds a whole number of more than 63 bits")
        level = [part for item in level for part in _parts(item)]
        depth += 1


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def _check_text(text: str) -> None:
    """Refuse halves of characters, which cannot be written to any file."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"a text holds half a character ({reason(error)})") from None
