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
    lines.append(_course(history.best, looks))
    if not history.decides:
        lines.append("the last stage trains draws, which this score does not judge: the model is the last average")
    elif len(looks) > 1:
        lines.append(_selected(history.best, looks))
    if len(history.images) < FEW:
        lines.append("few images: small differences may be chance")
    return lines


def _images(history: History) -> str:
    count = len(history.images)
    return f"the middle {history.side} pixels of {count} validation image{'s' if count > 1 else ''}"


def _against(model: Look, baselines: Sequence[Baseline]) -> str:
    """The model beside every baseline; first what it does not beat."""
    compared = [(b, *_difference(model.psnr, b.psnr)) for b in sorted(baselines, key=lambda b: -b.score)]
    better = [f"than {_name(b)} by {text}" for b, sure, text in compared if sure > 0]
    rest = [(b, sure, text) for b, sure, text in compared if sure <= 0]
    if not rest:
        return f"better {', '.join(better)}"
    words = ", ".join(
        f"{'worse' if sure < 0 else 'no better'} than {_name(b)} ({'by ' if sure < 0 else 'difference '}{text})"
        for b, sure, text in rest
    )
    return words + (f"; better {', '.join(better)}" if better else "")


def _name(baseline: Baseline) -> str:
    options = ", ".join(f"{name} {value:g}" for name, value in baseline.options.items())
    return f"{NAMES[baseline.method]} ({options})" if options else NAMES[baseline.method]


def _difference(model: Sequence[float], baseline: Sequence[float]) -> tuple[int, str]:
    """1 better, -1 worse, 0 not told apart, by the paired differences; and their mean, with its interval."""
    mean, half, _ = interval([a - b for a, b in zip(model, baseline, strict=True)])
    if half is None:
        return (mean > 0) - (mean < 0), f"{abs(mean):.2f} dB"
    sure = 0 if abs(mean) <= half else 1 if mean > 0 else -1
    if sure:
        return sure, f"{abs(mean):.2f} dB ({abs(mean) - half:.2f} to {abs(mean) + half:.2f})"
    return sure, f"{mean:+.2f} dB, {mean - half:+.2f} to {mean + half:+.2f}"


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
