"""What the checks of all kinds share: the error, one fault per message, and small helpers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from wavegen.core.errors import InputError


class ContractError(AssertionError):
    """A component does not keep the contract of its kind; the message names component, check and fault."""


@dataclass(frozen=True)
class Subject:
    """The component that is being checked."""

    kind: str
    name: str
    parameters: frozenset[str] = frozenset()  # of its factory
    capabilities: frozenset[str] | None = None  # as registered; None where only a factory was given

    def fail(self, check: str, fault: str) -> ContractError:
        """The error of one fault, to be raised."""
        return ContractError(f"{self.kind} {self.name!r}: {check}: {fault}")

    def require(self, holds: bool, check: str, fault: str) -> None:
        """Raise a :class:`ContractError` unless ``holds``."""
        if not holds:
            raise self.fail(check, fault)

    def close(self, check: str, got: Tensor, want: Tensor, fault: str, tolerance: float = 1e-6) -> None:
        """Require equal shapes and a relative error (Euclidean norms) of at most ``tolerance``."""
        if got.shape != want.shape:
            raise self.fail(check, f"{fault} (shape {tuple(got.shape)} in place of {tuple(want.shape)})")
        error = distance(got, want)
        self.require(error <= tolerance, check, f"{fault} (relative error {error:.2g}, at most {tolerance:g})")

    def same(self, check: str, got: Tensor, want: Tensor, fault: str) -> None:
        """Require the same bits."""
        self.require(got.shape == want.shape and torch.equal(got, want), check, fault)

    def refuses(self, check: str, call: Callable[[], Any], what: str) -> None:
        """Require that a call raises InputError."""
        try:
            call()
        except InputError:
            return
        except Exception as error:
            raise self.fail(check, f"{what} raises {type(error).__name__} ({error}); raise InputError") from error
        raise self.fail(check, f"{what} is accepted; raise InputError")

    def declared(self, capability: str, holds: bool) -> None:
        """Require that the component has a capability if it was registered with it."""
        if self.capabilities is not None and capability in self.capabilities:
            self.require(
                holds, "capabilities", f"registered as {capability!r}, but its attribute {capability} is False"
            )


def distance(got: Tensor, want: Tensor) -> float:
    """Relative error in Euclidean norms, infinite where a value is not finite."""
    got, want = got.detach().double(), want.detach().double()
    if not bool(torch.isfinite(got).all()):
        return float("inf")
    return float((got - want).norm() / want.norm().clamp_min(1e-12))


def image(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Standard normal values."""
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def perturb(module: nn.Module, scale: float = 0.2) -> None:
    """Move all parameters off their start: layers that begin at zero would hide what they do."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            spread = scale if parameter.ndim < 2 else parameter[0].numel() ** -0.5
            parameter.add_(spread * torch.randn(parameter.shape, generator=generator).to(parameter))


def check_gradients(subject: Subject, module: nn.Module, output: Tensor) -> None:
    """Require a finite, non-zero gradient of every parameter."""
    module.zero_grad()
    output.square().sum().backward()  # type: ignore[no-untyped-call]
    for key, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        grad = parameter.grad
        subject.require(grad is not None and float(grad.norm()) > 0, "gradient", f"parameter {key!r} gets none: unused")
        finite = grad is not None and bool(torch.isfinite(grad).all())
        subject.require(finite, "gradient", f"that of parameter {key!r} is not finite")
