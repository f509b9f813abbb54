"""Optimisers against their formulas; that all keep the contract of their kind is tested with all components."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from wavegen.core.registry import build, names
from wavegen.networks import UNet
from wavegen.optimizers import ScheduleFree, roles_of
from wavegen.optimizers.muon import A, B, C, orthogonalised
from wavegen.optimizers.roles import as_matrix

ALL = names("optimizer")


def net(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(8, 12, 3, padding=1), nn.SiLU(), nn.Conv2d(12, 8, 1))


def optimizer(name: str, module: nn.Module, **options: Any) -> torch.optim.Optimizer:
    return build("optimizer", {"name": name, **options}, roles=roles_of(module))


def learn(module: nn.Module, opt: torch.optim.Optimizer, steps: int, first: int = 0) -> list[float]:
    losses = []
    for step in range(first, first + steps):
        x = torch.randn(4, 8, 6, 6, generator=torch.Generator().manual_seed(step))
        loss = (module(x) - x.roll(1, 1)).square().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(float(loss.detach()))
    return losses


@pytest.mark.parametrize("name", ALL)
def test_decay_is_decoupled_and_spares_a_basis(name: str) -> None:
    """Without a gradient, weights shrink by rate x decay in a step; those of a basis stay."""
    module = net()
    opt = build("optimizer", {"name": name, "decay": 0.5}, roles=roles_of(module, module[2]))
    before = [p.detach().clone() for p in module.parameters()]
    for p in module.parameters():
        p.grad = torch.zeros_like(p)
    rates = {id(p): group["lr"] for group in opt.param_groups for p in group["params"]}
    opt.step()
    for place, (was, now) in enumerate(zip(before, module.parameters(), strict=True)):
        kept = 1.0 if place >= 2 else 1 - 0.5 * rates[id(now)]
        if name == "schedule-free":  # y after the first step is (1 - beta1) z + beta1 x with x = z
            assert place < 2 or bool((now == was).all())
        torch.testing.assert_close(now.detach(), kept * was, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("shape", [(8, 8), (12, 108), (96, 20), (1, 30)])
def test_orthogonalised_is_the_polynomial_of_the_singular_values(shape: tuple[int, int]) -> None:
    """Singular vectors stay; five times a s + b s^3 + c s^5 of those of the matrix over its Frobenius norm."""
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1)).double()
    u, s, v = torch.linalg.svd(matrix, full_matrices=False)
    s = s / matrix.norm()
    for _ in range(5):
        s = A * s + B * s**3 + C * s**5
    wanted = (u * s) @ v
    torch.testing.assert_close(orthogonalised(matrix.float()).double(), wanted, rtol=1e-3, atol=1e-3)
    assert bool((s > 0.6).all() and (s < 1.3).all())


def test_orthogonalised_does_not_depend_on_scale_and_keeps_zero() -> None:
    matrix = torch.randn(12, 40)
    torch.testing.assert_close(orthogonalised(1e-6 * matrix), orthogonalised(matrix), rtol=1e-4, atol=1e-4)
    assert not orthogonalised(torch.zeros(3, 5)).any()


def test_soap_of_a_diagonal_covariance_is_adam() -> None:
    """Where the gradients' covariance is diagonal the eigenbasis is a permutation, and Adam does not mind it."""
    torch.manual_seed(0)
    weights = [nn.Conv2d(8, 8, 1, bias=False) for _ in range(2)]
    weights[1].load_state_dict(weights[0].state_dict())
    options = {"rate": 1e-2, "decay": 0.0, "beta1": 0.9, "beta2": 0.98}
    soap = build("optimizer", {"name": "soap", "every": 1, **options}, roles=roles_of(weights[0]))
    adam = build("optimizer", {"name": "adamw", **options}, roles=roles_of(weights[1]))
    scale = torch.diag(torch.arange(1.0, 9.0))
    for step in range(5):
        signs = torch.sign(torch.randn(8, generator=torch.Generator().manual_seed(step)))
        for module, opt in zip(weights, (soap, adam), strict=True):
            module.weight.grad = (scale * signs).view(8, 8, 1, 1).clone()
            opt.step()
    torch.testing.assert_close(weights[0].weight, weights[1].weight, rtol=1e-4, atol=1e-5)


def test_schedule_free_averages_its_iterates() -> None:
    """With a constant rate x is the plain mean of the z after every step."""
    module = net()
    opt = optimizer("schedule-free", module)
    assert isinstance(opt, ScheduleFree)
    path = []
    for step in range(6):
        learn(module, opt, 1, first=step)
        path.append([opt.state[p]["z"].clone() for p in module.parameters()])
    for x, zs in zip(opt.averaged(), zip(*path, strict=True), strict=True):
        torch.testing.assert_close(x, torch.stack(zs).mean(dim=0), rtol=1e-4, atol=1e-5)


def test_roles() -> None:
    """Matrices are the hidden convolutions alone: not first or last layers, depthwise ones, norms, biases or time."""
    unet = UNet(2, 1, width=8, multipliers=[1, 2])
    roles = roles_of(unet)
    named = dict(unet.named_parameters())
    found = {name for i, name in enumerate(named) if i in roles.matrices}
    assert found
    assert not {"enter.weight", "leave.weight"} & found
    assert all(named[name].ndim == 4 and min(as_matrix(named[name]).shape) >= 8 for name in found)
    assert {"down.0.0.conv1.weight", "shrink.0.weight", "up.0.0.skip.weight"} <= found
    assert not roles_of(nn.Conv2d(16, 16, 3, groups=16)).matrices
    assert not roles_of(unet, unet).matrices
