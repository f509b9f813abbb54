"""Whatever a parser raises becomes one line with file and cause; mistakes of wavegen itself stay visible."""

from __future__ import annotations

import errno
import json
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wavegen.core import guard
from wavegen.core.errors import InputError
from wavegen.core.guard import guarded

PATH = Path("some/file.tif")


def raises(error: BaseException) -> Callable[[Path], Any]:
    def read(path: Path) -> Any:
        raise error

    return read


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ValueError("bad\n header"), r"\(bad header\)"),
        (struct.error("needs 4 bytes"), r"\(needs 4 bytes\)"),
        (zlib.error("incorrect header"), r"\(incorrect header\)"),
        (KeyError("x"), r"\(KeyError: 'x'\)"),
        (UserWarning("truncated"), r"\(truncated\)"),
        (EOFError(), r"\(EOFError\)"),
        (MemoryError(), "does not fit in memory"),
        (RecursionError("maximum"), "nested too deeply"),
        (PermissionError(errno.EACCES, "Permission denied"), "change its permissions"),
        (FileNotFoundError(errno.ENOENT, "No such file", "part.tif"), "there is no file part.tif"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (InputError("five samples"), "five samples"),
    ],
)
def test_one_line_with_file_and_cause(error: BaseException, cause: str) -> None:
    with pytest.raises(InputError, match=cause) as caught:
        guarded(PATH, raises(error))
    message = str(caught.value)
    assert message.startswith(f"cannot read {PATH}: ")
    assert "\n" not in message


def test_a_message_that_names_the_file_is_not_wrapped() -> None:
    with pytest.raises(InputError) as caught:
        guarded(PATH, raises(InputError(f"{PATH}: five samples")))
    assert str(caught.value) == f"{PATH}: five samples"


def test_a_long_message_is_shortened() -> None:
    with pytest.raises(InputError) as caught:
        guarded(PATH, raises(ValueError("x" * 10_000)))
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("error", "said"), [(KeyError(0), r"\(KeyError: 0\)"), (ValueError("-1"), r"\(ValueError: -1\)")]
)
def test_a_message_that_says_too_little_has_the_name_of_its_error(error: Exception, said: str) -> None:
    with pytest.raises(InputError, match=said):
        guarded(PATH, raises(error))


def test_mistakes_are_seen_where_they_are_wavegens_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def mistaken(path: Path) -> Any:
        return path.no_such_method()  # type: ignore[attr-defined]

    with pytest.raises(InputError):  # outside the package: a parser's
        guarded(PATH, mistaken)
    monkeypatch.setattr(guard, "OWN", str(Path(__file__).parent))
    with pytest.raises(AttributeError):
        guarded(PATH, mistaken)
    with pytest.raises(InputError):  # the innermost frame is json's
        guarded(PATH, lambda path: json.loads(3))  # type: ignore[arg-type]


def test_a_result_passes_and_interrupts_are_not_errors() -> None:
    assert guarded(PATH, lambda path: path.name) == "file.tif"
    with pytest.raises(KeyboardInterrupt):
        guarded(PATH, raises(KeyboardInterrupt()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match="odd"):
            guarded(PATH, lambda path: warnings.warn("odd", stacklevel=1))
