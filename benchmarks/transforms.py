"""Time and memory of the transforms beside those of other libraries and of a copy of the tensor."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.transform_peers import OPERATIONS, PEERS, Calls, build_basis, own_calls, peer_calls
from wavegen.core.errors import InputError
from wavegen.core.registry import names
from wavegen.transforms.kernels import fast
from wavegen.transforms.kernels.fast import without_kernels

Size = tuple[int, int, int, int]
SIZES: tuple[Size, ...] = ((8, 3, 256, 256), (64, 1, 128, 128), (1, 1, 2048, 2048), (1, 1, 8192, 8192))
QUICK: tuple[Size, ...] = ((1, 1, 64, 64), (2, 1, 128, 128))
SIDES = (256, 512, 1024, 2048, 4096, 8192)  # of the square images that the scaling exponent is fitted to
BASES = ("haar", "db4", "sym8", "bior4.4", "lattice")
COPY = "copy"
OWN = "wavegen"
PLAIN = "wavegen without kernels"
BESIDE = "wavegen beside the peers"
COPIES = {OWN: 2.0, PLAIN: 4.0}  # Haar forward: at most so many times a copy
FASTER = 3.0  # every basis: at least so many times faster than the fastest peer
EXPONENT = 1.05
LARGE = 1 << 25  # samples from which one round must do


@dataclass(frozen=True)
class Timing:
    """Median seconds of one library, and the peak of memory above what stood before, in bytes (None: unknown)."""

    size: Size
    basis: str
    operation: str
    library: str
    seconds: float
    rounds: int
    peak: int | None


@dataclass
class Bench:
    """Everything that the benchmark measured."""

    machine: str
    threads: int
    levels: int
    timings: list[Timing] = field(default_factory=list)
    exponents: dict[str, float] = field(default_factory=dict)
    roofline: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def bench_transforms(
    sizes: Sequence[Size] = SIZES,
    bases: Sequence[str] = BASES,
    *,
    levels: int = 2,
    rounds: int = 7,
    sides: Sequence[int] = SIDES,
    progress: Callable[[str], None] = lambda text: None,
) -> Bench:
    """Run all libraries in turn, in this process, and take medians over the rounds.

    Args:
        sizes: (B, C, H, W) of the float32 images.
        bases: registered transforms; one that is not registered is left out with a note.
        levels: of the transforms.
        rounds: of each size; images of 2^25 samples and more get one beside the peers. Beside a copy there are
            three times as many, since they are short.
        sides: of the square images for the scaling exponent; none: left out.
        progress: told what is being measured.

    Raises:
        InputError: a size is not four positive integers.
    """
    bench = Bench(_machine(), torch.get_num_threads(), levels)
    for size in sizes:
        if len(size) != 4 or min(size) < 1:
            raise InputError(f"size {tuple(size)} is not (B, C, H, W) with positive numbers")
    known = [basis for basis in bases if basis in names("transform")]
    bench.notes += [f"{basis}: not registered, left out" for basis in bases if basis not in known]
    if not fast.installed():
        bench.notes.append(f"numba: not installed, so that {OWN} has no kernels; pip install 'wavegen[fast]'")
    bench.roofline = roofline()
    for size in sizes:
        for basis in known:
            progress(f"{basis} at {'x'.join(map(str, size))}")
            _one(bench, size, basis, rounds)
    if len(sides) > 1:
        for basis in known:
            progress(f"scaling of {basis}")
            bench.exponents[basis] = _exponent(basis, levels, sides, rounds)
    return bench


def _one(bench: Bench, size: Size, basis: str, rounds: int) -> None:
    x = torch.randn(size, generator=torch.Generator().manual_seed(0))
    libraries: dict[str, Calls] = {OWN: own_calls(build_basis(basis, bench.levels), x)}
    for library, setting in PEERS.items():
        note = f"{library}: {setting}"
        try:
            # No peer has a learned basis: the fixed one of as many taps stands beside it.
            libraries[library] = peer_calls(library, "db4" if basis == "lattice" else basis, bench.levels, x)
        except ImportError as error:
            note = f"{library}: not installed ({error}); pip install 'wavegen[bench]'"
        if note not in bench.notes:
            bench.notes.append(note)
    wavegen_calls, large = libraries[OWN], x.numel() >= LARGE
    for operation in OPERATIONS:
        call = wavegen_calls[operation]

        def keep(calls: Calls, count: int, warm: bool, operation: str = operation) -> None:
            for library, seconds in interleaved(calls, count, warm=warm).items():
                peak = peak_memory(calls[library]) if library == OWN else None
                bench.timings.append(Timing(size, basis, operation, library, seconds, count, peak))

        # The peers leave nothing in the cache, and a copy would be measured with what they left.
        keep({OWN: call, COPY: x.clone}, 3 if large else 3 * rounds, True)
        keep({PLAIN: without_kernels()(call)}, 1 if large else rounds, not large)
        peers = {library: libraries[library][operation] for library in PEERS if operation in libraries.get(library, {})}
        if peers:
            keep({BESIDE: call, **peers}, 1 if large else rounds, not large)


def interleaved(calls: dict[str, Callable[[], Any]], rounds: int, *, warm: bool = True) -> dict[str, float]:
    """Median seconds of each call, all of them in turn in every round."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for round_ in range(rounds + warm):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if round_ >= warm:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def peak_memory(call: Callable[[], Any]) -> int | None:
    """Bytes of resident memory that a call needs at most beyond what stood before; None where Linux is not there.

    What the allocator holds free is given back first, where it can be asked to.
    """
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)  # glibc
    try:
        reset.write_text("5")
        before = _kilobytes(status, "VmRSS")
        call()
        return max(0, _kilobytes(status, "VmHWM") - before) * 1024
    except (OSError, ValueError):
        return None


def _kilobytes(status: Path, key: str) -> int:
    line = next(line for line in status.read_text().splitlines() if line.startswith(key + ":"))
    return int(line.split()[1])


def _exponent(basis: str, levels: int, sides: Iterable[int], rounds: int) -> float:
    """Slope of log seconds over log pixels of the forward transform."""
    transform, seconds, pixels = build_basis(basis, levels), [], []
    for side in sides:
        x = torch.randn(1, 1, side, side)
        call = own_calls(transform, x)["forward"]
        seconds.append(interleaved({OWN: call}, 3 if x.numel() >= LARGE else 3 * rounds)[OWN])
        pixels.append(side**2)
    return float(np.polyfit(np.log(pixels), np.log(seconds), 1)[0])


def roofline() -> dict[str, float]:
    """Bytes per second of a copy (read and write counted) in and beyond the cache, and matrix-product operations
    per second, both of float32 with the threads in use."""
    small, large = torch.randn(1 << 17), torch.randn(1 << 24)
    a, b = torch.randn(4096, 256), torch.randn(256, 256)
    into = torch.empty_like(small), torch.empty_like(large)
    calls: dict[str, Callable[[], Any]] = {
        "cache": lambda: into[0].copy_(small),
        "memory": lambda: into[1].copy_(large),
        "fresh": large.clone,
        "product": lambda: torch.mm(a, b),
    }
    seconds = interleaved(calls, 5)
    return {
        "copy in cache, GB/s": 8 * small.numel() / seconds["cache"] / 1e9,
        "copy in memory, GB/s": 8 * large.numel() / seconds["memory"] / 1e9,
        "copy into fresh memory, GB/s": 8 * large.numel() / seconds["fresh"] / 1e9,
        "matrix product, GFLOP/s": 2 * 4096 * 256 * 256 / seconds["product"] / 1e9,
    }


def _machine() -> str:
    model = platform.processor() or platform.machine()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    return f"{model}, torch {torch.__version__}, {time.strftime('%Y-%m-%d')}"
