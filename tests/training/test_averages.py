"""Averages of the weights against their definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from wavegen.training.averages import Averages, exponent, share_of_first


def flat(tensors: list[torch.Tensor]) -> np.ndarray:
    return torch.cat([t.detach().flatten() for t in tensors]).numpy().copy()


def test_one_decay_has_the_formula_of_version_0_1() -> None:
    torch.manual_seed(0)
    module = nn.Linear(2, 1)
    averages, wanted = Averages(module, 0.9), flat(list(module.parameters()))
    for step in range(100):  # decay by the warm-up's formula at first, by 0.9 from step 80 on
        now = walked_once(module)
        averages.update(module, step)
        decay = min(0.9, (1 + step) / (10 + step))
        wanted = decay * wanted + (1 - decay) * now
        np.testing.assert_allclose(flat(averages.of(0.0)), wanted, rtol=1e-4, atol=1e-6)


def walked_once(module: nn.Module) -> np.ndarray:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter))
    return flat(list(module.parameters()))


@pytest.mark.parametrize("length", [0.02, 0.05, 0.1, 0.2])
def test_a_length_is_the_deviation_of_the_weights(length: float) -> None:
    """Each update's weight, measured by averaging a parameter that is 1 after that update alone, about 0 elsewhere."""
    n = 300
    module = nn.ParameterList([torch.zeros(n)])
    averages = Averages(module, [length])
    for step in range(n):
        with torch.no_grad():
            module[0].zero_()
            module[0][step] = 1
        averages.update(module, step)
    weights = averages.of(length)[0].double().numpy()
    np.testing.assert_allclose(weights.sum(), 1, rtol=1e-4)
    place = (np.arange(n) + 0.5) / n
    mean = (weights * place).sum()
    np.testing.assert_allclose(np.sqrt((weights * (place - mean) ** 2).sum()), length, rtol=0.05)


def test_a_length_between_two_is_their_combination() -> None:
    """It comes nearer to the average of that length than either does, and is exact at the ends."""
    torch.manual_seed(1)
    module, between = nn.Linear(40, 10), 0.07
    three = Averages(module, [0.04, 0.1])
    exact = Averages(module, [between])
    for step in range(400):
        walked_once(module)
        three.update(module, step)
        exact.update(module, step)
    wanted = flat(exact.of(between))
    error = {length: np.linalg.norm(flat(three.of(length)) - wanted) for length in (0.04, between, 0.1)}
    assert error[between] < 0.5 * min(error[0.04], error[0.1])
    for length, share in ((0.04, 1.0), (0.1, 0.0)):
        np.testing.assert_allclose(share_of_first(length, 0.04, 0.1), share, atol=1e-9)


def test_candidates_are_what_is_tracked_and_a_length_between() -> None:
    np.testing.assert_allclose(Averages(nn.Linear(2, 1), [0.05, 0.2]).candidates, [0.05, 0.2, 0.1])
    assert Averages(nn.Linear(2, 1), [0.05]).candidates == (0.05,)


def test_exponents() -> None:
    """That of the deviation of a uniform distribution is 0."""
    np.testing.assert_allclose(exponent(12**-0.5), 0, atol=1e-6)
    g = exponent(0.05)
    np.testing.assert_allclose((g + 1) / ((g + 2) ** 2 * (g + 3)), 0.05**2, rtol=1e-9)


def test_shown_and_back() -> None:
    module = nn.Linear(2, 1)
    averages = Averages(module, [0.05, 0.1])
    averages.values = [[torch.full_like(v, 7.0) for v in values] for values in averages.values]
    kept = flat(list(module.parameters()))
    with averages.shown(module):
        np.testing.assert_allclose(flat(list(module.parameters())), 7.0)
    np.testing.assert_array_equal(flat(list(module.parameters())), kept)
    averages.put(module)
    np.testing.assert_allclose(flat(list(module.parameters())), 7.0)


def test_an_optimizers_own_average_takes_their_place() -> None:
    module = nn.Linear(2, 1)
    averages = Averages(module, [0.05, 0.1])
    walked_once(module)
    own = [torch.full_like(p, 3.0) for p in module.parameters()]
    averages.update(module, 0, own)
    for length in (0.05, 0.07, 0.1):
        np.testing.assert_allclose(flat(averages.of(length)), 3.0, rtol=1e-6)
