"""A package that is not installed is asked for in one line: what it is for, and the command that brings it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from wavegen.core.errors import InputError
from wavegen.core.optional import need


def test_a_package_that_is_there_is_returned() -> None:
    assert need("json.decoder", "eval") is sys.modules["json.decoder"]


def test_a_missing_package_is_named_with_the_command() -> None:
    with pytest.raises(
        InputError, match=r'^LPIPS needs the package no_such, .*: pip install "wavegen\[eval\]"$'
    ) as told:
        need("no_such.part", "eval", "LPIPS")
    assert told.value.__cause__ is None


def test_what_a_package_itself_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_installed.py").write_text("import what_it_needs\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(InputError, match=r"the package what_it_needs"):
        need("half_installed", "plot")


def test_other_errors_of_a_package_are_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_package.py").write_text("raise RuntimeError('broken')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(RuntimeError, match="broken"):
        need("broken_package", "plot")
