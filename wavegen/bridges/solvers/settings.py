"""How a solver is chosen: by name or with options, ``eta`` as a shorthand, and the forms of version 0.1.0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wavegen.core.config import Spec, merge
from wavegen.core.errors import InputError
from wavegen.core.registry import entry, validate

GENERIC: Spec = {"name": "generic", "eta": 1.0}


def solver_spec(solver: str | Mapping[str, Any], eta: Any = None) -> Spec:
    """The whole specification of a solver: its name and all its options, with their defaults.

    ``eta`` is a shorthand for the option of that name; a solver without one accepts 1.

    Raises:
        InputError: an unknown name or option, a value out of range, an ``eta`` that the solver lacks, two of them.
    """
    given = _named(solver)
    if eta is not None and _takes_eta(given["name"]):
        if given.setdefault("eta", eta) != eta:
            raise InputError(f"eta = {eta} and eta = {given['eta']} of the solver {given['name']!r}: give one of them")
    elif eta is not None and eta != 1:
        raise InputError(f"eta = {eta}: the solver {given['name']!r} has no eta; leave it out, or use another solver")
    record, options = validate("solver", given)
    return {"name": record.name, **options}


def chosen_solver(configured: Mapping[str, Any], solver: str | Mapping[str, Any] | None, eta: Any = None) -> Spec:
    """The solver of one restoration: the configured one, where ``solver`` and ``eta`` say nothing else.

    A plain name keeps the configured ``eta``, where the solver takes one; ``{"name": ..., **options}`` stands alone.

    Raises:
        InputError: as :func:`solver_spec`.
    """
    if solver is None or solver == configured["name"]:
        return solver_spec({k: v for k, v in configured.items() if eta is None or k != "eta"}, eta)
    if isinstance(solver, str) and eta is None and _takes_eta(solver):
        return solver_spec(solver, configured.get("eta"))
    return solver_spec(solver, eta)


def without_eta(solver: Mapping[str, Any]) -> str | Spec:
    """A solver's specification without ``eta``; the name alone where it has no other options."""
    rest = {key: value for key, value in solver.items() if key != "eta"}
    return str(rest["name"]) if len(rest) == 1 else rest


def read_sampler(given: Mapping[str, Any], base: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The ``sampler`` part of a configuration in its present form: ``solver`` is ``{"name": ..., **options}``.

    Also read are ``solver: NAME`` and the shorthand ``eta``, which version 0.1.0 wrote, and its ``eta_bbdm``, the eta
    of the solver ``bbdm``. What is not given stays as in ``base`` (in the present form); there, too, a plain name keeps
    ``eta``. Settings without any of these are returned as they are.

    Raises:
        InputError: as :func:`solver_spec`; an ``eta_bbdm`` beside ``eta`` or another solver.
    """
    settings = {key: value for key, value in given.items() if key not in ("solver", "eta", "eta_bbdm")}
    solver, eta, eta_bbdm = (given.get(key) for key in ("solver", "eta", "eta_bbdm"))
    if solver is None and eta is None and eta_bbdm is None:
        return settings
    before: Mapping[str, Any] = (base or {}).get("solver", GENERIC)
    if eta_bbdm is not None:
        return settings | {"solver": _bbdm(before if solver is None else solver, eta, eta_bbdm)}
    if isinstance(solver, Mapping):
        spec = merge({"solver": before}, {"solver": solver})["solver"]
        if "eta" not in solver and eta is not None:
            spec.pop("eta", None)
        return settings | {"solver": solver_spec(spec, eta)}
    return settings | {"solver": chosen_solver(before, solver, eta)}


def lay_sampler(base: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """``given`` laid on ``base``, each in any form that :func:`read_sampler` reads."""
    below = read_sampler(base)
    return merge(below, read_sampler(given, below))


def _bbdm(solver: str | Mapping[str, Any], eta: Any, eta_bbdm: Any) -> Spec:
    """What version 0.1.0 meant by ``eta_bbdm``."""
    name = _named(solver)["name"]
    if eta not in (None, 1):
        raise InputError(f"eta = {eta} and eta_bbdm = {eta_bbdm}: give one of them")
    if name not in ("generic", "bbdm"):
        raise InputError(f"eta_bbdm = {eta_bbdm} is of the solver 'bbdm', not of {name!r}")
    return solver_spec("bbdm", eta_bbdm)


def _named(solver: str | Mapping[str, Any]) -> Spec:
    if isinstance(solver, str):
        return {"name": solver}
    if not isinstance(solver, Mapping) or not isinstance(solver.get("name"), str):
        raise InputError(f"solver = {solver!r}: give a name, or {{'name': ..., **options}}")
    return dict(solver)


def _takes_eta(name: str) -> bool:
    return "eta" in entry("solver", name).options().model_fields
