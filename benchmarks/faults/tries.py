"""One try: a command is disturbed, what is there is looked at, and the same command is given again."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.faults.cases import Case
from benchmarks.faults.processes import End, import_as_it_did, run
from benchmarks.faults.results import PARTIAL, hidden, repeated_lines, units, unreadable

Record = dict[str, Any]
ENDS = {  # a shell shows a process that a signal ended as 128 + its number, too
    signal.SIGKILL: (-9,),
    signal.SIGTERM: (143, -15),
    signal.SIGINT: (130, -2),
}
START = 0.5  # seconds in which a new interpreter imports
REFUSED = (2, 3)  # exit codes: nothing done, or done but for some runs, which are named


class Known(NamedTuple):
    """Of a case: digests of older results and of the right ones; seconds; bytes of what it writes."""

    older: dict[str, str]
    right: dict[str, str]
    seconds: float
    size: int


class Bench:
    """Inputs, and of each case what an undisturbed run gives and how long it takes."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed = folder, seed
        self.inputs = folder / "inputs"
        self.caches: set[str] = set()
        self.known: dict[str, Known] = {}

    def undisturbed(self, case: Case) -> Known:
        """Run it once."""
        if case.name not in self.known:
            out = self._fresh(case)
            older = units(out)
            run(case.arguments(self.inputs, out), self.scratch)
            import_as_it_did(self.scratch)
            self._fresh(case)
            end = run(case.arguments(self.inputs, out), self.scratch)
            if end.code:
                raise RuntimeError(f"{case.name} fails undisturbed: {end.said[-2000:]}")
            self.known[case.name] = Known(older, units(out), end.seconds, _size(out))
            self.caches |= {path.name for path in (self.scratch / "tmp").iterdir()}  # of other libraries
        return self.known[case.name]

    @property
    def scratch(self) -> Path:
        """A folder for temporary files."""
        return self.folder / "scratch"

    def _temporary(self) -> list[str]:
        """What is in the folder for temporary files and would not be there after an undisturbed run."""
        return [f"tmp/{path.name}" for path in (self.scratch / "tmp").iterdir() if path.name not in self.caches]

    def _fresh(self, case: Case, out: Path | None = None) -> Path:
        """The folder of the results as it is before the command: empty, with older results, or with what it changes."""
        out = out or self.folder / "out"
        _empty(out)
        shutil.rmtree(self.scratch, ignore_errors=True)
        if case.given:
            shutil.copytree(self.inputs / case.given, out, dirs_exist_ok=True)
        if case.older is not None:
            before = self.folder / "older" / case.name.replace(" ", "-")
            if not before.exists():
                before.mkdir(parents=True)
                end = run([*case.arguments(self.inputs, before), *case.older], self.scratch)
                if end.code:
                    raise RuntimeError(f"{case.name} fails undisturbed: {end.said[-2000:]}")
            shutil.copytree(before, out, dirs_exist_ok=True)
        return out

    def kill(self, case: Case, number: signal.Signals, index: int, *, anew: bool = False) -> Record:
        """Send a signal at a random moment; ``anew``: in the first half second of a new interpreter."""
        older, right, seconds, _ = self.undisturbed(case)
        chance = random.Random(f"{self.seed} {case.name} {number.name} {index} {anew}")
        after = chance.random() * (START if anew else seconds)
        out = self._fresh(case)
        end = run(case.arguments(self.inputs, out), self.scratch, number=number, after=after, anew=anew)
        finds = _look(out, older, right)
        # Before the program has begun, Python answers Ctrl-C in its own way.
        ours = "Traceback" in end.said and "wavegen" in end.said
        if end.code not in (0, *ENDS[number]) or ours:
            finds.wrong.append(f"it ended with {end.code}: {end.said[-300:]}")
        if number != signal.SIGKILL:
            finds.left += hidden(out)
        again = run([*case.arguments(self.inputs, out), *case.again], self.scratch)
        finds.after(out, again, right)
        finds.left += self._temporary()
        return finds.record(case, number.name, index, anew=anew, after=round(after, 3), code=end.code)

    def fill(self, case: Case, index: int, count: int) -> Record:
        """Give a command a disk that is too small by some share of what it writes; then a larger one."""
        _, right, _, need = self.undisturbed(case)
        room = 16_384 + int(need * index / count)
        with disk(self.folder / "disk", room) as out:
            end = run(case.arguments(self.inputs, out), self.scratch)
            finds = _look(out, {}, right)
            finds.left += hidden(out)
            last = end.said.strip().splitlines()[-1:] or [""]
            told = "No space left" in end.said and "Traceback" not in end.said
            if not (end.code == 0 or (end.code in REFUSED and told)):
                finds.wrong.append(f"it ended with {end.code}: {last[0][-300:]}")
            _resize(out, 4 * need + 2**24)
            again = run([*case.arguments(self.inputs, out), *case.again], self.scratch)
            finds.after(out, again, right)
            finds.left += self._temporary()
        return finds.record(case, "full disk", index, room=room, code=end.code)


class Finds:
    """What a try found: results that are lost, wrong ones, and what was left behind."""

    def __init__(self) -> None:
        self.lost: list[str] = []
        self.wrong: list[str] = []
        self.left: list[str] = []

    def after(self, out: Path, again: End, right: Mapping[str, str]) -> None:
        """Look at the results of the repetition, which must be those of an undisturbed run, and nothing else."""
        if again.code:
            self.lost.append(f"the repetition ended with {again.code}: {again.said[-300:]}")
        found = units(out)
        self.lost += [f"{name} is not there" for name in right.keys() - found.keys()]
        self.wrong += [f"{name} differs" for name in sorted(found) if name in right and found[name] != right[name]]
        self.left += [*(found.keys() - right.keys()), *hidden(out)]
        if count := repeated_lines(out):
            self.wrong.append(f"{count} steps are in the log twice")

    def record(self, case: Case, fault: str, index: int, **more: Any) -> Record:
        """As it is kept."""
        about = {"fault": fault, "command": case.name, "try": index, **more}
        return about | {"lost": self.lost, "wrong": self.wrong, "left": sorted(set(self.left))}


def _look(out: Path, older: Mapping[str, str], right: Mapping[str, str]) -> Finds:
    """What is visible after the fault: each result is the older or the new one, whole."""
    finds = Finds()
    finds.wrong += unreadable(out)
    found = {} if finds.wrong else units(out)
    for name, digest in found.items():
        if Path(name).name not in PARTIAL and digest not in (older.get(name), right.get(name)):
            finds.wrong.append(f"{name} is neither the older nor the new one")
    if not finds.wrong:
        finds.lost += [f"the older {name} is not there" for name in older.keys() - found.keys()]
    return finds


def _empty(folder: Path) -> None:
    """Empty it, but keep it: it may be the root of a disk."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _size(folder: Path) -> int:
    """Bytes of memory pages that a folder's files take."""
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in folder.rglob("*") if path.is_file())


@contextmanager
def disk(folder: Path, size: int) -> Iterator[Path]:
    """A file system of its own in memory (Linux, as root).

    Raises:
        PermissionError: it cannot be mounted here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if done.returncode:
        raise PermissionError(done.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _resize(folder: Path, size: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)
