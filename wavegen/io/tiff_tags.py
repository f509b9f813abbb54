"""The tags of a TIFF that say how pixels are meant and shown, as options of tifffile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wavegen.io.samples import Samples
from wavegen.io.tiff import ORIENTATION

EXTRA = ("unspecified", "assocalpha", "unassalpha")  # by code
SHORT = "H"
UM_PER_CM = 1e4
SMALLEST, LARGEST = 1e-4, 2.0**32  # pixels per centimetre


def per_centimetre(y_um: float, x_um: float) -> dict[str, Any]:
    """Options for a pixel size in µm, or none where the fractions of 32-bit numbers in the tag cannot hold it."""
    counts = (UM_PER_CM / x_um, UM_PER_CM / y_um)
    fit = all(SMALLEST < count < LARGEST for count in counts)
    return {"resolution": counts, "resolutionunit": "CENTIMETER"} if fit else {}


def tags_of(metadata: Mapping[str, Any], *, in_description: bool = False) -> dict[str, Any]:
    """Options of ``tifffile.imwrite``: photometric interpretation, samples, orientation, profile, resolution.

    Args:
        metadata: entries of :attr:`~wavegen.io.stack.Stack.other`.
        in_description: whether sizes in units that are no lengths go into the description.
    """
    samples: Samples | None = metadata.get("samples")
    white = bool(metadata.get("white_is_zero"))
    options: dict[str, Any] = {"photometric": "miniswhite" if white else "minisblack"}
    if samples:
        options["planarconfig"] = "separate" if samples.planar else "contig"
        options["extrasamples"] = [EXTRA[code] for code in samples.extra]
        if samples.colour:
            options["photometric"] = "rgb"
    if "orientation" in metadata:
        options["extratags"] = [(ORIENTATION, SHORT, 1, int(metadata["orientation"]), True)]
    if "icc" in metadata:
        options["iccprofile"] = metadata["icc"]
    if "resolution" in metadata and not in_description:
        x, y, unit = metadata["resolution"]
        options |= {"resolution": (x, y), "resolutionunit": unit.upper()}
    return options
