"""What a parameter is to an optimiser: a matrix between hidden layers, something else, or part of a basis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from wavegen.core.errors import InputError
from wavegen.networks.base import Network

LEAST_SIDE = 8  # of a matrix: with fewer rows or columns there is little to orthogonalise


@dataclass(frozen=True)
class Roles:
    """The parameters of a module in its own order, each in one of three roles.

    Attributes:
        parameters: all of them.
        matrices: positions of the weights of hidden convolutions, (out, in, ...): as matrices (out, in · area) they map
            hidden features to hidden features.
        undecayed: positions of those that weight decay leaves alone: a learned basis, of which zero is no better.
    """

    parameters: Sequence[nn.Parameter]
    matrices: frozenset[int] = frozenset()
    undecayed: frozenset[int] = frozenset()

    def groups(self, rate: float, decay: float, other_rate: float | None = None) -> list[dict[str, Any]]:
        """Parameter groups with ``lr``, ``initial_lr`` (the peak of a schedule), ``weight_decay`` and ``matrix``.

        Args:
            rate: peak learning rate of all, or of the matrices.
            decay: weight decay; that of a learned basis is 0.
            other_rate: peak learning rate of all but the matrices, which then have a group of their own, the first.

        Raises:
            InputError: there is no parameter.
        """
        if not self.parameters:
            raise InputError("an optimizer needs parameters, and the module has none: there is nothing to train")
        matrices = frozenset() if other_rate is None else self.matrices
        rest = rate if other_rate is None else other_rate
        groups: list[dict[str, Any]] = [
            {"params": [], "matrix": matrix, "weight_decay": decayed, "lr": peak, "initial_lr": peak}
            for matrix, decayed, peak in ((True, decay, rate), (False, decay, rest), (False, 0.0, rest))
        ]
        for position, parameter in enumerate(self.parameters):
            place = 0 if position in matrices else 2 if position in self.undecayed else 1
            groups[place]["params"].append(parameter)
        return [group for group in groups if group["params"]]


def roles_of(module: nn.Module, basis: nn.Module | None = None) -> Roles:
    """The roles of a module's parameters; ``basis`` is the part of it that is a learned basis.

    Matrices are the weights of convolutions that are not depthwise or grouped, have at least ``LEAST_SIDE`` rows and
    columns, and are not declared by their network to be its first or last layer (:attr:`Network.edges`).
    """
    outer = {id(p) for part in module.modules() if isinstance(part, Network) for p in part.edges}
    hidden = {
        id(_weight(part))
        for part in module.modules()
        if isinstance(part, nn.Conv1d | nn.Conv2d | nn.Conv3d) and part.groups == 1
    } - outer
    learned = {id(p) for p in basis.parameters()} if basis is not None else set()
    parameters = list(module.parameters())
    return Roles(
        parameters,
        frozenset(
            i
            for i, p in enumerate(parameters)
            if id(p) in hidden - learned and min(p.shape[0], math.prod(p.shape[1:])) >= LEAST_SIDE
        ),
        frozenset(i for i, p in enumerate(parameters) if id(p) in learned),
    )


def _weight(part: nn.Module) -> object:
    """The parameter behind a module's weight, which a spectral norm may have replaced."""
    return part.parametrizations.weight.original if is_parametrized(part, "weight") else part.weight  # type: ignore[union-attr]


def as_matrix(tensor: Tensor) -> Tensor:
    """(out, in, ...) as (out, in · area), whatever the memory's order is."""
    return tensor.reshape(tensor.shape[0], -1)
