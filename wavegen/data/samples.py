"""A real microscope image that an installed package brings along."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from wavegen.core.errors import InputError
from wavegen.io import Image, read_image

DESCRIPTION = (
    "Colonic glands, immunohistochemistry (FHL2, DAB) with haematoxylin counterstain; bright-field "
    "micrograph from the Center for Microscopy and Molecular Imaging (CMMI), shipped with scikit-image, "
    "no known copyright restrictions. Shown: 255 minus the blue channel, so that the brown stain is bright "
    "on dark as in fluorescence; it is not a fluorescence image."
)


def microscope_sample() -> Image:
    """A real micrograph with fine bright structures, (1, 512, 512) uint8, without any download.

    ``metadata["description"]`` says what it shows and where it is from. Read from scikit-image's own
    files; the package is not imported.

    Raises:
        InputError: scikit-image is not installed or does not hold the file.
    """
    spec = find_spec("skimage")
    folders = list(spec.submodule_search_locations or []) if spec else []
    path = next((p for f in folders if (p := Path(f, "data", "ihc.png")).is_file()), None)
    if path is None:
        raise InputError('scikit-image with its sample ihc.png was not found; run: pip install "wavegen[eval]"')
    rgb = read_image(path).pixels
    return Image(np.uint8(255) - rgb[2:3], {"axes": "YX", "description": DESCRIPTION})
