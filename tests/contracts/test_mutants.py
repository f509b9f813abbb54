"""Guards the guards: components with one fault each are refused, with a message that names the fault."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from wavegen.bridges import BBDP, InDI, Step
from wavegen.bridges.base import Coefficients
from wavegen.core.errors import InputError
from wavegen.core.types import Details, Pair, Subbands
from wavegen.data import Crops, InMemory
from wavegen.degradations import GaussianBlur, GaussianNoise
from wavegen.gans import Head, LevelInput
from wavegen.inference.evaluate import evaluate
from wavegen.networks import Network, UNet
from wavegen.optimizers import Roles
from wavegen.pipeline.presets import preset
from wavegen.testing import ContractError, check_component
from wavegen.transforms import FilterBank, Haar, Undecimated

# -- transforms ----------------------------------------------------------------------------------


class Swapped(Haar):
    def forward(self, x: Tensor) -> Subbands:
        ll, details, size = super().forward(x)
        return Subbands(ll, tuple(Details(d.v, d.h, d.d) for d in details), size)

    def inverse(self, bands: Subbands) -> Tensor:
        return super().inverse(bands._replace(details=tuple(Details(d.v, d.h, d.d) for d in bands.details)))


class Tripled(Haar):
    def inverse(self, bands: Subbands) -> Tensor:
        return 3 * super().inverse(bands)


class Reversed(Haar):
    def forward(self, x: Tensor) -> Subbands:
        bands = super().forward(x)
        return bands._replace(details=bands.details[::-1])

    def inverse(self, bands: Subbands) -> Tensor:
        return super().inverse(bands._replace(details=bands.details[::-1]))


class ReversedOfOneSize(Undecimated):
    """All bands have the size of the image: only frequencies tell the levels apart."""

    def forward(self, x: Tensor) -> Subbands:
        bands = super().forward(x)
        return bands._replace(details=bands.details[::-1])

    def inverse(self, bands: Subbands) -> Tensor:
        return super().inverse(bands._replace(details=bands.details[::-1]))


class DiagonalForHorizontal(Haar):
    def forward(self, x: Tensor) -> Subbands:
        ll, details, size = super().forward(x)
        return Subbands(ll, tuple(Details(d.d, d.v, d.h) for d in details), size)

    def inverse(self, bands: Subbands) -> Tensor:
        return super().inverse(bands._replace(details=tuple(Details(d.d, d.v, d.h) for d in bands.details)))


class Louder(Haar):
    """Claims to be orthonormal."""

    def forward(self, x: Tensor) -> Subbands:
        return super().forward(2 * x)

    def inverse(self, bands: Subbands) -> Tensor:
        return super().inverse(bands) / 2


class Centred(Haar):
    def forward(self, x: Tensor) -> Subbands:
        return super().forward(x - x.mean(dim=0, keepdim=True))


class OtherLevels(Haar):
    def inverse_level(self, ll: Tensor, details: Details, size: tuple[int, int], level: int | None = None) -> Tensor:
        return super().inverse_level(ll, Details(details.v, details.h, details.d), size, level)


def biorthogonal(levels: int = 2) -> Any:
    bank = FilterBank("bior2.2", levels)
    bank.orthonormal = True
    return bank


# -- optimisers ----------------------------------------------------------------------------------


class Plain(torch.optim.Optimizer):
    """Gradient descent with momentum, which is right."""

    def __init__(self, roles: Roles, rate: float = 0.05) -> None:
        super().__init__(roles.groups(rate, 0.0), {})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            for w in group["params"]:
                if w.grad is not None:
                    self.move(group, w)

    def move(self, group: dict[str, Any], w: Tensor) -> None:
        m = self.state[w].setdefault("mean", torch.zeros_like(w)).mul_(0.9).add_(w.grad)
        w.sub_(m, alpha=group["lr"])


class Ascends(Plain):
    def move(self, group: dict[str, Any], w: Tensor) -> None:
        w.add_(w.grad, alpha=0.1 * group["lr"])


class Stubborn(Plain):
    def move(self, group: dict[str, Any], w: Tensor) -> None:
        w.sub_(w.grad, alpha=group["initial_lr"])


class Forgetful(Plain):
    """Keeps its mean outside the state."""

    def __init__(self, roles: Roles) -> None:
        super().__init__(roles)
        self.means: dict[Tensor, Tensor] = {}

    def move(self, group: dict[str, Any], w: Tensor) -> None:
        m = self.means.setdefault(w, torch.zeros_like(w)).mul_(0.9).add_(w.grad)
        w.sub_(m, alpha=group["lr"])


class NoPeak(Plain):
    def __init__(self, roles: Roles) -> None:
        super().__init__(roles)
        for group in self.param_groups:
            del group["initial_lr"]


# -- bridges, solvers, grids ---------------------------------------------------------------------


class ScaledPrior(InDI):
    def prior(self, y: Tensor, eps: Tensor) -> Tensor:
        return 1.5 * super().prior(y, eps)


class NearlyPinned(BBDP):
    pinned = True  # type: ignore[assignment]

    def coefficients(self, t: Tensor) -> Coefficients:
        a, b, c = super().coefficients(t)
        return Coefficients(a, b, c + 1e-3 * t)


class Rounded(BBDP):
    """A Brownian bridge whose noise at the start is what float64 rounds to."""

    def coefficients(self, t: Tensor) -> Coefficients:
        a, b, c = super().coefficients(t)
        return Coefficients(a, b, c + 1e-9 * t)


class Unclean(InDI):
    def coefficients(self, t: Tensor) -> Coefficients:
        a, b, c = super().coefficients(t)
        return Coefficients(a, b, c + 0.01)


class TwoTimes(BBDP):
    """Its noise level falls and rises again on the way."""

    def coefficients(self, t: Tensor) -> Coefficients:
        a, b, c = super().coefficients(t)
        return Coefficients(a, b, c * (1 + 0.9 * (20 * t).sin()))


class TooManyTargets(BBDP):
    targets = frozenset({"x0", "eps"})


class Solver:
    """First order, deterministic, and right."""

    def steps(self, bridge: Any, before: Any, t: Any, s: Any) -> tuple[Step, ...]:
        state = 0.0 if t.c == 0 else s.c / t.c
        return (Step(state, s.a - state * t.a, s.b - state * t.b, s.c if t.c == 0 else 0.0),)


class ForgetsY(Solver):
    def steps(self, bridge: Any, before: Any, t: Any, s: Any) -> tuple[Step, ...]:
        return (super().steps(bridge, before, t, s)[0]._replace(y=0.0),)


class TooNoisy(Solver):
    def steps(self, bridge: Any, before: Any, t: Any, s: Any) -> tuple[Step, ...]:
        return (super().steps(bridge, before, t, s)[0]._replace(z=0.5),)


class WrongWeight(Solver):
    def steps(self, bridge: Any, before: Any, t: Any, s: Any) -> tuple[Step, ...]:
        step = super().steps(bridge, before, t, s)[0]
        return (step._replace(x0=0.9 * step.x0),)


class NotDeterministic(Solver):
    eta = 0.0

    def steps(self, bridge: Any, before: Any, t: Any, s: Any) -> tuple[Step, ...]:
        step = super().steps(bridge, before, t, s)[0]
        return (step._replace(z=step.z or 1e-5),)


def ends_early(steps: int) -> list[float]:
    return [1 - 0.9 * i / steps for i in range(steps + 1)]


def starts_late(steps: int) -> list[float]:
    return [0.9 * (1 - i / steps) for i in range(steps + 1)]


def one_too_few(steps: int) -> list[float]:
    return [1.0, *((1 - i / steps) for i in range(2, steps)), 0.0]


def stands_still(steps: int) -> list[float]:
    return [1.0] * steps + [0.0]


# -- networks, heads, critics, losses ------------------------------------------------------------


class ShortSighted(UNet):
    @property
    def radius(self) -> int:
        return super().radius // 2


class Timeless(UNet):
    def forward(self, x: Tensor, t: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return super().forward(x, None if t is None else torch.zeros_like(t))


class OtherFeatures(UNet):
    def __init__(self, in_channels: int, out_channels: int, time: bool, **options: Any) -> None:
        super().__init__(in_channels, out_channels, time, **options)
        self.feature_channels = 99


class Unused(UNet):
    def __init__(self, in_channels: int, out_channels: int, time: bool, **options: Any) -> None:
        super().__init__(in_channels, out_channels, time, **options)
        self.spare = nn.Linear(2, 2)


class BatchNormalised(Network):
    feature_channels = 4
    radius = 1  # type: ignore[assignment]

    def __init__(self, in_channels: int, out_channels: int, time: bool) -> None:
        super().__init__()
        self.layer = nn.Conv2d(in_channels, 4, 3, padding=1)
        self.leave = nn.Conv2d(4, out_channels, 1)

    def forward(self, x: Tensor, t: Tensor | None = None) -> tuple[Tensor, Tensor]:
        h = self.layer(x) * (1 + (0 if t is None else t.view(-1, 1, 1, 1)))
        h = (h - h.mean(dim=(0, 2, 3), keepdim=True)) / (h.std(dim=(0, 2, 3), keepdim=True, correction=0) + 1e-3)
        return self.leave(h), h


class SmallHead(Head):
    """Right: everything that it is told goes through one convolution."""

    noise_channels = 1

    def __init__(self, channels: int, trunk: tuple[int, int] | None) -> None:
        super().__init__()
        self.layer = nn.Conv2d(5 * channels + 1, 3 * channels, 3, padding=1)

    def told(self, given: LevelInput) -> LevelInput:
        return given

    def forward(self, given: LevelInput, noise: Tensor) -> Details:
        given = self.told(given)
        inputs = [given.ll, given.y_ll, *given.y_details, noise]
        return Details(*self.layer(torch.cat(inputs, dim=1)).chunk(3, dim=1))


class IgnoresLow(SmallHead):
    def told(self, given: LevelInput) -> LevelInput:
        return given._replace(ll=0 * given.ll)


class IgnoresDetails(SmallHead):
    def told(self, given: LevelInput) -> LevelInput:
        return given._replace(y_details=given.y_details._replace(v=0 * given.y_details.v))


class IgnoresNoise(SmallHead):
    def forward(self, given: LevelInput, noise: Tensor) -> Details:
        return super().forward(given, 0 * noise)


class DrawsItself(SmallHead):
    def forward(self, given: LevelInput, noise: Tensor) -> Details:
        return super().forward(given, noise + torch.randn_like(noise))


class SecretSigma(SmallHead):
    def told(self, given: LevelInput) -> LevelInput:
        assert given.sigma is not None
        return given._replace(ll=given.ll * given.sigma.h)


class NeedlessSigma(SmallHead):
    needs_sigma = True


class SmallCritic(nn.Module):
    """Right."""

    least = 1

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(in_channels, 1, 3, padding=1)

    def forward(self, candidate: Tensor, condition: Tensor) -> Tensor:
        logits: Tensor = self.layer(torch.cat([candidate, condition], dim=1))
        return logits


class Detached(SmallCritic):
    def forward(self, candidate: Tensor, condition: Tensor) -> Tensor:
        return super().forward(candidate.detach(), condition)


class Spare(SmallCritic):
    def __init__(self, in_channels: int) -> None:
        super().__init__(in_channels)
        self.spare = nn.Linear(2, 2)


class OfTheBatch(SmallCritic):
    def forward(self, candidate: Tensor, condition: Tensor) -> Tensor:
        logits = super().forward(candidate, condition)
        return logits - logits.mean()


class NoLeast(SmallCritic):
    least = None  # type: ignore[assignment]


class LeastOfNothing(SmallCritic):
    least = 0


class SeesHalf(SmallCritic):
    """Drops the last row and column that its stride does not reach."""

    least = 4

    def __init__(self, in_channels: int) -> None:
        super().__init__(in_channels)
        self.layer = nn.Conv2d(in_channels, 1, 3, stride=3)

    def forward(self, candidate: Tensor, condition: Tensor) -> Tensor:
        both = torch.cat([candidate, condition], dim=1)
        bottom, right = (max(0, 3 - side) for side in both.shape[-2:])
        logits: Tensor = self.layer(nn.functional.pad(both, (0, right, 0, bottom), mode="replicate"))
        return logits


class Unconditional(SmallCritic):
    def forward(self, candidate: Tensor, condition: Tensor) -> Tensor:
        return super().forward(candidate, 0 * condition)


class ImageLoss:
    """Of the name that the check knows terms of the image by."""


class Reward(ImageLoss):
    def __call__(self, image: Tensor, truth: Tensor) -> Tensor:
        return -(image - truth).abs().mean()


class CoarseLoss:
    """Of the names that the check knows the other terms by."""


class TransformLoss:
    pass


class CriticLoss:
    pass


class WrongGoal(CoarseLoss):
    def __call__(self, call: Any) -> Tensor:
        loss: Tensor = call.distance(call.estimate.output, call.y)
        return loss


class NegativeCoarse(CoarseLoss):
    def __call__(self, call: Any) -> Tensor:
        loss: Tensor = -call.distance(call.estimate.output, call.goal())
        return loss


class Offset(TransformLoss):
    def __call__(self, transform: Any, images: Tensor) -> Tensor:
        return (transform.inverse(transform.forward(images)) - images).abs().mean() + 0.1


class AgainstTheImage(CriticLoss):
    def __call__(self, kind: Any, critics: Any, candidates: Any) -> Tensor:
        return torch.stack([critic(k.fake, k.y).mean() for critic, k in zip(critics, candidates, strict=True)]).mean()


class OfReal(CriticLoss):
    def __call__(self, kind: Any, critics: Any, candidates: Any) -> Tensor:
        return torch.stack([critic(k.real, k.y).mean() for critic, k in zip(critics, candidates, strict=True)]).mean()


class Unknown:
    def __call__(self, image: Tensor) -> Tensor:
        return image.mean()


class Constant(ImageLoss):
    def __call__(self, image: Tensor, truth: Tensor) -> Tensor:
        return (image - truth).detach().abs().mean()


# -- degradations, data sets, metrics, pipelines --------------------------------------------------


class WrongAdjoint(GaussianBlur):
    def adjoint(self, y: Tensor) -> Tensor:
        return super().adjoint(y).roll(1, -1)


class NotLinear(GaussianBlur):
    def apply(self, x: Tensor) -> Tensor:
        return super().apply(x).square()


class GlobalNoise(GaussianNoise):
    def degrade(self, x: Tensor, generator: torch.Generator) -> Tensor:
        return x + torch.randn_like(x)


class Items:
    """Right."""

    def __len__(self) -> int:
        return 3

    def image(self, index: int) -> Tensor:
        return torch.rand(1, 32, 32, generator=torch.Generator().manual_seed(index))

    def __getitem__(self, index: int) -> Pair:
        if index >= len(self):
            raise IndexError(index)
        return Pair(self.image(index), self.image(index + 100))


class Uint16(Items):
    def image(self, index: int) -> Tensor:
        return (super().image(index) * 60000).to(torch.uint16)


class NumpyArrays(Items):
    def image(self, index: int) -> Any:
        return super().image(index).numpy()


class Flat(Items):
    def image(self, index: int) -> Tensor:
        return super().image(index)[0]


class NotFinite(Items):
    def image(self, index: int) -> Tensor:
        return super().image(index) / 0


class Random(Items):
    def image(self, index: int) -> Tensor:
        return torch.rand(1, 32, 32)


class Endless(Items):
    def __getitem__(self, index: int) -> Pair:
        return super().__getitem__(index % 3)


class OtherRange(Items):
    values = (0.0, 0.5)


class OtherChannels(Items):
    channels = 3


class Metric:
    """Declarations that the scorer reads; a mean absolute error."""

    compares, title, higher_is_better, best, values = "paired", "MAE", False, 0.0, (0.0, math.inf)
    unit_range, least_side = False, 1

    def __call__(self, restored: Tensor, target: Tensor, data_range: Any) -> Tensor:
        return (restored - target).abs().mean(dim=(1, 2, 3)) / data_range


class WrongSign(Metric):
    higher_is_better = True
    best = math.inf


class WrongBest(Metric):
    best = 0.5


class OutOfRange(Metric):
    values = (0.0, 0.01)


class OfBatch(Metric):
    def __call__(self, restored: Tensor, target: Tensor, data_range: Any) -> Tensor:
        one = super().__call__(restored, target, data_range)
        return one + one.sum()


class InUnits(Metric):
    def __call__(self, restored: Tensor, target: Tensor, data_range: Any) -> Tensor:
        return super().__call__(restored, target, 1.0)


def misspelt() -> dict[str, Any]:
    return {**preset("unet"), "sampler": {"step": 1}}


UNET = {"width": 4, "multipliers": [1, 2]}
MUTANTS: list[tuple[str, Any, dict[str, Any], str]] = [
    ("transform", Swapped, {}, "horizontal and vertical details are swapped: stripes along rows land in v"),
    ("transform", DiagonalForHorizontal, {}, "stripes along rows land in d, not in h"),
    ("transform", Tripled, {}, "the inverse gives 3 times the image"),
    ("transform", Reversed, {}, "details come finest first"),
    ("transform", ReversedOfOneSize, {}, "levels are reversed"),
    ("transform", Louder, {}, "orthonormal: declared, but the sum of squares changes by 4"),
    ("transform", biorthogonal, {}, "orthonormal: declared"),
    ("transform", Centred, {}, "depend on the others in its batch"),
    ("transform", OtherLevels, {}, "inverse_level: level by level does not lead where inverse does"),
    ("bridge", ScaledPrior, {}, "prior: it has 1.5 times y; the process starts with 1"),
    ("bridge", NearlyPinned, {}, r"pinned: c\(1\) = 0.001; a process that starts at y has c\(1\) = 0"),
    ("bridge", Rounded, {}, r"c\(1\) = 1e-09 is rounding"),
    ("bridge", Unclean, {}, r"assumptions: a\(0\), b\(0\), c\(0\) = .*0\.01\]; the clean end has 1, 0, 0"),
    ("bridge", TwoTimes, {}, "a / c does not fall at t = "),
    ("bridge", TooManyTargets, {}, "assumptions: target 'eps': "),
    ("solver", ForgetsY, {}, "the step forgets y"),
    ("solver", TooNoisy, {}, "noise: the state's variance becomes"),
    ("solver", WrongWeight, {}, "x0: the step leads to"),
    ("solver", NotDeterministic, {}, "eta = 0, but a step draws noise"),
    ("grid", ends_early, {}, r"end: it ends at t = 0\.1, not at 0"),
    ("grid", starts_late, {}, r"start: it starts at t = 0\.9, not at 1"),
    ("grid", one_too_few, {}, "length: 4 times for 5|length: "),
    ("grid", stands_still, {}, "times do not fall strictly"),
    ("optimizer", Ascends, {}, "learns: after 200 steps a loss is"),
    ("optimizer", Stubborn, {}, "at lr = 0 in its groups parameters move"),
    ("optimizer", Forgetful, {}, "from its state_dict it does not go on"),
    ("optimizer", NoPeak, {}, "a group has no initial_lr"),
    ("network", ShortSighted, UNET, r"radius: declared \d+ pixels, but an output pixel sees \d+ pixels far"),
    ("network", Timeless, UNET, "built with time=True, but t changes nothing"),
    ("network", OtherFeatures, UNET, "features: .*feature_channels = 99"),
    ("network", Unused, UNET, "parameter 'spare.weight' gets none"),
    ("network", BatchNormalised, {}, "an item's output depends on the others"),
    ("head", IgnoresLow, {}, "the head ignores ll of its level"),
    ("head", IgnoresDetails, {}, r"the head ignores y_details\.v of its level"),
    ("head", IgnoresNoise, {}, "noise_channels = 1, but noise changes nothing"),
    ("head", DrawsItself, {}, "equal noise gives unequal bands"),
    ("head", SecretSigma, {}, "uses sigma, but needs_sigma is False"),
    ("head", NeedlessSigma, {}, "needs_sigma, but another noise level gives the same bands"),
    ("critic", Unconditional, {}, "the critic ignores the condition"),
    ("critic", Detached, {}, "none reaches the candidate"),
    ("critic", Spare, {}, "parameter 'spare.weight' gets none"),
    ("critic", OfTheBatch, {}, "logits depend on the others in its batch"),
    ("critic", NoLeast, {}, "least: None; give the smallest side"),
    ("critic", LeastOfNothing, {}, "least: 0; give the smallest side"),
    ("critic", SeesHalf, {}, "least: at 4 x 4 pixels, 7 of them reach no logit"),
    ("loss", WrongGoal, {}, "the sign is wrong|a perfect result costs"),
    ("loss", NegativeCoarse, {}, "the sign is wrong"),
    ("loss", Offset, {}, r"a perfect result costs 0\.1, not 0"),
    ("loss", AgainstTheImage, {}, "where the critics like the image better"),
    ("loss", OfReal, {}, "it has no gradient"),
    ("loss", Unknown, {}, "it derives from none of CoarseLoss, BandLoss"),
    ("loss", Reward, {}, "the sign is wrong"),
    ("loss", Constant, {}, "it has no gradient"),
    ("degradation", WrongAdjoint, {}, "adjoint: it is not the transpose"),
    ("degradation", NotLinear, {}, "declared, but A"),
    ("degradation", GlobalNoise, {}, "it draws from torch's global generator"),
    ("dataset", Uint16, {}, "data set Uint16: item 0: x is uint16; give float32"),
    ("dataset", NumpyArrays, {}, r"x is of type ndarray \(float32\); give a torch tensor"),
    ("dataset", Flat, {}, r"x has shape \(32, 32\); give \(C, H, W\)"),
    ("dataset", NotFinite, {}, "NaN or infinite"),
    ("dataset", Random, {}, "item 0 is another one at a second call"),
    ("dataset", Endless, {}, "raise IndexError past the end"),
    ("dataset", OtherRange, {}, r"declares values in \[0, 0\.5\]"),
    ("dataset", OtherChannels, {}, r"has 1 channel\(s\); the data set declares channels = 3"),
    ("metric", WrongSign, {}, "direction: wrong sign: declared that higher is better"),
    ("metric", WrongBest, {}, r"best: identical images score 0; declared is 0\.5"),
    ("metric", OutOfRange, {}, "range: .* is not inside the declared"),
    ("metric", OfBatch, {}, "an image's score depends on the others"),
    ("metric", InUnits, {}, "images and data_range times 50 change the score"),
    ("pipeline", misspelt, {}, "unknown option 'sampler.step'; did you mean 'steps'"),
]
RIGHT: list[tuple[str, Any]] = [
    ("solver", Solver),
    ("head", SmallHead),
    ("critic", SmallCritic),
    ("dataset", Items),
    ("metric", Metric),
]


@pytest.mark.parametrize(("kind", "factory", "options", "fault"), MUTANTS, ids=lambda v: getattr(v, "__name__", ""))
def test_a_mutant_is_refused_by_name(kind: str, factory: Any, options: dict[str, Any], fault: str) -> None:
    with pytest.raises(ContractError, match=fault) as caught:
        check_component(kind, factory, **options)
    message = str(caught.value)
    assert message.startswith(f"{kind} {factory.__name__!r}: ")
    assert "\n" not in message
    print(message)


@pytest.mark.parametrize(("kind", "factory"), RIGHT, ids=lambda v: getattr(v, "__name__", ""))
def test_what_the_mutants_were_made_of_is_accepted(kind: str, factory: Any) -> None:
    check_component(kind, factory)


def test_an_unknown_kind_is_answered_with_the_near_ones() -> None:
    with pytest.raises(InputError, match="did you mean 'transform'"):
        check_component("transfrom", Haar)


def test_training_and_evaluation_refuse_a_uint16_set_at_once() -> None:
    refused = pytest.raises(InputError, match="data set Uint16: item 0: x is uint16; give float32")
    with refused:
        InMemory(Uint16())
    with refused:
        evaluate(lambda y, first: pytest.fail("nothing is restored"), Uint16(), perceptual=False)
    with pytest.raises(InputError, match=r"data set Uint16: item \d: x is uint16; give float32"):
        _ = Crops(Uint16(), 8, 0, 1)[0]
