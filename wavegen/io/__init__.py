"""Image files to arrays and back."""

from wavegen.io.files import (
    STACK_EXTENSIONS,
    jpeg_loss,
    not_kept,
    one_per_set,
    open_stack,
    partners,
    stack_writer,
    stem,
    write_stack,
)
from wavegen.io.images import EXTENSIONS, Header, Image, image_header, image_shape, read_image, write_image
from wavegen.io.mrc import read_mrc
from wavegen.io.saturation import saturated_share
from wavegen.io.stack import Place, Stack, of_another_quantity

__all__ = [
    "EXTENSIONS",
    "STACK_EXTENSIONS",
    "Header",
    "Image",
    "Place",
    "Stack",
    "image_header",
    "image_shape",
    "jpeg_loss",
    "not_kept",
    "of_another_quantity",
    "one_per_set",
    "open_stack",
    "partners",
    "read_image",
    "read_mrc",
    "saturated_share",
    "stack_writer",
    "stem",
    "write_image",
    "write_stack",
]
