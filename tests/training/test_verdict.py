"""Guards the sentences at the end of a training: each figure in them is measured, and none says more than it can."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from wavegen.training.history import Baseline, History, Look
from wavegen.training.verdict import sentences


def look(step: int, psnr: Sequence[float], eligible: bool = True) -> Look:
    return Look(
        step=step, place=step, stage="fit", core_minutes=step / 10, average="a", psnr=list(psnr), eligible=eligible
    )


def baseline(method: str, psnr: Sequence[float], **options: float) -> Baseline:
    return Baseline(method=method, options=options, psnr=list(psnr))


def verdict(
    scores: Sequence[float], *baselines: Baseline, images: int = 6, decides: bool = True, at: int | None = None
) -> str:
    """Of a run that scored so at every tenth step, the images a dB apart."""
    looks = [look(10 * (i + 1), [score + image for image in range(images)]) for i, score in enumerate(scores)]
    best = looks[at] if at is not None else max(looks, key=lambda row: row.score)
    return "\n".join(
        sentences(
            History(
                images=[f"{i}.tif" for i in range(images)], side=None, scale="target", looks=looks, best=best,
                baselines=list(baselines), decides=decides,
            )
        )
    )  # fmt: skip


def spread(mean: float, by: float = 0.1, images: int = 6) -> list[float]:
    """Scores of a baseline that differ from a model's by about as much on every image."""
    return [mean + image + (by if image % 2 else -by) for image in range(images)]


def test_a_model_is_compared_with_every_baseline_strongest_first() -> None:
    said = verdict(
        [28, 29, 30], baseline("gaussian", spread(28.8), sigma=1.5), baseline("bm3d", spread(29.7), h=1.4),
    ).splitlines()[0]  # fmt: skip
    # Student's t(0.975, 5) = 2.571; s = 0.1 sqrt(6/5); half = 2.571 · 0.1095 / sqrt(6) = 0.115
    assert said == (
        "better than BM3D (h 1.4) by 0.30 dB (0.19 to 0.41), "
        "than the best Gaussian (sigma 1.5) by 1.20 dB (1.09 to 1.31)"
    )


def test_what_is_not_beaten_comes_first() -> None:
    said = verdict(
        [28, 29, 30],
        baseline("gaussian", spread(30.05), sigma=2), baseline("bm3d", spread(31), h=1), baseline("input", spread(25)),
    ).splitlines()[0]  # fmt: skip
    assert said == (
        "worse than BM3D (h 1) by 1.00 dB (0.89 to 1.11); no better than the best Gaussian (sigma 2): -0.05 dB "
        "(-0.16 to +0.06); better than the input by 5.00 dB (4.89 to 5.11)"
    )


def test_one_image_has_no_interval() -> None:
    said = verdict([28, 30], baseline("input", [29.0]), images=1)
    assert "better than the input by 1.00 dB\n" in said
    assert "few images" in said
    assert "few images" not in verdict([28, 30], images=5)


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ([25, 27, 28, 28.5, 29], "still improving at the end (+1.00 dB in its last quarter): train longer"),
        ([25, 28, 29, 29, 29.02], "level at the end (+0.02 dB in its last quarter)"),
        ([25, 29, 28.5, 28.2, 28], "best at step 20 of 50, then 1.00 dB lower: over-fitted"),
        ([29.0], "too few looks to tell"),
    ],
)
def test_the_course_of_a_training(scores: Sequence[float], said: str) -> None:
    assert said in verdict(scores)


def test_the_choice_of_the_best_look_is_told() -> None:
    said = verdict([28, 30, 29.6, 29.9])
    assert (
        "the best of 4 looks at these images (step 20; 0.10 dB above the last, 0.17 above the mean of the last 3)"
        in said
    )


def test_draws_are_not_chosen_by_their_error() -> None:
    said = verdict([28, 30, 29], decides=False, at=2)
    assert "this score does not judge" in said
    assert "the best of" not in said
    assert "over-fitted" not in said


def test_looks_before_the_last_stage_give_no_verdict() -> None:
    history = History(images=["a"], side=None, scale="target", looks=[look(5, [20.0], eligible=False)])
    assert sentences(history) == ["no verdict: the images were never looked at in the last stage of the training"]


def test_what_was_not_compared_is_said() -> None:
    row = look(5, [20.0])
    history = History(images=["a"], side=64, scale="affine", looks=[row], best=row, left_out=["BM3D needs a package"])
    said = sentences(history)
    assert "not compared: BM3D needs a package" in said
    assert said[0] == "PSNR 20.00 dB on the middle 64 × 64 pixels of 1 validation image, at one call of the network"
