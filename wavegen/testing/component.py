"""One door to the checks of all kinds."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from wavegen.core.errors import InputError, near_matches
from wavegen.core.registry import build, entry
from wavegen.testing import (
    bridge,
    critic,
    dataset,
    degradation,
    grid,
    head,
    loss,
    metric,
    network,
    optimizer,
    pipeline,
    solver,
    transform,
)
from wavegen.testing.base import Subject

Factory = Callable[..., Any] | str
Make = Callable[..., Any]


def check_component(kind: str, factory: Factory, **options: Any) -> None:
    """Check that a component keeps the contract of its kind; nothing is returned where it does.

    It needs neither pytest nor any data; call it in a test of your own for every component that you register.

    Args:
        kind: transform, bridge, head, network, degradation, dataset, metric, pipeline, solver, grid, loss, critic or
            optimizer.
        factory: a registered name, or the class or function as it would be registered.
        options: what a configuration would say beside the name. Arguments that the pipeline fills in (channels, time,
            steps, ...) are given by the check itself.

    Raises:
        ContractError: (an ``AssertionError``) a fault, with the component and the check.
        InputError: an unknown kind or name, or an option that the component does not take.
    """
    if kind not in CHECKS and kind != "pipeline":
        raise InputError(f"unknown kind {kind!r}; {near_matches(kind, [*CHECKS, 'pipeline'])}")
    if isinstance(factory, str):
        record = entry(kind, factory)
        subject = Subject(kind, factory, _parameters(record.factory), record.capabilities)

        def make(**supplied: Any) -> Any:
            return build(kind, {"name": factory, **options}, **supplied)
    else:
        name = getattr(factory, "__name__", type(factory).__name__)
        subject = Subject(kind, name, _parameters(factory))

        def make(**supplied: Any) -> Any:
            return factory(**options, **supplied)

    if kind == "pipeline":  # options are laid on a preset, not given to its function
        preset = entry(kind, factory).factory if isinstance(factory, str) else factory
        pipeline.check(subject, preset(), options)
        return
    CHECKS[kind](subject, make)


def _parameters(factory: Make) -> frozenset[str]:
    return frozenset(inspect.signature(factory).parameters)


CHECKS: dict[str, Callable[[Subject, Make], None]] = {
    "transform": lambda subject, make: transform.check(subject, make()),
    "bridge": lambda subject, make: bridge.check(subject, make()),
    "head": lambda subject, make: head.check(subject, make(**head.SUPPLIED)),
    "network": lambda subject, make: network.check(
        subject, make(**network.SUPPLIED), make(**network.SUPPLIED | {"time": False})
    ),
    "degradation": lambda subject, make: degradation.check(subject, make()),
    "dataset": lambda subject, make: dataset.check(subject, make(), make),
    "metric": lambda subject, make: metric.check(subject, make()),
    "solver": lambda subject, make: solver.check(subject, make()),
    "grid": lambda subject, make: grid.check(subject, make),
    "loss": lambda subject, make: loss.check(subject, make()),
    "optimizer": lambda subject, make: optimizer.check(subject, make),
    "critic": lambda subject, make: critic.check(subject, make(**critic.SUPPLIED)),
}
