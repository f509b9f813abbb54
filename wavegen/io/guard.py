"""The guard of :mod:`wavegen.core.guard`, for the readers of images."""

from wavegen.core.guard import guarded

__all__ = ["guarded"]
