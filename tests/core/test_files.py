"""Files appear whole or not at all, one process writes them, and what a killed one left does no harm."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wavegen.core import files
from wavegen.core.errors import InputError
from wavegen.core.files import allocate, atomic, atomic_folder, exclusive, lack_of_space, write_text
from wavegen.core.locks import NoLocksError, clear

ROOT = Path(__file__).resolve().parents[2]
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
HOLDER = """
import sys, time
from pathlib import Path
from wavegen.core.files import atomic, atomic_folder, exclusive
folder = Path(sys.argv[1])
with exclusive(folder / ".work.lock", "the work"), atomic(folder / "a.txt") as file, atomic_folder(folder / "b") as b:
    file.write(b"half")
    (b / "half").touch()
    print("holds", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process in the middle of writing ``a.txt`` and ``b``, both of which exist already."""
    write_text(tmp_path / "a.txt", "older")
    write_text(tmp_path / "b" / "older", "")
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "holds\n"
    yield process
    process.kill()
    process.communicate()


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_one_process_writes_and_the_next_clears_up_after_a_killed_one(
    holder: subprocess.Popen[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PATIENCE", 0.2)
    began = tree(tmp_path)
    for attempt in (lambda: write_text(tmp_path / "a.txt", "newer"), lambda: atomic_folder(tmp_path / "b").__enter__()):
        with pytest.raises(InputError, match="another process is writing it"):
            attempt()
    with (
        pytest.raises(InputError, match=rf"the work is being written by process {holder.pid} on .* since .*; wait"),
        exclusive(tmp_path / ".work.lock", "the work"),
    ):
        pass
    assert tree(tmp_path) == began
    assert (tmp_path / "a.txt").read_text() == "older"
    clear(tmp_path)  # what belongs to a living process stays
    assert tree(tmp_path) == began

    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert {".a.txt.part", ".b.part", ".work.lock"} <= tree(tmp_path)
    with exclusive(tmp_path / ".work.lock", "the work"):
        write_text(tmp_path / "a.txt", "newer")
        with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "b"):
            raise ZeroDivisionError
    assert tree(tmp_path) == {"a.txt", "b", "b/older"}
    assert (tmp_path / "a.txt").read_text() == "newer"


def test_what_killed_processes_left_can_be_cleared(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    holder.kill()
    holder.wait()
    (tmp_path / ".hidden").touch()
    clear(tmp_path)
    assert tree(tmp_path) == {"a.txt", "b", "b/older", ".hidden"}


def test_killed_between_the_renames_of_a_folder(tmp_path: Path) -> None:
    """Then the older one has no name for a moment: the next writer, even one that fails, gives it back."""
    write_text(tmp_path / ".b.part" / "old" / "older", "")
    write_text(tmp_path / ".b.part" / "new" / "newer", "")
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "b"):
        raise ZeroDivisionError
    assert tree(tmp_path) == {"b", "b/older"}
    with atomic_folder(tmp_path / "b") as folder:
        (folder / "newer").touch()
    assert tree(tmp_path) == {"b", "b/newer"}
    (tmp_path / "c").touch()
    with pytest.raises(InputError, match="is a file"), atomic_folder(tmp_path / "c"):
        pass


def test_a_forked_process_keeps_no_lock(tmp_path: Path) -> None:
    """Workers of a loader may outlive a killed training by seconds, and must not block the next."""
    ends, waits = os.pipe()
    first = os.fork()
    if not first:
        with exclusive(tmp_path / "lock", "it"):
            if os.fork():
                os._exit(0)  # as one that is killed: the lock is not given back
            os.close(waits)
            os.read(ends, 1)  # the second process lives until the test ends
            os._exit(0)
    os.close(ends)
    os.waitpid(first, 0)
    assert (tmp_path / "lock").exists()
    with exclusive(tmp_path / "lock", "it"):
        pass
    os.close(waits)


def test_without_locks_a_name_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(descriptor: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "")

    monkeypatch.setattr("wavegen.core.locks._lock", no_locks)
    with atomic(tmp_path / "a") as first, atomic(tmp_path / "a") as second, exclusive(tmp_path / "lock", "it"):
        first.write(b"first")
        second.write(b"second")
        with atomic_folder(tmp_path / "b") as folder:
            (folder / "c").touch()
    assert tree(tmp_path) == {"a", "b", "b/c"}
    assert (tmp_path / "a").read_text() == "first"
    assert issubclass(NoLocksError, Exception)


def test_the_content_is_on_the_disk_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    sync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        done.append(f"sync {Path(os.readlink(f'/proc/self/fd/{descriptor}')).name}")
        sync(descriptor)

    def replaced(source: Any, target: Any) -> None:
        done.append(f"rename {Path(source).name}")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    write_text(tmp_path / "a", "text")
    assert done == ["sync .a.part", "rename .a.part", f"sync {tmp_path.name}"]
    done.clear()
    with atomic_folder(tmp_path / "b") as folder:
        (folder / "c").touch()
    assert done == ["sync c", "sync new", "rename new", f"sync {tmp_path.name}"]


def wrapped(error: BaseException) -> Exception:
    """As a layer above reports an error, with another one."""
    try:
        try:
            raise error
        except BaseException:
            raise ValueError("cannot encode") from None
    except ValueError as outer:
        return outer


@pytest.mark.parametrize(
    "error", [FULL, OSError(errno.EDQUOT, "quota"), wrapped(FULL), ExceptionGroup("several", [ValueError(), FULL])]
)
def test_a_full_disk_is_told_whatever_layer_reports_it(tmp_path: Path, error: Exception) -> None:
    with (
        pytest.raises(InputError, match=r"cannot write .*a: (No space left|quota).*has space") as raised,
        atomic(tmp_path / "a"),
    ):
        raise error
    assert lack_of_space(raised.value)
    assert not tree(tmp_path)


def test_the_disk_is_asked_where_an_encoder_does_not_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="encoder error -2") as raised, atomic(tmp_path / "a"):
        raise OSError("encoder error -2")
    assert not lack_of_space(raised.value)
    with pytest.raises(ZeroDivisionError), atomic(tmp_path / "a"):
        raise ZeroDivisionError  # a bug stays visible

    class Bad:
        """A disk that is full from now on."""

        def __init__(self, error: Exception) -> None:
            monkeypatch.setattr(Path, "open", lambda *_, **__: self._full())
            raise error

        def _full(self) -> None:
            raise FULL

    for error, manager in ((OSError("encoder error -2"), atomic), (RuntimeError("?"), atomic_folder)):
        with pytest.raises(InputError, match="No space left"), manager(tmp_path / "a"):  # type: ignore[operator]
            Bad(error)
        monkeypatch.undo()
    assert not tree(tmp_path)


def test_allocation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "a").open("w+b") as file:
        file.seek(10**6)
        file.write(b"0")
        file.flush()
        allocate(file)
        assert 512 * os.stat(file.fileno()).st_blocks >= 10**6
        for number, refused in ((errno.ENOSPC, True), (errno.EOPNOTSUPP, False)):

            def answer(*_: int, number: int = number) -> None:
                raise OSError(number, "")

            monkeypatch.setattr(os, "posix_fallocate", answer)
            if refused:
                with pytest.raises(OSError, match=str(number)):
                    allocate(file)
            else:
                allocate(file)


def test_waiting_ends_with_the_holder(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    began = time.monotonic()
    threading.Timer(0.3, holder.kill).start()
    with exclusive(tmp_path / ".work.lock", "the work", wait=True):
        assert 0.2 < time.monotonic() - began < 20
