"""The contract of optimisers: they lower a loss, follow the rate they are given, and continue from their state."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import nn

from wavegen.core.errors import InputError
from wavegen.optimizers import Roles, roles_of
from wavegen.testing.base import Subject

Make = Callable[..., torch.optim.Optimizer]
STEPS, FALL = 200, 0.7


def check(subject: Subject, make: Make) -> None:
    """Every check of the contract: ``make(roles=...)``."""
    _groups(subject, make)
    _learns(subject, make)
    _rate(subject, make)
    _resumes(subject, make)
    _left_alone(subject, make)
    try:
        make(roles=Roles([]))
    except InputError:
        return
    except Exception as error:
        raise subject.fail("nothing", f"no parameters raise {type(error).__name__}; raise InputError") from error
    raise subject.fail("nothing", "no parameters are accepted; raise InputError, as Roles.groups does")


def _net() -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(8, 12, 3, padding=1), nn.SiLU(), nn.Conv2d(12, 8, 1))


def _learn(net: nn.Module, optimizer: torch.optim.Optimizer, steps: range) -> list[float]:
    losses = []
    for step in steps:
        x = torch.randn(4, 8, 6, 6, generator=torch.Generator().manual_seed(step))
        loss = (net(x) - x.roll(1, 1)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def _groups(subject: Subject, make: Make) -> None:
    net = _net()
    optimizer = make(roles=roles_of(net))
    for group in optimizer.param_groups:
        peak = group.get("initial_lr")
        subject.require(
            isinstance(peak, float) and peak > 0, "groups", "a group has no initial_lr above 0, its peak rate"
        )
    held = [id(p) for group in optimizer.param_groups for p in group["params"]]
    subject.require(
        sorted(held) == sorted(id(p) for p in net.parameters()), "groups", "they do not hold every parameter once"
    )


def _learns(subject: Subject, make: Make) -> None:
    net = _net()
    losses = _learn(net, make(roles=roles_of(net)), range(STEPS))
    first, last = sum(losses[:5]), sum(losses[-5:])
    subject.require(last < FALL * first, "learns", f"after {STEPS} steps a loss is {last / first:.2g} of what it was")


def _rate(subject: Subject, make: Make) -> None:
    """At a rate of 0, which a schedule may set, nothing moves."""
    net = _net()
    optimizer = make(roles=roles_of(net))
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    _learn(net, optimizer, range(2))
    for got, want in zip(net.parameters(), _net().parameters(), strict=True):
        subject.close("rate", got.detach(), want.detach(), "at lr = 0 in its groups parameters move")


def _resumes(subject: Subject, make: Make) -> None:
    straight, net = _net(), _net()
    _learn(straight, make(roles=roles_of(straight)), range(8))
    first = make(roles=roles_of(net))
    _learn(net, first, range(4))
    again = make(roles=roles_of(net))
    kept = copy.deepcopy(first.state_dict()["state"])
    tensors = all(isinstance(value, torch.Tensor) for state in kept.values() for value in state.values())
    subject.require(tensors, "state", "its state holds other things than tensors, which a checkpoint cannot")
    again.load_state_dict({"state": kept, "param_groups": again.state_dict()["param_groups"]})
    _learn(net, again, range(4, 8))
    for got, want in zip(net.parameters(), straight.parameters(), strict=True):
        subject.same("state", got.detach(), want.detach(), "from its state_dict it does not go on bit for bit")


def _left_alone(subject: Subject, make: Make) -> None:
    """Parameters of a stage that does not train them have no gradient."""
    net = _net()
    optimizer = make(roles=roles_of(net))
    net[2](torch.ones(1, 12, 4, 4)).sum().backward()
    optimizer.step()
    first, was = next(net.parameters()), next(_net().parameters())
    subject.require(torch.equal(first, was), "gradients", "a parameter without a gradient moves")
    own = subject.capabilities is not None and "own-schedule" in subject.capabilities
    subject.require(
        not own or callable(getattr(optimizer, "averaged", None)),
        "own-schedule", "declared, but it has no averaged(): the parameters that are the result, in Roles' order",
    )  # fmt: skip
