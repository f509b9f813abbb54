"""Discriminators, adversarial losses and the R1 penalty, against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from wavegen.core.types import Details
from wavegen.gans import (
    AUGMENTATIONS,
    MultiScaleDiscriminator,
    PatchDiscriminator,
    ProjectedDiscriminator,
    adaptive_weight,
    augment,
    critic_loss,
    diversity_loss,
    energy_score,
    fourier_amplitude,
    generator_loss,
    gradient_penalty,
    r1_penalty,
)


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


KINDS = ["hinge", "wasserstein", "nonsaturating", "least_squares", "relativistic"]
R, F_ = torch.tensor([1.5, -0.5]), torch.tensor([0.3, 2.0])


def softplus(*values: float) -> float:
    return sum(math.log1p(math.exp(v)) for v in values) / len(values)


@pytest.mark.parametrize(
    ("kind", "critic", "generator"),
    [
        ("hinge", (0 + 1.5) / 2 + (1.3 + 3) / 2, -1.15),
        ("wasserstein", 1.15 - 0.5, -1.15),
        ("nonsaturating", softplus(-1.5, 0.5) + softplus(0.3, 2.0), softplus(-0.3, -2.0)),
        ("least_squares", (0.25 + 2.25 + 0.09 + 4) / 4, (0.49 + 1) / 4),
        ("relativistic", softplus(0.3 - 1.5, 2.5), softplus(1.2, -2.5)),
    ],
)
def test_losses_are_their_formulas(kind: str, critic: float, generator: float) -> None:
    torch.testing.assert_close(critic_loss(kind, R, F_), torch.tensor(critic))  # type: ignore[arg-type]
    torch.testing.assert_close(generator_loss(kind, F_, R), torch.tensor(generator))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_losses_pull_the_right_way(kind: str) -> None:
    """Near equal logits the critic raises the true one and lowers the other; the generator raises its own."""
    real, fake = torch.full((4,), 0.1, requires_grad=True), torch.full((4,), 0.1, requires_grad=True)
    critic_loss(kind, real, fake).backward()  # type: ignore[arg-type,no-untyped-call]
    assert (real.grad < 0).all()
    assert (fake.grad > 0).all()
    fake = torch.zeros(4, requires_grad=True)
    generator_loss(kind, fake, torch.zeros(4)).backward()  # type: ignore[arg-type,no-untyped-call]
    assert (fake.grad < 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_losses_are_finite_far_out(kind: str) -> None:
    for value in (-1e4, 1e4):
        logits = torch.full((3, 1, 2, 2), value)
        assert torch.isfinite(critic_loss(kind, logits, -logits))  # type: ignore[arg-type]
        assert torch.isfinite(generator_loss(kind, logits, -logits))  # type: ignore[arg-type]


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


def test_gradient_penalty_of_a_linear_critic() -> None:
    """The mean of an item's patches is what is bounded: D = <w, x> in every patch has (|w| - 1)^2."""
    w = image(1, 2, 5, 4)
    points = image(3, 2, 5, 4, seed=1).requires_grad_()
    logits = (w * points).sum(dim=(1, 2, 3))[:, None].expand(-1, 7)
    torch.testing.assert_close(gradient_penalty(logits, points), (w.norm() - 1).square())
    flat = torch.zeros(3, 1, 2, 2) * points.sum()
    torch.testing.assert_close(gradient_penalty(flat, points), torch.tensor(1.0), rtol=1e-5, atol=1e-5)


def test_adaptive_weight_is_the_ratio_of_gradients() -> None:
    weight = image(3, 2, 1, 1).requires_grad_()
    reconstruction, adversarial = 6 * weight.sum(), (2 * weight).sum()
    torch.testing.assert_close(adaptive_weight(reconstruction, adversarial, weight), torch.tensor(3.0))
    nothing = image(1).requires_grad_().sum()
    torch.testing.assert_close(adaptive_weight(reconstruction, nothing, weight), torch.tensor(1e4))
    torch.testing.assert_close(adaptive_weight(nothing, adversarial, weight), torch.tensor(0.0))


# -- draws against the truth -----------------------------------------------------------------------


def bands(value: Tensor) -> Details:
    return Details(value, 2 * value, 3 * value)


def test_energy_score_closed_form() -> None:
    first, second, truth = (torch.tensor([v, 2 * v]) for v in (1.0, 4.0, 2.0))
    # (1 + 2 - 3) / 2 = 0, for the truth lies between; doubled likewise.
    torch.testing.assert_close(energy_score(first, second, truth), torch.tensor(0.0))
    torch.testing.assert_close(energy_score(first, first, truth), torch.tensor((1.0 + 2.0) / 2))


def test_energy_score_is_least_for_the_true_spread() -> None:
    """Of normal draws about 0 those with the truth's own deviation score best; silent ones pay."""
    truth, a, b = (image(200_000, seed=s) for s in range(3))
    scores = {s: float(energy_score(s * a, s * b, truth)) for s in (0.0, 0.5, 1.0, 2.0)}
    assert min(scores, key=scores.__getitem__) == 1.0


def test_diversity_asks_for_as_much_as_the_error() -> None:
    truth = bands(torch.zeros(100_000))
    first, second = (bands(image(100_000, seed=s)) for s in range(2))
    silent = diversity_loss(first, first, truth)
    torch.testing.assert_close(silent, torch.tensor(1.0))
    # E|f - f'| = sqrt(2) E|f| for independent normal draws about the truth: more than enough.
    torch.testing.assert_close(diversity_loss(first, second, truth), torch.tensor(0.0))
    near = bands(first.h + 0.1 * second.h)
    torch.testing.assert_close(diversity_loss(first, near, truth), torch.tensor(0.9), rtol=0.01, atol=0)


def test_fourier_amplitude_ignores_where_things_are() -> None:
    x = image(2, 1, 16, 12)
    torch.testing.assert_close(fourier_amplitude(x.roll(3, -1), x), torch.tensor(0.0), rtol=0, atol=1e-5)
    # Twice the image has twice the amplitudes: the difference is the mean amplitude.
    torch.testing.assert_close(fourier_amplitude(2 * x, x), torch.fft.rfft2(x, norm="ortho").abs().mean())


# -- other discriminators --------------------------------------------------------------------------


class Halves(nn.Module):
    """Stands for a frozen network: two maps."""

    def forward(self, x: Tensor) -> list[Tensor]:
        return [nn.functional.avg_pool2d(x, 4), nn.functional.avg_pool2d(x, 8)]


def several() -> list[nn.Module]:
    return [
        MultiScaleDiscriminator(2, width=4, layers=2, resolutions=3),
        ProjectedDiscriminator(Halves(), (3, 3), width=4),
        ProjectedDiscriminator(Halves(), (3, 3), width=4, spectral_norm=False),
    ]


@pytest.mark.parametrize("batch", [1, 3])
def test_other_discriminators(batch: int) -> None:
    for critic in several():
        fake = image(batch, 1, 37, 32).requires_grad_()
        y = image(batch, 1, 37, 32, seed=1)
        logits = critic(fake, y)
        assert logits.ndim == 4
        assert len(logits) == batch
        logits.square().sum().backward()
        assert all(p.grad is not None and p.grad.norm() > 0 for p in critic.parameters())
        assert fake.grad is not None
        assert fake.grad.norm() > 0
        critic.eval()
        with torch.no_grad():
            assert (critic(fake, y + 1) - critic(fake, y)).norm() > 1e-5
            torch.testing.assert_close(critic(fake[:1], y[:1]), critic(fake, y)[:1], rtol=1e-4, atol=1e-6)


def test_scales_weigh_alike() -> None:
    critic = MultiScaleDiscriminator(2, width=4, layers=2, resolutions=2).eval()
    x, y = image(1, 1, 32, 32), image(1, 1, 32, 32, seed=1)
    with torch.no_grad():
        one, two = critic.scales[0](x, y), critic.scales[1](*(nn.functional.avg_pool2d(k, 2) for k in (x, y)))
        torch.testing.assert_close(critic(x, y).mean(), (one.mean() + two.mean()) / 2)


def test_frozen_features_are_neither_trained_nor_stored() -> None:
    frozen = nn.Conv2d(3, 3, 1)

    class Maps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = frozen

        def forward(self, x: Tensor) -> list[Tensor]:
            return [self.layer(x)]

    critic = ProjectedDiscriminator(Maps(), (3,), width=4)
    assert not any(p is q for p in critic.parameters() for q in frozen.parameters())
    assert all("features" not in key and "layer" not in key for key in critic.state_dict())


# -- augmentation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
def test_augmentation_treats_all_alike_and_lets_the_gradient_through(name: str) -> None:
    x = image(6, 2, 16, 20).requires_grad_()
    a, b = augment([x, x.detach()], [name], torch.Generator().manual_seed(0))
    torch.testing.assert_close(a.detach(), b, rtol=0, atol=0)
    assert a.shape == x.shape
    assert (a - x).norm() > 1
    a.sum().backward()
    # Every pixel that is left was moved, not changed: its gradient is 1.
    assert set(x.grad.unique().tolist()) <= {0.0, 1.0}
    assert x.grad.mean() > 0.5
    again = augment([x.detach()], [name], torch.Generator().manual_seed(0))[0]
    torch.testing.assert_close(again, b, rtol=0, atol=0)
    one = augment([image(1, 1, 1, 1)], [name], torch.Generator().manual_seed(0))[0]
    assert one.shape == (1, 1, 1, 1)
