"""One process that mutates and reads: ``python -m benchmarks.fuzzing.worker FORMAT FIRST COUNT SEED OUT``.

It prints one line for each mutant, its number and its outcome, and keeps those that a reader fails on.
"""

from __future__ import annotations

import io
import os
import resource
import signal
import sys
import tempfile
import traceback
from contextlib import redirect_stderr, suppress
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

from benchmarks.fuzzing.formats import FORMATS, Format, Seed
from wavegen.core.errors import InputError

SECONDS = 10.0  # that a reader may take
MEMORY = 10**9  # bytes above those of the idle process that it may take
BACKSTOP = 8 * 10**9  # bytes of address space above those of the idle process
LARGEST = "0.2"  # GB that one image may declare
LONGEST = 2000  # characters of a refusal
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "shutil.rmtree")
OUTWARD = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect")


class TooSlowError(BaseException):
    """Raised by the timer; no reader catches it."""


class Watch:
    """Notes every file that is opened, and everything that is started or changed, outside a folder."""

    def __init__(self, folder: Path, strays: bool) -> None:
        code = Path(__file__).resolve().parents[2]
        self.inside = str(folder)
        self.known = (
            *{sys.prefix, sys.base_prefix, *filter(None, sys.path), str(code)},
            "/proc",
            "/sys",
            "/dev",
            "/etc",
        )
        self.strays, self.seen, self.on = strays, "", False
        sys.addaudithook(self.hook)

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        """What Python calls for every such event."""
        if not self.on:
            return
        if event in OUTWARD:
            self.seen = event
        elif event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            writes = isinstance(arguments[2], int) and arguments[2] & WRITES
            read = not self.strays and not path.startswith(self.known)
            if not self._is_inside(path) and (writes or read) and path != os.devnull:
                self.seen = f"open {path}"
        elif event in CHANGES and not self._is_inside(os.path.realpath(os.fsdecode(arguments[0]))):
            self.seen = f"{event} {arguments[0]}"

    def _is_inside(self, path: str) -> bool:
        return path == self.inside or path.startswith(self.inside + os.sep)


def attempt(form: Format, seed: Seed, watch: Watch) -> tuple[str, str]:
    """The outcome of reading one mutant, and what to keep of it."""
    outcome, text = "read", ""
    watch.seen, watch.on = "", True
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        for read in form.readers:
            try:
                with redirect_stderr(io.StringIO()):
                    read(seed.path)
            except InputError as error:
                outcome = "refused"
                if "\n" in str(error) or watch.inside not in str(error) or len(str(error)) > LONGEST:
                    text = f"not one line with the file: {error}"
    except TooSlowError:
        outcome, text = "hang", traceback.format_exc()
    except Exception:
        outcome, text = "traceback", traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        watch.on = False
    if outcome in ("read", "refused"):
        outcome = "outside" if watch.seen else "memory" if _peak() > MEMORY else "traceback" if text else outcome
    return outcome, text or watch.seen


IDLE = [0]


def _peak() -> int:
    """Bytes that the process took at most, above those that it took before the first mutant."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - IDLE[0]


def work(name: str, first: int, count: int, number: int, out: Path) -> None:
    """Read mutants ``first`` to ``first + count`` of a format; each is a function of its number alone."""
    form = FORMATS[name]
    os.environ["WAVEGEN_MAX_IMAGE_GB"] = LARGEST

    def too_slow(number: int, frame: FrameType | None) -> None:
        raise TooSlowError

    signal.signal(signal.SIGALRM, too_slow)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as place:
        folder = Path(os.path.realpath(place))
        seeds = list(form.seeds(folder))
        for seed in seeds:  # imports and caches, before memory is measured
            for read in form.readers:
                with suppress(InputError):  # weights are no checkpoint
                    read(seed.path)
        os.chdir(folder)
        watch = Watch(folder, form.strays)
        IDLE[0] = _peak()
        address = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (address + BACKSTOP, resource.RLIM_INFINITY))
        for index in range(first, first + count):
            random = Random(f"{name} {number} {index}")
            seed = random.choice(seeds)
            valid = seed.file.read_bytes()
            mutant = random.choice(seed.mutations)(valid, random)
            seed.file.write_bytes(mutant)
            print(index, "begun", flush=True)
            outcome, text = attempt(form, seed, watch)
            if outcome not in ("read", "refused"):
                _keep(out / name, f"{index}-{outcome}", seed.file.name, mutant, text)
            seed.file.write_bytes(valid)
            print(index, outcome, flush=True)
            if outcome in ("memory", "hang"):
                return  # the peak cannot be reset: the next worker goes on


def _keep(folder: Path, label: str, name: str, mutant: bytes, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{label}-{name}").write_bytes(mutant)
    (folder / f"{label}.txt").write_text(text, errors="backslashreplace")


if __name__ == "__main__":
    work(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]))
