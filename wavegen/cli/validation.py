"""Which images ``wavegen train`` holds out, and what it says of that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavegen.core.errors import InputError, shown

if TYPE_CHECKING:
    from pathlib import Path

    from wavegen.core.types import PairSource
    from wavegen.data import Split
    from wavegen.training.validation import Described

SIMULATED = 12  # images of a simulated set's validation split
OFF = "off"


def held_out(
    spec: dict[str, Any], source: PairSource, seed: int, option: str | None, state: Path
) -> tuple[PairSource, PairSource | None, str]:
    """What is trained on, what is held out (None: nothing), and a line that says so.

    Simulated sets have a validation split of their own. A run that is resumed without ``option`` keeps its split.

    Raises:
        InputError: an ``option`` that is no number and not ``off``, or images that cannot be split as it says.
    """
    from wavegen.data import Simulator, hold_out
    from wavegen.data.holdout import LEAST, split_at

    if option == OFF:
        return source, None, "no validation: nothing says whether the result is good"
    wanted = _number(option)
    earlier = _recorded(state) if option is None else None
    if option is None and state.exists() and earlier is None:
        return source, None, "no validation, as the run began"
    if isinstance(source, Simulator):
        return source, *_own_split(
            spec, wanted if wanted is not None else (SIMULATED if earlier is None else len(earlier.images))
        )
    if earlier is not None and earlier.items is not None:
        return _parts(split_at(source, earlier.items))
    if wanted is None and len(source) < LEAST:
        few = "one image" if len(source) == 1 else f"{len(source)} images"
        return source, None, f"{few}: too few to hold any out (that takes {LEAST}); judge the result on other images"
    return _parts(hold_out(source, wanted, seed))


def _parts(split: Split) -> tuple[PairSource, PairSource, str]:
    return split.train, split.held_out, split.said


def _own_split(spec: dict[str, Any], count: float) -> tuple[PairSource | None, str]:
    """Images of a simulated set's validation split."""
    from wavegen.core.registry import build

    if spec.get("split") != "train":
        return None, f"no validation: the data are the split {spec.get('split')} of a simulated set, not train"
    if count < 1 or count != int(count):
        raise InputError(f"--validate {count:g} of simulated images: give a whole number, or off")
    data = build("dataset", {**spec, "split": "validation", "length": int(count)})
    return data, f"{spec['length']} simulated images train, {int(count)} of another split are for validation"


def _number(option: str | None) -> float | None:
    if option is None:
        return None
    try:
        return float(option)
    except ValueError:
        raise InputError(f"--validate {shown(option)}: give a number of images, a share below 1, or off") from None


def _recorded(state: Path) -> Described | None:
    """The validation of a run that was begun; None where there is no run, or it has none."""
    from wavegen.core.config import check
    from wavegen.training.state import recorded
    from wavegen.training.validation import Described

    found = recorded(state)["run"].get("data", {}).get("validation") if state.exists() else None
    return None if found is None else check(Described, found, f"{state}: validation")
