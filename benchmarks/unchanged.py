"""Does this tree compute the same bits as an earlier version? Both run on this machine, each in a process of its own.

    python benchmarks/unchanged.py [--against REV] [--only restorations|weights]

``unchanged_record.py`` restores two images with every shipped model and trains every preset for 20 steps, once with
the earlier version (0.1.0 unless told otherwise, exported from the repository) and once with the working tree, in
float32 on one thread. The exit code is 0 if all arrays have the same bits, 1 if one differs, 2 if they could not be
compared.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
RECORD = Path(__file__).resolve().with_name("unchanged_record.py")
TAG, COMMIT = "v0.1.0", "db29d2c"  # the release, and its commit where the tag was not fetched


class RefusalError(Exception):
    """Why the versions cannot be compared, in one line."""


@dataclass
class Outcome:
    """What was found for one model or preset; ``largest`` is the largest difference relative to the range."""

    arrays: int = 0
    equal: int = 0
    largest: float = 0.0


def git(root: Path, *arguments: str) -> bytes:
    """The output of a git command.

    Raises:
        RefusalError: git is not installed, or refuses.
    """
    try:
        return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=True).stdout
    except FileNotFoundError:
        raise RefusalError("git is not installed; it is needed to export the earlier version") from None
    except subprocess.CalledProcessError as error:
        raise RefusalError(f"git {arguments[0]}: {error.stderr.decode(errors='replace').strip()}") from None


def resolve(root: Path, against: str | None) -> str:
    """The commit to compare with: the one given, else that of 0.1.0.

    Raises:
        RefusalError: the repository does not have it.
    """
    git(root, "rev-parse", "--git-dir")
    for revision in [against] if against else [TAG, COMMIT]:
        try:
            return git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").decode().strip()
        except RefusalError:
            continue
    wanted = f"revision {against!r}" if against else f"tag {TAG} nor commit {COMMIT}"
    shallow = git(root, "rev-parse", "--is-shallow-repository").strip() == b"true"
    remedy = "git fetch --unshallow --tags" if shallow else "git fetch --tags, or name another with --against"
    raise RefusalError(f"the repository {root} has {'no' if against else 'neither'} {wanted}; {remedy}")


def export(root: Path, revision: str, folder: Path) -> Path:
    """Write the files of a revision into a folder, which is returned."""
    with tarfile.open(fileobj=io.BytesIO(git(root, "archive", "--format=tar", revision))) as archive:
        archive.extractall(folder, filter="data")
    return folder


def environment(source: Path, threads: int = 1) -> dict[str, str]:
    """Variables of a process that imports wavegen, and its shipped models, from ``source``."""
    paths = [source, source / "models"]
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([*(str(path) for path in paths if path.is_dir()), *filter(None, given)]),
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "HF_HUB_OFFLINE": "1",
    }


def record(sources: Mapping[str, Path], folder: Path, only: str | None) -> dict[str, dict[str, Tensor]]:
    """The arrays that each version computes, both at the same time.

    Raises:
        RefusalError: a version is not imported from where it should be, or its run fails.
    """
    running = {}
    for name, source in sources.items():
        where = environment(source)
        code = "import wavegen; print(wavegen.__file__)"
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=where, cwd=folder)
        if found.returncode or not Path(found.stdout.strip()).is_relative_to(source):
            raise RefusalError(
                f"{name}: wavegen is imported from {found.stdout.strip() or 'nowhere'}, not from {source}"
            )
        command = [sys.executable, str(RECORD), str(folder / f"{name}.safetensors")]
        command += ["--only", only] if only else []
        running[name] = subprocess.Popen(command, env=where, cwd=folder, stderr=subprocess.PIPE, text=True)
    said = {name: process.communicate()[1] for name, process in running.items()}
    for name, process in running.items():
        if process.returncode:
            raise RefusalError(f"{name}: the run failed: {(said[name].strip().splitlines() or ['no message'])[-1]}")
    return {name: load_file(folder / f"{name}.safetensors") for name in running}


def difference(old: Tensor, new: Tensor) -> float:
    """The largest difference relative to the range of the old values; infinite for another shape or NaN."""
    if old.shape != new.shape:
        return float("inf")
    if old.numel() == 0:
        return 0.0
    old, new = old.double(), new.double()
    spread = float(old.max() - old.min()) or float(old.abs().max()) or 1.0
    largest = float((new - old).abs().max()) / spread
    return largest if largest == largest else float("inf")


def compare(old: Mapping[str, Tensor], new: Mapping[str, Tensor]) -> dict[str, Outcome]:
    """What became of the arrays, by kind and model or preset; one that only one version has counts as different."""
    found: dict[str, Outcome] = {}
    for key in sorted(old.keys() | new.keys()):
        kind = "restorations" if key.endswith(" calls") else "weights"
        outcome = found.setdefault(f"{kind}, {key.split('/')[0]}", Outcome())
        outcome.arrays += 1
        if key not in old or key not in new:
            outcome.largest = float("inf")
        elif old[key].dtype == new[key].dtype and torch.equal(old[key], new[key]):
            outcome.equal += 1
        else:
            outcome.largest = max(outcome.largest, difference(old[key], new[key]))
    return found


def table(found: Mapping[str, Outcome]) -> str:
    """A Markdown table with a row for each model and preset, and one for each kind."""
    totals: dict[str, Outcome] = {}
    for name, outcome in found.items():
        total = totals.setdefault(f"all {name.split(',')[0]}", Outcome())
        total.arrays += outcome.arrays
        total.equal += outcome.equal
        total.largest = max(total.largest, outcome.largest)
    lines = ["| what | arrays | same bits | largest difference / range |", "|---|---|---|---|"]
    for name, outcome in {**found, **totals}.items():
        lines.append(f"| {name} | {outcome.arrays} | {outcome.equal} | {outcome.largest:.2g} |")
    return "\n".join(lines)


def main() -> int:
    """Parse the command line, run both versions and print what differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", metavar="REV", help=f"commit, tag or branch to compare with ({TAG})")
    parser.add_argument("--only", choices=["restorations", "weights"])
    arguments = parser.parse_args()
    try:
        commit = resolve(ROOT, arguments.against)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch).resolve()
            sources = {"before": export(ROOT, commit, folder / "source"), "after": ROOT}
            found = record(sources, folder, arguments.only)
    except RefusalError as reason:
        print(f"error: {reason}", file=sys.stderr)
        return 2
    outcomes = compare(found["before"], found["after"])
    print(f"{commit[:7]} and the working tree, float32, one thread\n")
    print(table(outcomes))
    return 0 if all(outcome.equal == outcome.arrays for outcome in outcomes.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
