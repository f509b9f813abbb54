"""The named hybrids: each is one configuration of the one Pipeline. Their rivals are in ``presets_rivals``."""

from __future__ import annotations

from typing import Any

from wavegen.errors import InputError
from wavegen.registry import entry, register

# The same settings for every system that can have them, so that a table compares structures: one bridge, one loss.
BRIDGE = {"name": "bbdp", "s": 0.1}
FIT = [{"name": "fit", "weights": {"coarse": 1.0, "l1": 2.0}}]


def preset(name: Any) -> dict[str, Any]:
    """The configuration registered under a pipeline's name.

    Raises:
        InputError: no name, or an unknown one (with the near matches).
    """
    if not isinstance(name, str):
        raise InputError("a pipeline configuration needs a 'name'; see wavegen.names('pipeline')")
    made: dict[str, Any] = entry("pipeline", name).factory()
    return {"name": name, **made}


@register(
    "pipeline",
    "mscgm",
    "the paper's structure: BBDP on LL2, one GAN per level on true LL",
    paper="arXiv 2407.05259",
)
def mscgm() -> dict[str, Any]:
    """Stated: Haar, BBDP, conditional GANs, L2 + SSIM + Wasserstein. Assumed: sizes, S = 2, weights 20, .5, .1, s."""
    return {
        "transform": {"name": "haar", "levels": 2},
        "bridge": {"name": "bbdp", "s": 1.0},
        "network": {"name": "unet", "width": 64, "multipliers": [1, 2], "blocks": 2},
        "conditioning": "ll",
        "target": "grad",
        "coarse_loss": "l1",
        "start_fraction": 0.0,
        "head": {
            "name": "gan",
            "network": {"name": "unet", "width": 24, "multipliers": [1, 2, 2], "blocks": 1},
        },
        "critic": {"on": "image", "loss": "wasserstein", "every": 4, "learning_rate": 1e-4},
        "sampler": {"steps": 4},
        "stages": [
            {"name": "coarse", "share": 0.4, "weights": {"coarse": 1.0}},
            {
                "name": "heads",
                "share": 0.6,
                "weights": {"l2": 20.0, "ssim": 0.5, "adversarial": 0.1},
                "ll": "true",
                "restart": True,
            },
        ],
    }


@register(
    "pipeline",
    "mscgm-joint",
    "bridge on patchified LL1 that sees all of y, head on its features, trained as one",
)
def mscgm_joint() -> dict[str, Any]:
    """The hybrid with a shared trunk, end to end through the inverse transform."""
    fit = {"coarse": 1.0, "l1": 2.0}
    return {
        "transform": {"name": "haar", "levels": 1},
        "bridge": BRIDGE,
        "network": {"name": "unet", "width": 48, "multipliers": [1, 2, 4], "patch": 2},
        "head": {
            "name": "gan",
            "features": 16,
            "network": {"name": "unet", "width": 48, "multipliers": [1, 2], "patch": 2},
        },
        "critic": {"on": "bands", "loss": "hinge", "learning_rate": 4e-4},
        "sampler": {"steps": 4},
        "stages": [
            {"name": "fit", "share": 0.75, "weights": fit},
            {"name": "gan", "share": 0.25, "weights": {**fit, "adversarial": 0.01}, "max_t": 0.6},
        ],
    }


@register("pipeline", "gan-all", "a GAN for every band: noise in place of the bridge, in one call of each network")
def gan_all() -> dict[str, Any]:
    """mscgm-joint with one-step generators only; one critic for the coarsest band, one for the image."""
    made = mscgm_joint()
    made["head"]["inject"] = True
    return {
        **made,
        "bridge": {"name": "regression"},
        "coarse_noise": 1,
        "critic": {**made["critic"], "coarse": True},
        "sampler": {"steps": 1},
        "stages": [*made["stages"][:1], {**made["stages"][1], "max_t": 1.0}],
    }


@register("pipeline", "bridge-all", "a bridge for every band: no GAN, no critic", paper="BBDM, arXiv 2205.07680")
def bridge_all() -> dict[str, Any]:
    """mscgm-joint with a bridge of two calls on its detail bands."""
    made = mscgm_joint()
    del made["critic"]
    return {
        **made,
        "head": {**made["head"], "name": "bridge", "steps": 2},
        "stages": [{"name": "fit", "weights": {"coarse": 1.0, "l1": 2.0}}],
    }
