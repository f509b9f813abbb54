"""Every bridge on the low band of simulated confocal -> STED pairs: one network, one budget, one table.

    python recipes/bridges.py --preset cpu --data nanobeads --out out/bridges-nanobeads

The images are the means over 4 x 4 pixels (the Haar LL band of level 2) of 256 x 256 simulations, 64 x 64. Every
system has the same U-Net of 0.7 M parameters, sees y, predicts x0, and has the same processor time (``--minutes``).
S, the total variance as each process defines it, is ten times the residual variance v that a regression of one minute
left on the validation set, so that S/v is about 10 for all: S = kappa² for resshift, lam² for irsde and goub, sigma0² for
indi. ddpm and flow have no such scale. Processes that are equal at equal S are trained once: interpolant is bbdp, refusion
irsde, ddim and sr3 are ddpm, and their own samplers are rows of those.

Presets
    smoke         seconds: does everything run?
    cpu           the table: 1, 2, 4 and 8 calls at eta 1 on a uniform grid; 4 and 8 of second order at eta 0 on a
                  grid even in ln(a/c); and each publication's own steps, solver and grid (on the first 16 images).
    conditioning  bbdp whose network sees y, or only the state that starts at y; and both under more and more noise.

``spread kept`` is the variance over samples over the squared error of the regression on the same images: 1 where samples
differ as much as the truth differs from the best guess. Everything trained or scored in ``--out`` is not done again,
so that a run may be interrupted and repeated. Results: ``results.json``, ``times.json``, ``table.md``,
``variances.md``, ``figure.png``; of ``conditioning`` also ``light.json`` and ``light.png``.
"""

from __future__ import annotations

import argparse
from math import log1p
from pathlib import Path
from typing import Any

from wavegen import build
from wavegen.experiments import Comparison, Row, compare, degraded, run_command, write_table

LEVELS = 2
S = {"nanobeads": 1.5, "hela": 1.5}  # 10 v in units of the normalised band
NETWORK: dict[str, Any] = {"name": "unet", "width": 32, "multipliers": [1, 2, 4]}
FIT = [{"name": "fit", "weights": {"coarse": 1.0}}]
FEW: list[dict[str, Any]] = [
    {"name": "fit", "share": 0.6, "weights": {"coarse": 1.0}},
    {"name": "distill", "share": 0.4, "weights": {"distill": 1.0}, "restart": True},
]
EARLY = {"name": "times", "values": [1.0, 0.9, 0.0]}  # noise enters where little of the band is decided yet
SECOND = {"name": "snr"}
SUBSET: dict[str, Any] = {"images": 16, "samples": 2, "spread_images": 16, "first_seed_only": True}


def processes(s: float) -> dict[str, dict[str, Any]]:
    """Every process with total variance ``s``."""
    return {
        "regression": {"name": "regression"},
        "bbdp": {"name": "bbdp", "s": s / 2},
        "bbdp sin": {"name": "bbdp", "s": s / 2, "schedule": "sin"},
        "i2sb": {"name": "i2sb", "beta_max": beta_max(s)},
        "ddbm-ve": {"name": "ddbm-ve", "sigma_max": s**0.5},
        "ddbm-vp": {"name": "ddbm-vp", "b_d": log1p(s) / 0.55, "b_min": log1p(s) / 11},
        "resshift": {"name": "resshift", "kappa": s**0.5},
        "irsde": {"name": "irsde", "lam": s**0.5},
        "goub": {"name": "goub", "lam": s**0.5},
        "unidb": {"name": "goub", "lam": s**0.5, "gamma": 100.0},
        "indi": {"name": "indi", "sigma0": s**0.5},
        "ddpm": {"name": "ddpm"},
        "ddpm cosine": {"name": "ddpm", "schedule": "cosine"},
        "flow": {"name": "flow"},
        "bbdp, s = 1": {"name": "bbdp", "s": 1.0},
    }


def beta_max(s: float) -> float:
    """The beta_max at which i2sb's sum of beta is ``s``, by bisection."""
    low, high = 1e-3, 1e4
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if build("bridge", {"name": "i2sb", "beta_max": middle}).S < s else (low, middle)
    return low


def system(bridge: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The common system around a process."""
    return {"name": "bbdm", "bridge": bridge, "network": NETWORK, "conditioning": "ll", "stages": FIT} | more
