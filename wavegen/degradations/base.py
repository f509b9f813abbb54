"""Base classes of forward models: input checks, explicit randomness, the linear operator and its transpose."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Generator, Tensor

from wavegen.core.errors import InputError
from wavegen.core.types import LinearOperator

Size = tuple[int, int]
Shape = tuple[int, int, int, int]
ROUNDING = 1e-4  # tolerated overshoot of a range by rounding, relative to the largest value


def check_batch(images: Tensor, what: str) -> Tensor:
    """``images`` (B, C, H, W) as float32 (float64 stays float64).

    Raises:
        InputError: not four dimensions, empty, not floating point, or a value that is not finite.
    """
    if images.ndim != 4 or images.numel() == 0:
        raise InputError(f"{what} needs a non-empty (B, C, H, W) tensor, got shape {tuple(images.shape)}")
    if not images.is_floating_point():
        raise InputError(f"{what} needs a floating-point tensor, got {images.dtype}: convert it with .float()")
    if not bool(torch.isfinite(images).all()):
        raise InputError(f"{what} got an image with values that are not finite")
    return images if images.dtype == torch.float64 else images.float()


class Degradation(ABC):
    """A forward model x -> y; the arguments of its constructor are its configuration.

    Attributes:
        random: whether it uses random numbers.
        limits: the permitted range of its input (light is not negative).
        linear: whether :meth:`operator` works.
    """

    random: bool = False
    limits: tuple[float, float] = (-math.inf, math.inf)
    linear: bool = False

    @property
    def label(self) -> str:
        """Its name in messages."""
        return type(self).__name__

    @abstractmethod
    def degrade(self, x: Tensor, generator: Generator) -> Tensor:
        """Apply the model to checked input; all randomness comes from ``generator``."""

    def forward(self, x: Tensor, generator: Generator | int | None = None) -> Tensor:
        """Degrade a batch.

        Args:
            x: (B, C, H, W) floating point, finite, in the units that the class states.
            generator: a generator on the CPU, or a seed; the same state gives the same result. Optional for models
                that are not random.

        Returns:
            (B, C, h, w), float32 (float64 stays float64).

        Raises:
            InputError: wrong shape or type; values out of range; no generator for a random model.
        """
        x = check_batch(x, self.label)
        self._check_limits(x)
        return self.degrade(x, self._source(generator))

    __call__ = forward

    def _check_limits(self, x: Tensor) -> None:
        lowest, highest = float(x.min()), float(x.max())
        slack = ROUNDING * max(abs(lowest), abs(highest))
        if not self.limits[0] - slack <= lowest <= highest <= self.limits[1] + slack:
            wanted = "light that is not negative" if math.isinf(self.limits[1]) else "values in [{:g}, {:g}]"
            raise InputError(f"{self.label} needs {wanted.format(*self.limits)}, got {lowest:g} to {highest:g}")

    def _source(self, generator: Generator | int | None) -> Generator:
        if isinstance(generator, Generator):
            return generator
        if generator is None and self.random:
            raise InputError(f"{self.label} is random: give it a torch.Generator or a seed")
        return Generator().manual_seed(generator or 0)

    def operator(self, shape: Shape, generator: Generator | int | None = None) -> LinearOperator:
        """The linear operator that :meth:`forward` applies to images of ``shape`` with the same generator state.

        Raises:
            InputError: the model is not linear.
        """
        raise InputError(f"{self.label} is not linear: it has no operator and no adjoint")

    def apply(self, x: Tensor) -> Tensor:
        """A x, for a model whose operator is not random.

        Raises:
            InputError: the model is not linear, or its operator is random.
        """
        raise InputError(self._no_operator())

    def adjoint(self, y: Tensor) -> Tensor:
        """A^T y, for a model whose operator is not random.

        Raises:
            InputError: as :meth:`apply`.
        """
        raise InputError(self._no_operator())

    def _no_operator(self) -> str:
        if self.linear:
            return f"{self.label} is drawn for each image: use apply and adjoint of .operator(shape, seed)"
        return f"{self.label} is not linear: it has no operator and no adjoint"


class LinearDegradation(Degradation):
    """A fixed linear forward model; ``y = A x`` with A and its exact transpose."""

    linear = True

    @abstractmethod
    def apply(self, x: Tensor) -> Tensor:
        """A x: (B, C, H, W) to (B, C, h, w)."""

    def input_size(self, size: Size) -> Size:
        """The size of images whose degraded version has ``size``."""
        return size

    def adjoint(self, y: Tensor) -> Tensor:
        """A^T y: (B, C, h, w) to (B, C, H, W), by reverse differentiation of :meth:`apply`.

        The reverse pass of a linear map is its transpose. Differentiable where y is.
        """
        y = check_batch(y, self.label)
        with torch.inference_mode(False), torch.enable_grad():
            y = y.clone() if y.is_inference() else y
            x = y.new_zeros((*y.shape[:2], *self.input_size((y.shape[2], y.shape[3]))), requires_grad=True)
            (result,) = torch.autograd.grad(self.apply(x), x, y, create_graph=y.requires_grad)
        return result

    def degrade(self, x: Tensor, generator: Generator) -> Tensor:
        """A x."""
        return self.apply(x)

    def operator(self, shape: Shape, generator: Generator | int | None = None) -> LinearOperator:
        """The model itself."""
        return self


class Diagonal(LinearDegradation):
    """Multiplication by given factors, (B or 1, C or 1, H or 1, W or 1); its own transpose.

    Args:
        factors: finite.
        name: its name in messages.
    """

    def __init__(self, factors: Tensor, name: str = "Diagonal") -> None:
        self.factors = check_batch(factors, name)
        self._name = name

    @property
    def label(self) -> str:
        """Its name in messages."""
        return self._name

    def apply(self, x: Tensor) -> Tensor:
        """Factors times x.

        Raises:
            InputError: factors made for images of another shape.
        """
        if any(f not in (1, n) for f, n in zip(self.factors.shape, x.shape, strict=True)):
            raise InputError(
                f"{self.label} was made for images of shape {tuple(self.factors.shape)}, got {tuple(x.shape)}"
            )
        return x * self.factors.to(x)

    def adjoint(self, y: Tensor) -> Tensor:
        """The same as :meth:`apply`."""
        return self.apply(y)


class RandomDiagonal(Degradation):
    """Multiplication by factors that are drawn for each image."""

    linear = True
    random = True

    @abstractmethod
    def factors(self, shape: Shape, generator: Generator) -> Tensor:
        """Factors (B, C or 1, H, W) for images of ``shape``."""

    def degrade(self, x: Tensor, generator: Generator) -> Tensor:
        """Factors times x."""
        return x * self.factors((x.shape[0], x.shape[1], x.shape[2], x.shape[3]), generator).to(x)

    def operator(self, shape: Shape, generator: Generator | int | None = None) -> Diagonal:
        """The factors that :meth:`forward` draws from the same generator state."""
        return Diagonal(self.factors(shape, self._source(generator)), self.label)
