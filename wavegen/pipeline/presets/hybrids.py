"""The named hybrids: each is one configuration of the one Pipeline. Their rivals are in ``rivals``."""

from __future__ import annotations

from typing import Any

from wavegen.core.registry import register

# The same settings for every system that can have them, so that a table compares structures: one bridge, one loss.
BRIDGE = {"name": "bbdp", "s": 0.1}
FIT = [{"name": "fit", "weights": {"coarse": 1.0, "l1": 2.0}}]
# What makes samples spread and look real, chosen on validation images (docs/reference/heads.md);
# for hybrids and rivals alike.
SAMPLES: dict[str, Any] = {
    "bridge": {"name": "bbdp", "s": 1.0},
    "times": "grid",
    "sampler": {
        "steps": 4,
        "eta": 0.0,
        "solver": "multistep-start",
        "grid": {"name": "planned", "low": 1.0, "high": 10.0},
    },
    "critic": {
        "on": "bands",
        "loss": "relativistic",
        "learning_rate": 4e-4,
        "spectral_norm": False,
        "r1": 0.002,
        "r2": 0.002,
        "penalty_every": 4,
    },
    "stages": [
        {"name": "fit", "share": 0.7, "weights": {"coarse": 1.0, "l1": 2.0}},
        {
            "name": "gan",
            "share": 0.3,
            "weights": {"coarse": 1.0, "l1": 2.0, "adversarial": 0.1},
            "max_t": 0.6,
            "rollout": True,
        },
    ],
}


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
        "prediction": "grad",
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
                "low_band": "true",
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


@register("pipeline", "mscgm-fidelity", "the hybrid for scores: one call, no noise, no critic; the best guess")
def mscgm_fidelity() -> dict[str, Any]:
    """mscgm-joint with a regression in the place of the bridge, and of the head."""
    made = mscgm_joint()
    del made["critic"]
    return {
        **made,
        "bridge": {"name": "regression"},
        "head": {**made["head"], "name": "regression"},
        "sampler": {"steps": 1},
        "stages": FIT,
    }


@register(
    "pipeline",
    "mscgm-realism",
    "the hybrid for samples: four planned calls, a relativistic critic on states that the model reached itself",
    paper="R3GAN, arXiv 2501.05441, for the critic",
)
def mscgm_realism() -> dict[str, Any]:
    """mscgm-joint with a bridge, times and sampler that keep the spread, and a critic that acts."""
    return {**mscgm_joint(), **SAMPLES}


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
