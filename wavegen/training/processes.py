"""The processes of one training: what they share, and how they end together."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.rendezvous import rendezvous

from wavegen.core.errors import InputError
from wavegen.core.launch import launched

PATIENCE = timedelta(seconds=2)  # for the first process to say what is wrong
_stores: list[Any] = []


def join() -> Processes:
    """Meet the other processes of the launcher, once; without a launcher a process is alone.

    Raises:
        InputError: more processes on this machine than GPUs, or the others do not come.
    """
    if launched() == 1 or dist.is_initialized():
        return Processes()
    cuda, local = torch.cuda.is_available(), int(os.environ.get("LOCAL_RANK", "0"))
    if cuda and local >= torch.cuda.device_count():
        raise InputError(
            f"process {os.environ['RANK']} has no GPU of its own, this machine has {torch.cuda.device_count()}; "
            "start one process for each GPU"
        )
    if cuda:
        torch.cuda.set_device(local)
    try:
        store, rank, count = next(rendezvous("env://"))
        dist.init_process_group("nccl" if cuda else "gloo", store=store, rank=rank, world_size=count)
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"the processes of this training do not meet: {reason}; start all of them") from None
    _stores.append(store)
    atexit.register(_leave)
    return Processes()


def _leave() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


@contextmanager
def speaking_once(processes: Processes) -> Iterator[None]:
    """What every process refuses is said by the first alone; what only another refuses, with its number.

    Raises:
        InputError: as inside.
        SystemExit: 2, where the first process says the same.
    """
    try:
        yield
    except InputError as error:
        if processes.count == 1 or not _stores:
            raise
        if processes.first:
            _stores[0].set("refused", str(error))
            raise
        if _refused_by_first() == str(error):
            raise SystemExit(2) from None
        raise InputError(f"process {processes.rank} of {processes.count}: {error}") from None


def _refused_by_first() -> str | None:
    try:
        _stores[0].wait(["refused"], PATIENCE)
        return str(_stores[0].get("refused").decode())
    except RuntimeError:  # it did not, or has ended
        return None


class Processes:
    """This process among the others: ``rank`` of ``count``. Alone, nothing here costs or changes anything.

    Every process has to make the same calls in the same order. All raise InputError if another process has ended.
    """

    def __init__(self) -> None:
        self.rank, self.count = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)

    @property
    def first(self) -> bool:
        """Whether this is the one that writes and prints."""
        return self.rank == 0

    @property
    def device(self) -> torch.device:
        """Where this process computes."""
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() and self.count == 1 else "cpu")

    def _call(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        try:
            function(*arguments, **options)
        except RuntimeError:
            raise InputError(
                "the connection to the other processes is lost: one has ended, see its message; "
                "start all of them again, with --resume if there is a state"
            ) from None

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over processes."""
        if self.count == 1:
            return tensor
        total = tensor.to(self.device, copy=True)
        self._call(dist.all_reduce, total)
        return total.to(tensor.device)

    def tell(self, value: Any) -> Any:
        """What the first process has; ``value`` of the others is not looked at."""
        if self.count == 1:
            return value
        told = [value]
        self._call(dist.broadcast_object_list, told, src=0, device=self.device)
        return told[0]

    def wait(self) -> None:
        """Until all have come here."""
        self.sum(torch.zeros(()))

    def average(self, tensor: Tensor) -> Tensor:
        """The mean over processes."""
        return self.sum(tensor) / self.count if self.count > 1 else tensor

    def average_figures(self, figures: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The mean of each; all processes have the same names in the same order."""
        if self.count == 1:
            return dict(figures)
        values = self.average(torch.stack([value.detach().double().cpu() for value in figures.values()]))
        return dict(zip(figures, values, strict=True))

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """The mean of every gradient; one that a process lacks is 0 there, one that all lack stays missing."""
        if self.count == 1:
            return
        trained = [p for p in parameters if p.requires_grad]
        there = self.sum(torch.tensor([p.grad is not None for p in trained], dtype=torch.int32))
        gradients = []
        for parameter, count in zip(trained, there.tolist(), strict=True):
            if count and parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            if count and parameter.grad is not None:
                gradients.append(parameter.grad)
        if not gradients:
            return
        flat = self.average(torch.cat([gradient.reshape(-1) for gradient in gradients]))
        for gradient, mean in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def equalise(self, values: Iterable[Tensor], has_them: bool = True) -> None:
        """Give all processes, in place, the tensors of the first process that ``has_them``."""
        if self.count == 1:
            return
        ranks = torch.zeros(self.count)
        ranks[self.rank] = has_them
        source = int(self.sum(ranks).argmax())
        for value in values:
            copy = value.detach().to(self.device, copy=True).contiguous()
            self._call(dist.broadcast, copy, src=source)
            with torch.no_grad():
                value.copy_(copy)
