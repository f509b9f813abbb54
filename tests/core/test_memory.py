"""Guards ``keep_freed_memory``: a process that keeps what it frees takes no new pages for a tensor of the same size."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from benchmarks.memory import SYSTEMS, bench_memory
from wavegen import keep_freed_memory

LARGE = 64 << 20  # bytes; above glibc's largest threshold of 32 MB
COUNT = f"""
import resource
import torch
from wavegen import keep_freed_memory
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
touch = lambda: torch.full(({LARGE},), 1, dtype=torch.uint8)
for option in ("", "keep"):
    kept = keep_freed_memory() if option else False
    for _ in range(10):  # an aligned block does not fit where its like has been: two or three have to lie side by side
        touch()
    before = faults()
    for _ in range(5):
        touch()
    print(kept, faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's allocator can be told to keep memory")
def test_large_tensors_take_no_new_pages() -> None:
    pages = 5 * LARGE / 4096
    done = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True)
    (given, plain), (kept, few) = (line.split() for line in done.stdout.splitlines())
    assert (given, kept) == ("False", "True")
    counted = {"": int(plain), "keep": int(few)}
    assert counted["keep"] < 0.01 * pages
    assert counted[""] > 10 * counted["keep"]


def test_elsewhere_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert keep_freed_memory() is False


def test_the_bench_times_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[bench_memory.__module__], "SYSTEMS", SYSTEMS[:1])  # each takes two processes
    rows = bench_memory(turns=1, shapes=((1, 32),))
    assert [row["system"] for row in rows] == list(SYSTEMS[:1])
    assert all(row[key] > 0 for row in rows for key in ("ms_given_back", "ms_kept", "mb_given_back", "mb_kept"))
