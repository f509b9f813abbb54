"""Whether the stages of a training fit the pipeline: the declared needs of their loss terms against what it has."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from wavegen.core.errors import InputError
from wavegen.core.registry import entry, validate
from wavegen.pipeline.config import PipelineConfig, Stage

if TYPE_CHECKING:
    from wavegen.pipeline.pipeline import Pipeline


def needs(term: str) -> frozenset[str]:
    """What a loss term declares: the capabilities of its entry in the registry."""
    return entry("loss", term).capabilities


def stage_needs(stage: Stage, need: str) -> bool:
    """Whether a loss term of a stage declares a need."""
    return any(need in needs(term) for term in stage.weights)


def check_stages(pipeline: Pipeline) -> None:
    """Refuse stages whose terms the pipeline cannot give, or that train nothing.

    Raises:
        InputError: naming the stage, the term and what it needs.
    """
    stages = pipeline.config.stages
    for index, stage in enumerate(stages):
        for term, options in stage.options().items():
            try:
                validate("loss", {"name": term, **options})
            except InputError as error:
                raise InputError(f"stage {stage.name!r}: weights.{term}: {error}") from None
            for need in sorted(needs(term)):
                if need in _NEEDS:
                    _NEEDS[need](pipeline, stage, index, term)
    lossy = pipeline.transform.lossy
    if lossy != stage_needs(stages[0], "needs:lossy"):
        raise InputError(
            f"transform {pipeline.config.transform['name']!r}: a first stage that weighs 'autoencoder' is what a "
            "lossy transform needs, and no other can have"
        )
    for stage in stages:
        if not stage_needs(stage, "needs:lossy"):
            _check_trains(pipeline, stage)


def _check_trains(pipeline: Pipeline, stage: Stage) -> None:
    """Refuse a stage without anything to train."""
    coarse = stage.low_band == "predicted" or stage_needs(stage, "trains:coarse")
    head = pipeline.head(0) if len(pipeline.heads) else None
    if not coarse and (head is None or not head.trainable):
        name = (pipeline.config.head or {}).get("name")
        raise InputError(
            f"stage {stage.name!r} trains nothing: low_band: {stage.low_band} leaves the coarse network as it is, and "
            + ("there is no head" if head is None else f"head {name!r} has no parameters")
        )


def _alone(pipeline: Pipeline, stage: Stage, index: int, term: str) -> None:
    if index or len(stage.weights) > 1:
        raise InputError(f"stage {stage.name!r}: {term!r} stands alone, and in the first stage only")


def _heads(pipeline: Pipeline, stage: Stage, index: int, term: str) -> None:
    if not len(pipeline.heads):
        raise InputError(f"stage {stage.name!r} weighs {term!r}, but the transform has no detail bands")


def _head_noise(pipeline: Pipeline, stage: Stage, index: int, term: str) -> None:
    _heads(pipeline, stage, index, term)
    head = pipeline.head(0)
    if head.process or not head.noise_channels:
        name = (pipeline.config.head or {}).get("name")
        raise InputError(f"stage {stage.name!r} weighs {term!r}: head {name!r} has no noise to draw twice from")


def _noise(pipeline: Pipeline, stage: Stage, index: int, term: str) -> None:
    config: PipelineConfig = pipeline.config
    if stage.rollout or stage.low_band != "predicted":
        raise InputError(f"stage {stage.name!r}: {term} draws the whole image: give low_band: predicted, no rollout")
    if not config.coarse_noise + pipeline.head_noise:
        raise InputError(
            f"stage {stage.name!r} weighs {term!r}: nothing is drawn without coarse_noise or a head's noise"
        )


def _critic(pipeline: Pipeline, stage: Stage, index: int, term: str) -> None:
    if pipeline.config.critic is None:
        raise InputError(f"stage {stage.name!r} weighs {term!r} but the pipeline has no critic")


def _teacher(pipeline: Pipeline, stage: Stage, index: int, term: str) -> None:
    config: PipelineConfig = pipeline.config
    if index == 0:
        raise InputError(f"stage {stage.name!r} distills, but no stage before it trains the teacher")
    others = [name for name in stage.weights if name != term and "trains:coarse" in needs(name)]
    if others or stage.rollout:
        other = repr(others[0]) if others else "rollout"
        raise InputError(
            f"stage {stage.name!r}: {term} takes the place of the coarse term and of rollout; drop {other}"
        )
    if config.prediction == "eps":
        raise InputError(f"stage {stage.name!r}: {term} needs another prediction than eps, which is singular at t = 1")
    if pipeline.bridge.pinned and len(pipeline.times) == 2:
        raise InputError(
            f"distilling {config.bridge['name']!r} to one call leaves its mean: it starts at y, and its noise "
            "enters at the second call; give sampler.steps of 2 or more"
        )


_Check = Callable[["Pipeline", Stage, int, str], None]
_NEEDS: dict[str, _Check] = {
    "alone": _alone,
    "needs:heads": _heads,
    "needs:head-noise": _head_noise,
    "needs:noise": _noise,
    "needs:critic": _critic,
    "needs:teacher": _teacher,
}
