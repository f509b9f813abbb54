"""Signals end a command where that does no harm, whatever compiled code makes of them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from wavegen.core import interrupt
from wavegen.core.errors import InputError
from wavegen.core.guard import guarded


@pytest.fixture(autouse=True)
def _handled() -> Iterator[None]:
    before = {number: signal.signal(number, interrupt.end) for number in (signal.SIGINT, signal.SIGTERM)}
    interrupt.forget()
    yield
    interrupt.forget()
    for number, handler in before.items():
        signal.signal(number, handler)


def test_what_must_not_be_interrupted_ends_first() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), interrupt.whole():  # noqa: PT012
        with interrupt.whole():
            signal.raise_signal(signal.SIGINT)
            done.append("inner")
        done.append("outer")
    assert done == ["inner", "outer"]
    with interrupt.whole():  # what came before has been raised already
        pass
    with pytest.raises(SystemExit) as ended:
        signal.raise_signal(signal.SIGTERM)
    assert ended.value.code == 143


def test_a_parser_that_makes_an_error_of_a_signal(tmp_path: Path) -> None:
    def read(path: Path) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ValueError("could not determine the shape") from None

    with pytest.raises(KeyboardInterrupt):
        guarded(tmp_path / "a.tif", read)
    interrupt.forget()

    def damaged(path: Path) -> None:
        raise ValueError("could not determine the shape")

    with pytest.raises(InputError, match="damaged"):
        guarded(tmp_path / "a.tif", damaged)
