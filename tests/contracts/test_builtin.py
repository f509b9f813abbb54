"""Guards that every built-in component keeps the contract of its kind, one test for each distinct factory.

Names that share a class (60 wavelets) are represented by those whose options matter: odd and even taps, orthonormal
or not. What a kind promises is said, and checked, in ``wavegen.testing``.
"""

from __future__ import annotations

from typing import Any

import pytest

from wavegen.core.registry import KINDS, entry, names
from wavegen.metrics import weights
from wavegen.networks.blocks import BLOCKS
from wavegen.testing import check_component

HALF = [0.5**0.5, 0.5**0.5]
SAME_CLASS = [  # as coverage_vgg16 and kid_vgg16, with another network or of another name
    *(f"{what}_{net}" for what in ("precision", "recall", "density") for net in ("vgg16", "effnet_lite0")),
    "coverage_effnet_lite0",
    "kid_effnet_lite0",
]
ETAS: dict[str, tuple[Any, ...]] = {"euler-sde": (None,), "euler-ode": (None,)}
UNET = {"name": "unet", "width": 4, "multipliers": [1, 2]}


def listed(kind: str) -> list[str]:
    return names(kind) if kind in KINDS else []


CASES: dict[str, list[dict[str, Any]]] = {
    "transform": [
        *({"name": name} for name in ("haar", "db3", "sym4", "coif1", "bior2.6", "rbio3.3", "lattice", "lifting")),
        {"name": "haar", "levels": 1},
        {"name": "db4", "levels": 3, "mode": "symmetric"},
        {
            "name": "custom",
            "dec_lo": HALF,
            "dec_hi": [-HALF[0], HALF[0]],
            "rec_lo": HALF,
            "rec_hi": [HALF[0], -HALF[0]],
        },
        *({"name": name} for name in ("identity", "space_to_depth", "pool", "undecimated", "packets", "autoencoder")),
    ],
    "bridge": [
        *({"name": name} for name in names("bridge")),
        {"name": "bbdp", "schedule": "sin", "s": 0.1},
        {"name": "ddpm", "schedule": "cosine"},
        {"name": "indi", "sigma0": 0.0},
        {"name": "resshift", "T": 4, "p": 1.0},
        {"name": "i2sb", "beta_max": 5.0},
    ],
    "head": [
        {"name": "copy"},
        {"name": "shrink"},
        {"name": "gan", "network": UNET},
        {"name": "gan", "network": UNET, "noise": 2, "inject": True, "features": 4, "noise_level": True},
        {"name": "gan", "network": UNET, "noise": 0, "output": "residual"},
        {"name": "regression", "network": UNET},
        {"name": "bridge", "network": UNET},
        {"name": "bridge", "network": UNET, "steps": 1, "bridge": {"name": "ddpm"}, "features": 4},
        {"name": "bridge", "network": UNET, "steps": 1, "bridge": {"name": "regression"}},
    ],
    "network": [
        {"name": "unet", "width": 4, "multipliers": [1]},
        {"name": "unet", "width": 4, "multipliers": [1, 2], "blocks": 2},
        {"name": "unet", "width": 4, "multipliers": [1, 1, 1]},
        {"name": "unet", "width": 4, "multipliers": [1, 2], "patch": 2},
        *({"name": "unet", "width": 4, "multipliers": [1, 2], "block": block} for block in BLOCKS),
        {"name": "unet", "width": 4, "multipliers": [1, 2], "norm": "rms", "modulation": "input", "join": "add"},
        {"name": "unet", "width": 4, "multipliers": [1, 2], "norm": "none", "modulation": "shift", "branch": 0.1},
    ],
    "degradation": [
        *({"name": name} for name in names("degradation") if name not in ("chain", "random_chain", "measured_psf")),
        {"name": "chain", "parts": ["gaussian_blur", {"name": "downsample", "factor": 2}, "bleaching"]},
        {"name": "chain", "parts": ["gaussian_blur", "camera"]},
        {"name": "random_chain", "parts": [{"name": "gaussian_blur", "sigma": [0.5, 3]}, "mask", "motion_blur"]},
    ],
    "dataset": [
        {"name": "hela", "size": 32, "length": 3},
        {"name": "nanobeads", "size": 32, "length": 3},
        {
            "name": "degraded",
            "source": {"name": "hela", "size": 32, "length": 3},
            "degradation": {"name": "gaussian_noise"},
        },
    ],
    "solver": [{"name": name, "eta": eta} for name in listed("solver") for eta in ETAS.get(name, (0.0, 0.5, 1.0))],
    "grid": [
        # planned searches for seconds: tests/bridges/test_planner.py
        *({"name": name} for name in listed("grid") if name not in ("times", "planned")),
        *({"name": "times", "values": [1.0, 0.3, 0.0]} for _ in listed("grid")[:1]),
    ],
    "critic": [{"name": name, "width": 8} for name in listed("critic") if name != "projected"],
    "loss": [*({"name": name} for name in listed("loss")), {"name": "coarse", "time_weight": "snr"}],
    "optimizer": [{"name": name} for name in listed("optimizer")],
    "metric": [
        {"name": name}
        for name in listed("metric")
        if hasattr(entry("metric", name).factory, "compares") and name not in SAME_CLASS
    ],
    "pipeline": [
        {"name": "mscgm", "network": {"width": 8}, "head": {"network": {"width": 8}}},
        {"name": "bbdm-patch", "network": {"width": 8}},
        {"name": "latent", "network": {"width": 8}},
        {"name": "unet", "network": {"width": 8}},
    ],
}


def cases(kind: str) -> list[Any]:
    return [pytest.param(spec, id=" ".join(map(str, spec.values()))[:60]) for spec in CASES[kind]]


def check(kind: str, spec: dict[str, Any]) -> None:
    check_component(kind, spec["name"], **{k: v for k, v in spec.items() if k != "name" and v is not None})


@pytest.mark.parametrize("spec", cases("transform"))
def test_transforms(spec: dict[str, Any]) -> None:
    check("transform", spec)


@pytest.mark.parametrize("spec", cases("bridge"))
def test_bridges(spec: dict[str, Any]) -> None:
    check("bridge", spec)


@pytest.mark.parametrize("spec", cases("head"))
def test_heads(spec: dict[str, Any]) -> None:
    check("head", spec)


@pytest.mark.parametrize("spec", cases("network"))
def test_networks(spec: dict[str, Any]) -> None:
    check("network", spec)


@pytest.mark.parametrize("spec", cases("degradation"))
def test_degradations(spec: dict[str, Any]) -> None:
    check("degradation", spec)


@pytest.mark.parametrize("spec", cases("dataset"))
def test_datasets(spec: dict[str, Any]) -> None:
    check("dataset", spec)


@pytest.mark.parametrize("spec", cases("solver"))
def test_solvers(spec: dict[str, Any]) -> None:
    check("solver", spec)


@pytest.mark.parametrize("spec", cases("grid"))
def test_grids(spec: dict[str, Any]) -> None:
    check("grid", spec)


@pytest.mark.parametrize("spec", cases("optimizer"))
def test_optimizers(spec: dict[str, Any]) -> None:
    check("optimizer", spec)


@pytest.mark.parametrize("spec", cases("critic"))
def test_critics(spec: dict[str, Any]) -> None:
    check("critic", spec)


@pytest.mark.parametrize("spec", cases("loss"))
def test_losses(spec: dict[str, Any]) -> None:
    check("loss", spec)


@pytest.mark.parametrize("spec", cases("metric"))
def test_metrics(spec: dict[str, Any]) -> None:
    needed = entry("metric", spec["name"]).factory.weight_file  # type: ignore[attr-defined]
    if needed and weights.locate(needed) is None:
        pytest.skip(f"weights {needed!r} not found: {weights.how_to_get(weights.FILES[needed])}")
    check("metric", spec)


@pytest.mark.parametrize("spec", cases("pipeline"))
def test_pipelines(spec: dict[str, Any]) -> None:
    check("pipeline", spec)
