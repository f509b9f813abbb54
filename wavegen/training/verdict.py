"""What a validation says in plain words, from its figures alone."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from wavegen.reports.intervals import interval
from wavegen.training.history import Baseline, History, Look

NAMES = {
    "input": "the input",
    "gaussian": "the best Gaussian",
    "total variation": "total variation",
    "non-local means": "non-local means",
    "richardson-lucy": "Richardson-Lucy",
    "bm3d": "BM3D",
}
FEW = 5  # images, below which an interval says little
GAINED, FELL = 0.05, 0.2  # dB: what counts as improving, and as falling
LATE = 0.75  # of the run: what is gained after it tells whether more training would help


def sentences(history: History) -> list[str]:
    """The verdict: the model against each baseline, its course, and how far both can be trusted; a sentence a line."""
    looks = history.eligible()
    if history.best is None or not looks:
        return ["no verdict: the images were never looked at in the last stage of the training"]
    lines = [_against(history.best, history.baselines)] if history.baselines else []
    lines.append(f"PSNR {history.best.score:.2f} dB on {_images(history)}, at one call of the network")
    if history.stopped is not None:
        lines.append(history.stopped)
    lines.append(_course(history.best, looks))
    if not history.decides:
        lines.append("the last stage trains draws, which this score does not judge: the model is the last average")
    elif len(looks) > 1:
        lines.append(_selected(history.best, looks))
    if history.left_out:
        lines.append(f"not compared: {'; '.join(history.left_out)}")
    if len(history.images) < FEW:
        lines.append("few images: small differences may be chance")
    return lines


def _images(history: History) -> str:
    count = len(history.images)
    images = f"{count} validation image{'s' if count > 1 else ''}"
    return images if history.side is None else f"the middle {history.side} × {history.side} pixels of {images}"


def _against(model: Look, baselines: Sequence[Baseline]) -> str:
    """The model beside every baseline; first what it does not beat."""
    better, rest = [], []
    for baseline in sorted(baselines, key=lambda b: -b.score):
        mean, half, _ = interval([a - b for a, b in zip(model.psnr, baseline.psnr, strict=True)])
        margin = half or 0.0
        if abs(mean) <= margin:
            rest.append(
                f"no better than {_name(baseline)}: {mean:+.2f} dB ({mean - margin:+.2f} to {mean + margin:+.2f})"
            )
            continue
        spread = "" if half is None else f" ({abs(mean) - margin:.2f} to {abs(mean) + margin:.2f})"
        text = f"than {_name(baseline)} by {abs(mean):.2f} dB{spread}"
        if mean > 0:
            better.append(text)
        else:
            rest.append(f"worse {text}")
    return "; ".join([*rest, *([f"better {', '.join(better)}"] if better else [])])


def _name(baseline: Baseline) -> str:
    options = ", ".join(f"{name} {value:g}" for name, value in baseline.options.items())
    return f"{NAMES[baseline.method]} ({options})" if options else NAMES[baseline.method]


def _course(best: Look, looks: Sequence[Look]) -> str:
    """Whether the score was still rising, level or falling at the end."""
    last = looks[-1]
    before = [look.score for look in looks if look.step <= LATE * last.step]
    fell = best.score - last.score
    if fell > FELL:
        return (
            f"best at step {best.step} of {last.step}, then {fell:.2f} dB lower: over-fitted; train shorter, on more "
            "images, or with augmentation"
        )
    if not before:
        return "too few looks to tell whether more training would help"
    gained = last.score - max(before)
    if gained > GAINED:
        return f"still improving at the end ({gained:+.2f} dB in its last quarter): train longer"
    return f"level at the end ({gained:+.2f} dB in its last quarter): more training of this kind would gain little"


def _selected(best: Look, looks: Sequence[Look]) -> str:
    """What choosing the best look on the images that it is judged on may have added."""
    gain = best.score - looks[-1].score
    usual = fmean(look.score for look in looks[-3:])
    return (
        f"the model is the best of {len(looks)} looks at these images (step {best.step}; {gain:.2f} dB above the "
        f"last, {best.score - usual:.2f} above the mean of the last {len(looks[-3:])}): judge it on others"
    )
