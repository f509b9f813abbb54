"""What the samples of a pixel mean: photometric interpretation × extra samples -> colour, alpha, channels.

====================  =================  ==========================================================================
photometric           extra samples      meaning
====================  =================  ==========================================================================
black is zero         none               grey
white is zero         none               grey, inverted when read and when written
black or white        unspecified        channels, such as those of a fluorescence microscope
black or white        alpha, the last    grey (or channels) and transparency
RGB                   none               colour
RGB                   alpha, the last    colour and transparency (premultiplied where the file says "associated")
RGB                   unspecified        colour and one more channel
palette               none               colour, looked up; in ImageJ's files grey, with a colour table for display
YCbCr under JPEG      none               colour, as the JPEG decoder returns RGB
others                any                refused: CMYK, Lab, YCbCr, masks, sensor mosaics, logarithmic encodings
====================  =================  ==========================================================================

The numbers are those of TIFF 6.0. More than four samples are refused, as no image format here writes them back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wavegen.core.errors import InputError

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, YCBCR = 0, 1, 2, 3, 6
NAMES = {
    4: "transparency mask", 5: "CMYK", 6: "YCbCr", 8: "CIELAB", 9: "ICCLAB", 10: "ITULAB", 32803: "colour filter array",
    32844: "LogL", 32845: "LogLuv", 34892: "linear raw", 51177: "depth map",
}  # fmt: skip
UNSPECIFIED, ASSOCIATED, UNASSOCIATED = 0, 1, 2
MAX_SAMPLES = 4


class Samples(NamedTuple):
    """How channels are stored within pixels.

    ``colour``: the first three are R, G, B. ``extra``: codes of the samples beyond grey or colour. ``planar``: one
    plane after the other instead of one pixel after the other.
    """

    colour: bool = False
    extra: tuple[int, ...] = ()
    planar: bool = False

    @property
    def alpha(self) -> bool:
        """Whether the last sample is transparency."""
        return bool(self.extra) and self.extra[-1] in (ASSOCIATED, UNASSOCIATED)


def colour_samples(channels: int) -> Samples:
    """RGB, or RGB and transparency, one pixel after the other."""
    return Samples(colour=True, extra=(UNASSOCIATED,) * (channels - 3))


class Meaning(NamedTuple):
    """Samples, and what is done with values: looked up in a palette, or inverted."""

    samples: Samples
    palette: bool = False
    inverted: bool = False


def meaning(
    photometric: int,
    count: int,
    extra: Sequence[int],
    *,
    planar: bool = False,
    jpeg: bool = False,
    imagej: bool = False,
) -> Meaning:
    """The meaning of ``count`` samples for each pixel; see the table above.

    Args:
        photometric: code of the photometric interpretation.
        count: samples for each pixel.
        extra: codes of extra samples, as far as the file gives them.
        planar: whether samples are stored plane by plane.
        jpeg: whether a JPEG decoder has converted the colours.
        imagej: whether ImageJ wrote the file, whose palettes are for display only.

    Raises:
        InputError: another interpretation, more than four samples, alpha that is not the last sample.
    """
    colour = photometric == RGB or (photometric == YCBCR and jpeg)
    if not colour and photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, PALETTE):
        name = NAMES.get(photometric, f"photometric interpretation {photometric}")
        raise InputError(f"its pixels are {name}, which is neither grey nor RGB; convert it to grey or RGB")
    if count > MAX_SAMPLES:
        raise InputError(
            f"{count} samples per pixel; at most {MAX_SAMPLES} are taken: save channels as planes, such as an ImageJ "
            "hyperstack or OME-TIFF"
        )
    if photometric == PALETTE:
        if count != 1:
            raise InputError(f"a palette with {count} samples per pixel; convert it to RGB")
        return Meaning(Samples()) if imagej else Meaning(Samples(colour=True), palette=True)
    base = 3 if colour else 1
    if count < base:
        raise InputError(f"RGB with {count} sample(s) per pixel; export it again")
    codes = (*extra[: count - base], *[UNSPECIFIED] * (count - base - len(extra)))
    if any(code in (ASSOCIATED, UNASSOCIATED) for code in codes[:-1]):
        raise InputError("its alpha channel is not the last sample; save it as RGBA, or without alpha")
    return Meaning(Samples(colour, codes, planar), inverted=photometric == WHITE_IS_ZERO)
