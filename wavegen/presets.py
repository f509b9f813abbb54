"""The named systems: each is one configuration of the one Pipeline."""

from __future__ import annotations

from typing import Any

from wavegen.errors import InputError
from wavegen.registry import entry, register

# The same settings for every system that can have them, so that a table compares structures:
# full-resolution networks of about the hybrid's number of parameters, one bridge, one loss.
FULL_UNET = {"name": "unet", "width": 32, "multipliers": [1, 2, 4, 5]}
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


@register(
    "pipeline",
    "bbdm",
    "Brownian bridge diffusion at full resolution, same bridge settings",
    paper="arXiv 2205.07680",
)
def bbdm() -> dict[str, Any]:
    """No wavelets."""
    return {
        "transform": {"name": "identity"},
        "bridge": BRIDGE,
        "network": FULL_UNET,
        "sampler": {"steps": 200},
        "stages": FIT,
    }


@register("pipeline", "bbdm-patch", "the control without wavelets: the bridge on 4 x 4 patches as channels")
def bbdm_patch() -> dict[str, Any]:
    """Space-to-depth in the place of the wavelet transform, no head."""
    return {
        "transform": {"name": "space_to_depth", "factor": 4},
        "bridge": BRIDGE,
        "network": {"name": "unet", "width": 52, "multipliers": [1, 2, 4]},
        "sampler": {"steps": 4},
        "stages": FIT,
    }


@register(
    "pipeline",
    "ddpm",
    "conditional DDPM: y is concatenated to the noisy image",
    paper="arXiv 2006.11239, SR3 2104.07636",
)
def ddpm() -> dict[str, Any]:
    """Velocity target, since few-step sampling with eps is singular at the start."""
    return {
        "transform": {"name": "identity"},
        "bridge": {"name": "ddpm"},
        "network": FULL_UNET,
        "target": "v",
        "start_fraction": 0.0,
        "sampler": {"steps": 1000},
        "stages": [{"name": "fit", "weights": {"coarse": 1.0}}],
    }


@register("pipeline", "irsde", "mean-reverting SDE (IR-SDE, Refusion) at full resolution", paper="arXiv 2301.11699")
def irsde() -> dict[str, Any]:
    """Its own process and step count; x0 target and loss as for every other bridge here."""
    return {
        "transform": {"name": "identity"},
        "bridge": {"name": "irsde"},
        "network": FULL_UNET,
        "sampler": {"steps": 100},
        "stages": FIT,
    }


@register(
    "pipeline",
    "unet",
    "one-step regression at full resolution (CARE-like)",
    paper="CARE, Weigert et al. 2018",
)
def unet() -> dict[str, Any]:
    """The honest floor in realism and ceiling in PSNR."""
    return {
        "transform": {"name": "identity"},
        "bridge": {"name": "regression"},
        "network": FULL_UNET,
        "sampler": {"steps": 1},
        "stages": FIT,
    }


@register("pipeline", "cgan", "conditional GAN at full resolution (pix2pix-like)", paper="arXiv 1611.07004")
def cgan() -> dict[str, Any]:
    """Regression with a patch critic on the image."""
    fit = {"coarse": 1.0, "l1": 2.0}
    return {
        "transform": {"name": "identity"},
        "bridge": {"name": "regression"},
        "network": FULL_UNET,
        "sampler": {"steps": 1},
        "critic": {"on": "image", "loss": "hinge", "learning_rate": 4e-4},
        "stages": [
            {"name": "fit", "share": 0.6, "weights": fit},
            {"name": "gan", "share": 0.4, "weights": {**fit, "adversarial": 0.01}},
        ],
    }
