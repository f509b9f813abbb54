"""Which arithmetic to compute in: bf16 where the processor has it in hardware, float32 otherwise."""

from __future__ import annotations

import contextlib
from typing import Literal

import torch

Precision = Literal["auto", "bf16", "float32"]


def resolve(precision: Precision, device: torch.device) -> Literal["bf16", "float32"]:
    """Turn ``auto`` into bf16 on processors with native bf16 instructions, else float32.

    Emulated bf16 is slower than float32, native bf16 with channels_last faster. The choice depends on the
    hardware only, never on a timing, so that the same seed gives the same bits.
    """
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    if device.type == "cpu":
        native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        return "bf16" if native else "float32"
    return "float32"


def autocast(precision: Precision, device: torch.device) -> contextlib.AbstractContextManager[object]:
    """The context in which networks run; transforms and samplers stay in float32 outside it."""
    if resolve(precision, device) == "bf16":
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return contextlib.nullcontext()


def kept_casts(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Around several calls of networks: weights cast to bf16 in the first :func:`autocast` are kept for the next.

    torch drops its casts where the outermost context ends. This one changes no arithmetic itself; only use it
    where no weight changes inside.
    """
    return torch.autocast(device.type, enabled=False)
