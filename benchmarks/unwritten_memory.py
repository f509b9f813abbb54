"""Does a convolution read memory that nobody wrote? Every configuration of every network, at every narrow size.

    python benchmarks/unwritten_memory.py [--largest 16] [--gradients]

Collects the two-dimensional convolutions of every pipeline preset, shipped model, registered network and critic (and,
with the ``eval`` extra, of the frozen network under the projected critic), and runs each alone on images of 1 to
``--largest`` pixels a side, in float32 and bf16, with both layouts of memory, and compares with float64. Memory is
poisoned twice: the allocator fills what it gives out with 0x7f (3.4e38 in both types), and tensors of NaN are freed
before each call. Prints a table of what is wrong or differs between two calls; the exit status is 1 if anything is.
``--strided`` also runs the 2 x 2 convolution of stride 2 that ``Shrink`` stands in for: on some processors it must
show up in the table, or the poison does not work.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from typing import NamedTuple

import torch
from torch import Tensor, nn

from wavegen.networks.convolutions import Shrink

POISON = {"MALLOC_PERTURB_": "128", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}
# Largest |difference| from float64 over the largest |value|: bf16 keeps 8 bits, and sums are made in float32.
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 0.03}
LONG = 72
Kinds = tuple[torch.dtype, ...]
BOTH = tuple(TOLERANCE)
LAYOUTS = {"planes": torch.contiguous_format, "channels last": torch.channels_last}


class Configuration(NamedTuple):
    """What decides which kernel runs, but for the size of the image."""

    inputs: int
    outputs: int
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    groups: int
    bias: bool

    def __str__(self) -> str:
        """As in a table."""
        groups = f", {self.groups} groups" if self.groups > 1 else ""
        sides = "x".join(map(str, self.kernel))
        return f"{self.inputs} -> {self.outputs}, {sides}, stride {self.stride[0]}, padding {self.padding[0]}{groups}"

    def module(self) -> nn.Conv2d:
        """A convolution of this configuration with weights of its own."""
        return nn.Conv2d(
            self.inputs, self.outputs, self.kernel, self.stride, self.padding, groups=self.groups, bias=self.bias  # type: ignore[arg-type]
        )  # fmt: skip


def configuration(module: nn.Conv2d) -> Configuration:
    """That of the convolution that a module calls."""
    if isinstance(module, Shrink):
        return Configuration(4 * module.in_channels, module.out_channels, (1, 1), (1, 1), (0, 0), 1, True)
    padding = module.padding if isinstance(module.padding, tuple) else (0, 0)
    bias = module.bias is not None
    return Configuration(
        module.in_channels, module.out_channels, module.kernel_size, module.stride, padding, module.groups, bias
    )


def networks() -> Iterator[tuple[str, nn.Module, Kinds]]:
    """Whatever holds convolutions, and the types that it computes in: critics and their frozen network keep float32."""
    from wavegen.core.errors import InputError
    from wavegen.core.registry import build, names
    from wavegen.pipeline.pipeline import Pipeline
    from wavegen.pipeline.storage import shipped

    for name in names("pipeline"):
        yield f"preset {name}", Pipeline.from_config(name), BOTH
    for name in shipped():
        yield f"model {name}", Pipeline.from_pretrained(name), BOTH
    for name in names("network"):
        yield f"network {name}", build("network", name, in_channels=3, out_channels=2, time=True), BOTH
    for name in names("critic"):
        with suppress(InputError):  # one that needs weights that are not here
            yield f"critic {name}", build("critic", name, in_channels=2), (torch.float32,)
    with suppress(ImportError):
        import timm

        yield "EfficientNet-Lite0", timm.create_model("tf_efficientnet_lite0", pretrained=False), (torch.float32,)


def configurations() -> dict[tuple[Configuration, torch.dtype], str]:
    """Every configuration and type, and the first place where it occurs."""
    found: dict[tuple[Configuration, torch.dtype], str] = {}
    for place, network, kinds in networks():
        for name, module in network.named_modules():
            if isinstance(module, nn.Conv2d):
                for kind in kinds:
                    found.setdefault((configuration(module), kind), f"{place}: {name}")
    return found


def poison(*sizes: int) -> None:
    """Leave freed tensors of NaN behind, of these numbers of values and of some usual ones."""
    for size in (*sizes, *(2**power for power in range(6, 17, 2))):
        torch.full((size,), float("nan"))


def outcome(module: nn.Conv2d, image: Tensor, kind: torch.dtype, gradients: bool) -> list[Tensor]:
    """The output in float32, and with ``gradients`` those of image and weights of a given gradient of the output."""
    image = image.detach().requires_grad_(gradients)
    module.zero_grad()
    with torch.autocast("cpu", torch.bfloat16) if kind == torch.bfloat16 else nullcontext():
        output = module(image)
    if not gradients:
        return [output.detach().double()]
    down = ((7 * torch.arange(output.numel()) % 9 - 4) / 4).to(output.dtype).view(output.shape)  # exact in bf16
    poison(image.numel(), output.numel())
    output.backward(down)
    return [t.detach().double() for t in (output, image.grad, module.weight.grad) if t is not None]


class Outcome(NamedTuple):
    """Values that are not finite, and the largest error over the largest value; ``unequal``: two calls differ."""

    bad: int
    error: float
    unequal: bool


def measure(module: nn.Conv2d, expected: list[Tensor], image: Tensor, kind: torch.dtype, gradients: bool) -> Outcome:
    """One configuration at one size, called twice."""
    runs = []
    for _ in range(2):
        poison(image.numel(), expected[0].numel())
        runs.append(outcome(module, image, kind, gradients))
    unequal = any(not torch.equal(a, b) for a, b in zip(*runs, strict=True))
    bad = sum(int((~value.isfinite()).sum()) for value in runs[0])
    errors = [
        float((a - b).abs().max() / b.abs().max().clamp_min(1e-12)) for a, b in zip(runs[0], expected, strict=True)
    ]
    return Outcome(bad, max(errors), unequal)


def scan(found: dict[tuple[Configuration, torch.dtype], str], largest: int, gradients: bool) -> tuple[int, list[str]]:
    """Number of cases, and a line of the table for each configuration, type and layout with a wrong one."""
    cases, lines = 0, []
    for number, ((chosen, kind), place) in enumerate(found.items()):
        print(f"{number + 1}/{len(found)} {chosen} {kind}", file=sys.stderr)
        wrong: dict[str, dict[tuple[int, int], Outcome]] = {layout: {} for layout in LAYOUTS}
        modules, exact = arranged(chosen, kind)
        for size in sizes(chosen, largest):
            image = torch.randn(1, chosen.inputs, *size).to(kind).float()
            expected = outcome(exact, image.double(), torch.float64, gradients)
            for layout, memory in LAYOUTS.items():
                here = image.contiguous(memory_format=memory)
                result = measure(modules[layout], expected, here, kind, gradients)
                cases += 1
                if result.bad or not result.error <= TOLERANCE[kind] or result.unequal:
                    wrong[layout][size] = result
        lines += [line(chosen, kind, layout, those, place) for layout, those in wrong.items() if those]
    return cases, lines


def arranged(chosen: Configuration, kind: torch.dtype) -> tuple[dict[str, nn.Conv2d], nn.Conv2d]:
    """The convolution in each layout and in float64, with one set of weights that the type holds exactly."""
    torch.manual_seed(0)
    exact = chosen.module().double()
    state = {name: value.to(kind).double() for name, value in exact.state_dict().items()}
    exact.load_state_dict(state)
    modules = {}
    for layout, memory in LAYOUTS.items():
        modules[layout] = chosen.module().to(memory_format=memory)
        modules[layout].load_state_dict(state)
    return modules, exact


def sizes(chosen: Configuration, largest: int) -> Iterator[tuple[int, int]]:
    """Heights and widths that the kernel fits into, and one long image of each width and height."""
    least = [max(1, k - 2 * p) for k, p in zip(chosen.kernel, chosen.padding, strict=True)]
    for height in range(least[0], largest + 1):
        for width in range(least[1], largest + 1):
            yield height, width
    for side in range(max(least), largest + 1):
        yield from ((LONG, side), (side, LONG))


def line(
    chosen: Configuration, kind: torch.dtype, layout: str, wrong: dict[tuple[int, int], Outcome], place: str
) -> str:
    """A row of the table."""
    shown = ", ".join(f"{h}x{w}" for h, w in list(wrong)[:4])
    worst = max(result.error for result in wrong.values())
    bad, unequal = sum(result.bad for result in wrong.values()), sum(result.unequal for result in wrong.values())
    name = str(kind).removeprefix("torch.")
    return f"| {chosen} | {name} | {layout} | {len(wrong)}: {shown} | {bad} | {worst:.2g} | {unequal} | {place} |"


def main() -> int:
    """Parse the command line, scan and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=16, help="largest side in pixels")
    parser.add_argument("--gradients", action="store_true", help="compare the gradients as well")
    parser.add_argument("--strided", action="store_true", help="also the convolution that is known to be wrong")
    arguments = parser.parse_args()
    if any(os.environ.get(key) != value for key, value in POISON.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **POISON})  # read at the process's start
    torch.set_num_threads(1)
    found = configurations()
    if arguments.strided:
        known = Configuration(48, 96, (2, 2), (2, 2), (0, 0), 1, True)
        found = {(known, torch.bfloat16): "known to be wrong"} | found
    cases, lines = scan(found, arguments.largest, arguments.gradients)
    native = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    print(f"torch {torch.__version__}, {platform.machine()}, bf16 in hardware: {'yes' if native else 'no'}")
    print(f"{len(found)} configurations and types, {cases} cases, wrong: {len(lines)} of them in a layout\n")
    print("| convolution | type | layout | sizes | not finite | largest error | unequal calls | first in |")
    print("|---|---|---|---|---|---|---|---|")
    print("\n".join(lines))
    return int(bool(lines))


if __name__ == "__main__":
    raise SystemExit(main())
