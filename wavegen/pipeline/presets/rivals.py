"""The systems that the hybrids are compared with: one loss, one budget, networks of about the hybrid's size.

What each takes from its source, and what was assumed, is in ``docs/reference/benchmark.md``.
"""

from __future__ import annotations

from typing import Any

from wavegen.core.registry import register
from wavegen.pipeline.presets.hybrids import BRIDGE, FIT, SAMPLES, mscgm_joint

FULL_UNET = {"name": "unet", "width": 32, "multipliers": [1, 2, 4, 5]}
PATCH_UNET = {"name": "unet", "width": 52, "multipliers": [1, 2, 4]}  # for a grid of cells of 4 x 4 pixels


def _full(bridge: dict[str, Any], steps: int, **more: Any) -> dict[str, Any]:
    """A process at full resolution."""
    return {
        "transform": {"name": "identity"},
        "bridge": bridge,
        "network": FULL_UNET,
        "sampler": {"steps": steps},
        "stages": FIT,
        **more,
    }


def _critic() -> dict[str, Any]:
    """The hybrid's critic, and its stages, which end with it."""
    joint = mscgm_joint()
    return {"critic": joint["critic"], "stages": joint["stages"]}


@register(
    "pipeline",
    "bbdm",
    "Brownian bridge diffusion at full resolution, same bridge settings",
    paper="arXiv 2205.07680",
)
def bbdm() -> dict[str, Any]:
    """No wavelets."""
    return _full(BRIDGE, 200)


@register("pipeline", "bbdm-gan", "bbdm with the bridge, sampler and critic of mscgm-realism")
def bbdm_gan() -> dict[str, Any]:
    """The control for the critic: what these settings and a GAN phase give without wavelets."""
    return {**bbdm(), **SAMPLES}


@register("pipeline", "bbdm-patch", "the control without wavelets: the bridge on 4 x 4 patches as channels")
def bbdm_patch() -> dict[str, Any]:
    """Space-to-depth in the place of the wavelet transform, no head."""
    return {
        "transform": {"name": "space_to_depth", "factor": 4},
        "bridge": BRIDGE,
        "network": PATCH_UNET,
        "sampler": {"steps": 4},
        "stages": FIT,
    }


@register("pipeline", "bbdm-patch-gan", "bbdm-patch with the bridge, sampler and critic of mscgm-realism")
def bbdm_patch_gan() -> dict[str, Any]:
    """The control for the wavelets: the hybrid's speed, loss and critic on patches."""
    return {**bbdm_patch(), **SAMPLES}


@register(
    "pipeline",
    "wavediff",
    "all Haar bands as the channels of one bridge, with the hybrid's critic",
    paper="WaveDiff, Phung et al., arXiv 2211.16152",
)
def wavediff() -> dict[str, Any]:
    """Taken: one Haar level, all bands diffuse together, an adversarial loss, few steps. Ours: bridge, network."""
    return {
        "transform": {"name": "packets", "wavelet": "haar", "levels": 1},
        "bridge": BRIDGE,
        "network": FULL_UNET,
        "sampler": {"steps": 4},
        **_critic(),
    }


@register(
    "pipeline",
    "diffll",
    "a bridge on LL2 and a regression of the high bands, no critic",
    paper="DiffLL, Jiang et al., arXiv 2306.00306; WaveDM, arXiv 2305.13819",
)
def diffll() -> dict[str, Any]:
    """Taken: two Haar levels, diffusion conditioned on y's own LL, regressed details, 10 steps. Ours: bridge, loss."""
    return {
        "transform": {"name": "haar", "levels": 2},
        "bridge": BRIDGE,
        "network": {"name": "unet", "width": 48, "multipliers": [1, 2, 4]},
        "conditioning": "ll",
        "head": {"name": "regression", "network": {"name": "unet", "width": 32, "multipliers": [1, 2]}},
        "sampler": {"steps": 10},
        "stages": FIT,
    }


@register(
    "pipeline",
    "latent",
    "the bridge in the space of a learned auto-encoder",
    paper="LDM, arXiv 2112.10752; BBDM, arXiv 2205.07680",
)
def latent() -> dict[str, Any]:
    """Taken: 4 x 4 pixels a latent, an auto-encoder trained first and frozen, BBDM's 200 steps. Ours: bridge, loss."""
    return {
        "transform": {"name": "autoencoder"},
        "bridge": BRIDGE,
        "network": {**PATCH_UNET, "width": 48},  # with the auto-encoder as many parameters as the others
        "sampler": {"steps": 200},
        "stages": [
            {"name": "autoencoder", "share": 0.25, "weights": {"autoencoder": 1.0}},
            {**FIT[0], "share": 0.75, "restart": True},
        ],
    }


@register(
    "pipeline",
    "ddpm",
    "conditional DDPM: y is concatenated to the noisy image",
    paper="arXiv 2006.11239, SR3 2104.07636",
)
def ddpm() -> dict[str, Any]:
    """Velocity prediction, since few-step sampling with eps is singular at the start."""
    stages = [{"name": "fit", "weights": {"coarse": 1.0}}]
    return _full({"name": "ddpm"}, 1000, prediction="v", start_fraction=0.0, stages=stages)


@register(
    "pipeline",
    "flow",
    "flow matching from noise at full resolution: y is concatenated",
    paper="arXiv 2209.03003, 2210.02747",
)
def flow() -> dict[str, Any]:
    """Its own straight lines and, times t, velocity; Euler steps of the ODE."""
    stages = [{"name": "fit", "weights": {"coarse": 1.0}}]
    sampler = {"steps": 8, "eta": 0.0}
    return _full({"name": "flow"}, 8, prediction="grad", start_fraction=0.0, stages=stages, sampler=sampler)


@register("pipeline", "irsde", "mean-reverting SDE (IR-SDE) at full resolution", paper="arXiv 2301.11699")
def irsde() -> dict[str, Any]:
    """Its own process and step count; x0 prediction and loss as for every other bridge here."""
    return _full({"name": "irsde"}, 100)


@register("pipeline", "refusion", "mean-reverting SDE with Refusion's noise", paper="arXiv 2304.08291")
def refusion() -> dict[str, Any]:
    """As irsde; neither its latent space nor its network."""
    return _full({"name": "refusion"}, 100)


@register("pipeline", "i2sb", "image-to-image Schrödinger bridge at full resolution", paper="arXiv 2302.05872")
def i2sb() -> dict[str, Any]:
    """Its own symmetric noise rate and step count; x0 prediction and loss as for every other bridge here."""
    return _full({"name": "i2sb"}, 1000)


@register("pipeline", "resshift", "residual-shifting chain of 15 steps at full resolution", paper="arXiv 2307.12348")
def resshift() -> dict[str, Any]:
    """Its own chain and x0 prediction; ``bridge: {T: 4}`` is that of its journal version. Not its latent space."""
    return _full({"name": "resshift"}, 15)


@register("pipeline", "goub", "generalised Ornstein-Uhlenbeck bridge at full resolution", paper="arXiv 2312.10299")
def goub() -> dict[str, Any]:
    """Its own process and step count; x0 prediction and loss as for every other bridge here."""
    return _full({"name": "goub"}, 100)


@register(
    "pipeline",
    "unet",
    "one-step regression at full resolution (CARE-like)",
    paper="CARE, Weigert et al. 2018",
)
def unet() -> dict[str, Any]:
    """The honest floor in realism and ceiling in PSNR."""
    return _full({"name": "regression"}, 1)


@register("pipeline", "cgan", "conditional GAN at full resolution (pix2pix-like)", paper="arXiv 1611.07004")
def cgan() -> dict[str, Any]:
    """Regression with a patch critic on the image."""
    fit = {"coarse": 1.0, "l1": 2.0}
    stages = [
        {"name": "fit", "share": 0.6, "weights": fit},
        {"name": "gan", "share": 0.4, "weights": {**fit, "adversarial": 0.01}},
    ]
    critic = {"on": "image", "loss": "hinge", "learning_rate": 4e-4}
    return _full({"name": "regression"}, 1, critic=critic, stages=stages)
