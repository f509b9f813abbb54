"""Discriminators, adversarial losses and the R1 penalty, against closed forms."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from wavegen.gans import PatchDiscriminator, critic_loss, generator_loss, r1_penalty


def image(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@settings(deadline=None, max_examples=20, derandomize=True)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 4))
def test_one_logit_for_each_neighbourhood(height: int, width: int, layers: int) -> None:
    critic = PatchDiscriminator(3, width=4, layers=layers)
    logits = critic(image(2, 2, height, width), image(2, 1, height, width, seed=1))
    # A convolution of size 4, stride 2 and padding 1 gives floor(n / 2) from n >= 2.
    cells = 2**layers
    assert logits.shape == (2, 1, max(height, cells) // cells, max(width, cells) // cells)
    assert torch.isfinite(logits).all()


def test_condition_and_candidate_are_both_seen() -> None:
    critic = PatchDiscriminator(2, width=4, layers=2).eval()
    fake, y = image(1, 1, 16, 16), image(1, 1, 16, 16, seed=1)
    with torch.no_grad():
        base = critic(fake, y)
        assert (critic(fake + image(1, 1, 16, 16, seed=2), y) - base).norm() > 1e-4
        assert (critic(fake, y + image(1, 1, 16, 16, seed=2)) - base).norm() > 1e-4


@pytest.mark.parametrize("spectral_norm", [False, True])
def test_every_parameter_learns(spectral_norm: bool) -> None:
    critic = PatchDiscriminator(2, width=4, layers=3, spectral_norm=spectral_norm)
    critic(image(2, 1, 16, 16), image(2, 1, 16, 16, seed=1)).square().sum().backward()
    for key, parameter in critic.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        assert parameter.grad.norm() > 0, key


def test_spectral_norm_bounds_every_kernel() -> None:
    """The largest singular value of each reshaped kernel is 1, however large the raw weights are."""
    critic = PatchDiscriminator(2, width=8, layers=3)
    for convolution in critic.convolutions:
        with torch.no_grad():
            convolution.get_parameter("parametrizations.weight.original").mul_(50)
    x, y = image(1, 1, 16, 16), image(1, 1, 16, 16, seed=1)
    with torch.no_grad():
        for _ in range(300):  # one power iteration in each forward pass
            critic(x, y)
    critic.eval()
    for convolution in critic.convolutions:
        assert isinstance(convolution, nn.Conv2d)
        largest = torch.linalg.matrix_norm(convolution.weight.detach().flatten(1), ord=2)
        torch.testing.assert_close(largest, torch.tensor(1.0), rtol=1e-2, atol=0)


def test_spectral_norm_can_be_left_out() -> None:
    critic = PatchDiscriminator(2, width=4, layers=1, spectral_norm=False)
    assert all(not hasattr(c, "parametrizations") for c in critic.convolutions)


def test_hinge_closed_form() -> None:
    real, fake = torch.tensor([2.0, 0.5, -1.0]), torch.tensor([-3.0, -0.5, 1.0])
    # max(0, 1 - r): 0, 0.5, 2; max(0, 1 + f): 0, 0.5, 2
    torch.testing.assert_close(critic_loss("hinge", real, fake), torch.tensor(5 / 3))
    torch.testing.assert_close(critic_loss("hinge", torch.tensor([1.0]), torch.tensor([-1.0])), torch.tensor(0.0))


def test_wasserstein_closed_form() -> None:
    real, fake = torch.tensor([[2.0, 4.0]]), torch.tensor([[1.0, -3.0, 5.0]])
    torch.testing.assert_close(critic_loss("wasserstein", real, fake), torch.tensor(1.0 - 3.0))


def test_generator_loss_is_minus_the_mean_logit() -> None:
    torch.testing.assert_close(generator_loss(torch.tensor([[1.0, -4.0]])), torch.tensor(1.5))


@pytest.mark.parametrize("kind", ["hinge", "wasserstein"])
def test_losses_pull_the_right_way(kind: str) -> None:
    real, fake = torch.zeros(4, requires_grad=True), torch.zeros(4, requires_grad=True)
    critic_loss(kind, real, fake).backward()  # type: ignore[arg-type,no-untyped-call]
    torch.testing.assert_close(real.grad, torch.full((4,), -0.25))
    torch.testing.assert_close(fake.grad, torch.full((4,), 0.25))


def test_r1_of_a_linear_critic() -> None:
    """D(x) = <w, x> has the gradient w everywhere: the penalty is |w|^2 / 2, and its gradient w."""
    w = image(1, 2, 5, 4).requires_grad_()
    real = image(3, 2, 5, 4, seed=1).requires_grad_()
    penalty = r1_penalty((w * real).sum(dim=(1, 2, 3)), real)
    torch.testing.assert_close(penalty, 0.5 * w.detach().square().sum())
    penalty.backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(w.grad, w.detach())


def test_r1_of_a_quadratic_critic() -> None:
    """D(x) = |x|^2 / 2 has the gradient x: the penalty is half the mean of |x|^2 over items."""
    real = image(4, 1, 3, 3).requires_grad_()
    penalty = r1_penalty(0.5 * real.square().sum(dim=(1, 2, 3)), real)
    torch.testing.assert_close(penalty, 0.5 * real.detach().square().sum() / 4)
