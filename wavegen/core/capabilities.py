"""What components can be declared to do: a closed vocabulary for each kind, so that no code reads it off a name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from wavegen.core.errors import near_matches

# Kind -> capability -> what it means. The kinds of component are the keys.
KNOWN: dict[str, dict[str, str]] = {
    "transform": {
        "orthonormal": "keeps the sum of squares",
        "lossy": "does not restore the image exactly; it has to be trained",
        "trainable": "has parameters that training may change",
        "redundant": "has more coefficients than the image has pixels",
    },
    "bridge": {
        "one-step": "a single step",
        "pinned": "a start exactly at y, without noise (with the default options)",
        "published-euler": "published Euler steps",
    },
    "solver": {
        "two-calls": "calls the network twice in each step but the last",
        "needs:published-euler": "only for processes with published Euler steps",
    },
    "grid": {
        "own-steps": "says itself how many steps it has",
    },
    "head": {
        "noise": "draws from noise of its own",
        "process": "walks a bridge: trained on its estimates, not on its draws",
    },
    "network": {
        "local": "each output pixel depends on a bounded neighbourhood",
        "time": "can be told the time",
    },
    "degradation": {
        "linear": "is a linear operator with a transpose",
        "random": "draws random numbers",
    },
    "dataset": {
        "simulated": "is simulated: has splits and any number of images",
    },
    "metric": {
        "paired": "compares an image with its target",
        "single": "judges an image alone",
        "ensemble": "judges several samples of one image",
        "distribution": "compares two sets of images",
        "higher_is_better": "a larger value is better",
        "lower_is_better": "a smaller value is better",
        "ideal_is_one": "1 is best",
        "differentiable": "has a gradient",
        "affine_invariant": "does not change with the scale and offset of intensities",
        "needs_weights": "needs the weights of a network",
    },
    "loss": {
        "needs:heads": "only for pipelines with detail bands, and heads for them",
        "needs:head-noise": "only for heads that draw from noise",
        "needs:noise": "only where the heads or the coarse network draw from noise",
        "needs:critic": "only for pipelines with a critic",
        "needs:teacher": "only after a stage that trains a teacher",
        "needs:lossy": "only for lossy transforms",
        "trains:coarse": "trains the coarse network, whatever the heads are given",
        "alone": "no other term may stand beside it",
    },
    "critic": {
        "images-only": "judges images, not bands",
    },
    "optimizer": {
        "own-schedule": "keeps its rate after the warm-up, and averages the weights itself",
    },
    "pipeline": {},
}  # fmt: skip

NEEDS = "needs:"  # a solver's capability of this form names one that its process must have


def check_declared(kind: str, name: str, declared: Iterable[str], factory: Callable[..., Any]) -> None:
    """Refuse capabilities that the kind does not know, or that the class itself contradicts.

    A class may have a classmethod ``facts`` that maps capabilities to whether it has them.

    Raises:
        ValueError: naming the component, the capability, and near matches or what the class says.
    """
    known = KNOWN[kind]
    for capability in declared:
        if capability not in known:
            raise ValueError(f"{kind} {name!r} declares the unknown capability {capability!r}; "
                             f"{near_matches(capability, known)}")  # fmt: skip
    facts: Callable[[], dict[str, bool]] = getattr(factory, "facts", dict)
    for capability, holds in facts().items():
        if holds != (capability in set(declared)):
            remedy = "declare it" if holds else "leave it out"
            raise ValueError(
                f"{kind} {name!r} {'has' if holds else 'declares, but has not,'} the capability {capability!r} "
                f"({known[capability]}); {remedy}"
            )
