"""Image files to arrays and back."""

from wavegen.io.images import EXTENSIONS, Image, image_shape, read_image, write_image

__all__ = ["EXTENSIONS", "Image", "image_shape", "read_image", "write_image"]
