"""Commands in processes that can be killed: forked from this one, whose imports are done, or started anew."""

from __future__ import annotations

import atexit
import importlib
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from benchmarks.faults.cases import EVERY

THREADS = "in threads"  # an argument
MODULES = "modules"  # a file
LIMIT = 180.0  # seconds: longer is a hang
IMPORTED = ("tifffile", "zarr", "PIL.Image", "distributed", "skimage.data", "kornia", "torch._dynamo", "accelerate")
ROOT = Path(__file__).resolve().parents[2]


class End(NamedTuple):
    """How a process ended: its exit code (negative: a signal), its standard error, wall time in seconds."""

    code: int
    said: str
    seconds: float


def run(
    arguments: Sequence[str],
    scratch: Path,
    *,
    number: signal.Signals | None = None,
    after: float = 0.0,
    anew: bool = False,
) -> End:
    """Run a command to its end, or send it a signal ``after`` some seconds.

    Args:
        arguments: of ``wavegen``.
        scratch: a folder for temporary files and what the process says.
        number: the signal.
        after: when it is sent.
        anew: start an interpreter, instead of forking this one.
    """
    (scratch / "tmp").mkdir(parents=True, exist_ok=True)
    (scratch / "said").write_text("")  # a process may be killed before it can
    began = time.perf_counter()
    process = _start(arguments, scratch) if anew else _fork(arguments, scratch)
    if number is not None:
        time.sleep(max(0.0, after - (time.perf_counter() - began)))
        if _code(process) is None:
            os.kill(process, number)
    code = _code(process)
    while code is None:
        if time.perf_counter() - began > LIMIT:
            os.kill(process, signal.SIGKILL)
            _ENDED.pop(process, None)
            os.waitpid(process, 0)
            return End(-99, "it hangs", LIMIT)
        time.sleep(0.005)
        code = _code(process)
    return End(code, (scratch / "said").read_text(errors="replace"), time.perf_counter() - began)


_ENDED: dict[int, int] = {}


def _code(process: int) -> int | None:
    """The exit code of a child, or None while it runs."""
    if process not in _ENDED:
        found, status = os.waitpid(process, os.WNOHANG)
        if not found:
            return None
        _ENDED[process] = os.waitstatus_to_exitcode(status)
    return _ENDED[process]


def _start(arguments: Sequence[str], scratch: Path) -> int:
    environment = {**os.environ, "TMPDIR": str(scratch / "tmp"), "PYTHONPATH": str(ROOT)}
    with (scratch / "said").open("wb") as said:
        command = [sys.executable, "-m", "wavegen", *(one for one in arguments if one != THREADS)]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, env=environment, preexec_fn=_heed).pid


def _heed() -> None:
    """A job in the background ignores Ctrl-C, and so would those that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _fork(arguments: Sequence[str], scratch: Path) -> int:
    _alone()
    process = os.fork()
    return process or _child(arguments, scratch)


@contextmanager
def _in_this_process(scheduler: str, workers: int) -> Iterator[Any]:
    """In place of worker processes, whose start takes longer than all else: a scheduler and a worker as threads."""
    from distributed import Client, LocalCluster

    quiet: dict[str, Any] = {"dashboard_address": "127.0.0.1:0", "silence_logs": logging.CRITICAL}
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=False, **quiet) as cluster,
        Client(cluster) as client,
    ):
        yield client


def apart(function: Callable[[], object]) -> None:
    """Call a function in a forked process: zarr and others start threads, of which a fork would have none.

    Raises:
        RuntimeError: it failed.
    """
    _alone()
    process = os.fork()
    if not process:
        code = 1
        try:
            function()
            code = 0
        finally:
            os._exit(code)
    if os.waitpid(process, 0)[1]:
        raise RuntimeError(f"{function} failed")


def _alone() -> None:
    if threading.active_count() > 1:
        raise RuntimeError(f"a process with threads must not be forked: {threading.enumerate()}")


def _child(arguments: Sequence[str], scratch: Path) -> NoReturn:
    """In the forked process: say what a new one would say, and end as it would."""
    code = 1
    try:
        said = os.open(scratch / "said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(said, 2)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # as wavegen/__main__.py begins
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.environ["TMPDIR"], tempfile.tempdir = str(scratch / "tmp"), None
        sys.argv = ["wavegen", *arguments]
        atexit._clear()
        from wavegen.cli import main
        from wavegen.experiments.engine import runs

        if THREADS in arguments:
            arguments = [argument for argument in arguments if argument != THREADS]
            runs.connected = _in_this_process
        try:
            main(arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:
        code = 130
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        (scratch / MODULES).write_text("\n".join(sys.modules))
        atexit._run_exitfuncs()
        sys.stderr.flush()
        os._exit(code)


def import_as_it_did(scratch: Path) -> None:
    """Import what the last forked process has imported, so that the next ones find it done."""
    for name in (scratch / MODULES).read_text().split():
        with suppress(Exception):
            importlib.import_module(name)


def warm_up() -> None:
    """Import what the commands import, and let trainings write often: forked processes inherit both."""
    import matplotlib.figure  # noqa: F401
    import torch

    import wavegen.components  # noqa: F401
    from wavegen.inference import demo
    from wavegen.training.config import Training
    from wavegen.transforms import without_kernels

    torch.set_num_threads(1)
    os.environ["WAVEGEN_WEIGHTS"] = "/nowhere"  # learned metrics take longer than all else
    without_kernels().__enter__()  # so do compiled kernels
    for name in IMPORTED:
        importlib.import_module(name)
    for name in ("experiments", "inference.restore", "reports.gallery", "training.fit", "data", "metrics", "cli"):
        importlib.import_module(f"wavegen.{name}")
    for name, value in EVERY.items():
        Training.model_fields[name].default = value
    Training.model_rebuild(force=True)
    demo.SIZE, demo.IMAGES, demo.SAMPLES = 64, 1, 2
