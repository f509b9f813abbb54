"""Deals runs to workers through a Dask scheduler: processes of this machine, or of others."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wavegen.core.errors import InputError
from wavegen.core.optional import need
from wavegen.experiments.engine.execution import Task, execute
from wavegen.experiments.engine.progress import Progress
from wavegen.experiments.engine.store import Judge
from wavegen.version import __version__

Failed = Mapping[Task, BaseException]
LOCAL = "local"
SECONDS = 10  # that a scheduler has to answer
GONE = "the scheduler went away; what is done is kept, and the same command continues"
LOOK = 0.2  # seconds between two looks at the runs


@contextmanager
def secured(ca: Path | None, certificate: Path | None, key: Path | None) -> Iterator[None]:
    """Encrypt connections to a scheduler ``tls://...``, as Dask's own configuration does where nothing is given.

    Args:
        ca: who is trusted, a PEM file.
        certificate: this machine's, a PEM file.
        key: that of the certificate; None where both are in one file.

    Raises:
        InputError: a file that is missing, or only one of ``ca`` and ``certificate``.
    """
    if ca is None and certificate is None and key is None:
        yield
        return
    if ca is None or certificate is None:
        raise InputError(
            "encryption needs both --tls-ca-file and --tls-cert (and --tls-key where it is a file of its own)"
        )
    files = {"ca-file": ca, "client.cert": certificate, "client.key": key or certificate}
    for file in files.values():
        if not file.is_file():
            raise InputError(f"there is no file {file}; give a certificate or key in the form PEM")
    need("distributed", "cluster")  # with which dask comes
    import dask

    settings = {f"distributed.comm.tls.{name}": str(file.resolve()) for name, file in files.items()}
    with dask.config.set({**settings, "distributed.comm.require-encryption": True}):
        yield


@contextmanager
def connected(scheduler: str, workers: int) -> Iterator[Any]:
    """A Dask client: of ``workers`` new processes of one thread each (``local``), or of a running scheduler.

    Raises:
        InputError: an address that nothing answers at, or workers with another version of the library.
    """
    distributed = need("distributed", "cluster")
    for name in ["distributed", *logging.root.manager.loggerDict]:
        if name.split(".")[0] == "distributed":  # each has a level of its own; Progress tells what matters
            logging.getLogger(name).setLevel(logging.CRITICAL)
    if scheduler == LOCAL:
        # Spawned, not forked: a forked process inherits thread pools that no longer run.
        with (
            distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address="127.0.0.1:0",
                memory_limit=0,
                silence_logs=logging.CRITICAL,
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = distributed.Client(scheduler, timeout=SECONDS)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"no scheduler answers at {scheduler!r} ({str(error) or type(error).__name__}); "
            "give local, or the address that dask scheduler prints, such as tcp://host:8786"
        ) from None
    with client:
        _check_versions(client)
        yield client


def _check_versions(client: Any) -> None:
    """Refuse workers whose runs would not be those of this library."""
    for worker, version in client.run(_library).items():
        if version != __version__:
            raise InputError(f"worker {worker} has wavegen {version}, not {__version__}; install the same there")


def _library() -> str:
    return __version__


def run_alone(client: Any, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function on one of the workers, while the others wait, and return what it returns.

    Raises:
        InputError: as the function; its worker died each time.
    """
    future = client.submit(function, *arguments, pure=False)
    try:
        return future.result()
    except need("distributed", "cluster").KilledWorker:
        raise _error(future) from None


def run_tasks(
    client: Any, judge: Judge, out: Path, tasks: Sequence[Task], progress: Progress, done: Callable[[], object]
) -> Failed:
    """Do all tasks and return those that failed, with their errors. ``done`` is called after each that did not.

    A run whose worker dies is done again, from its last checkpoint; one that takes four workers with it has failed.

    Raises:
        InputError: the scheduler went away.
    """
    token = secrets.token_hex(4)  # a repeated task is a new one for the scheduler
    pending: dict[Any, Task] = {
        client.submit(execute, judge, out, task, key=f"{task}-{token}", priority=-index): task
        for index, task in enumerate(tasks)
    }
    failed: dict[Task, BaseException] = {}
    try:
        while pending:
            workers = _workers(client)
            for future in [f for f in pending if f.status != "pending"]:
                task = pending.pop(future)
                if future.status == "finished":
                    done()
                    progress.finished(task, future.result(), workers)
                elif future.status == "error":
                    failed[task] = _error(future)
                    progress.broke(task, failed[task], workers)
                else:
                    raise InputError(GONE)
            progress.tick(workers)
            time.sleep(LOOK)
    finally:
        progress.close()
        client.cancel(list(pending))
    return failed


def _workers(client: Any) -> int:
    """How many workers there are now."""
    try:
        return len(client.nthreads())
    except (OSError, TimeoutError):
        raise InputError(GONE) from None


def _error(future: Any) -> BaseException:
    error: BaseException = future.exception()
    if isinstance(error, need("distributed", "cluster").KilledWorker):
        return InputError("its worker died each time it was tried; is there enough memory?")
    return error
