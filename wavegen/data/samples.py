"""A real microscope image that is part of scikit-image."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from wavegen.core.errors import InputError
from wavegen.core.optional import need
from wavegen.io import Image, read_image

DESCRIPTION = (
    "Colonic glands, immunohistochemistry (FHL2, DAB) with haematoxylin counterstain; bright-field "
    "micrograph from the Center for Microscopy and Molecular Imaging (CMMI), shipped with scikit-image, "
    "no known copyright restrictions. Shown: 255 minus the blue channel, so that the brown stain is bright "
    "on dark as in fluorescence; it is not a fluorescence image."
)


def microscope_sample() -> Image:
    """A real micrograph with fine bright structures, (1, 512, 512) uint8, without any download.

    ``metadata["description"]`` states its content and source.

    Raises:
        InputError: scikit-image is not installed or does not hold the file.
    """
    package = Path(need("skimage", "eval", "the real micrograph of the demonstration").__file__).parent
    path = package / "data" / "ihc.png"
    if not path.is_file():
        raise InputError(f'{path} is missing; run: pip install --force-reinstall "wavegen[eval]"')
    rgb = read_image(path).pixels
    return Image(np.uint8(255) - rgb[2:3], {"axes": "YX", "description": DESCRIPTION})
