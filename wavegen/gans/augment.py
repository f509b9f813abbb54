"""Differentiable augmentation of what a critic sees, so that few images last longer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from wavegen.core.draws import integers, uniform


def _flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each item, or not, along each axis."""
    for axis in (-2, -1):
        chosen = (uniform((len(images),), generator) < 0.5).view(-1, 1, 1, 1).to(images.device)
        images = torch.where(chosen, images.flip(axis), images)
    return images


def _translate(images: Tensor, generator: torch.Generator) -> Tensor:
    """Shift each item by up to an eighth of its sides; what comes in is 0."""
    height, width = images.shape[-2:]
    most = (height // 8, width // 8)
    padded = F.pad(images, (most[1], most[1], most[0], most[0]))
    down, right = (integers(0, 2 * m + 1, (len(images),), generator).tolist() for m in most)
    moved = [p[:, r : r + height, c : c + width] for p, r, c in zip(padded, down, right, strict=True)]
    return torch.stack(moved) if moved else images


def _cutout(images: Tensor, generator: torch.Generator) -> Tensor:
    """Set a square of half of each item's sides to 0."""
    height, width = images.shape[-2:]
    rows, columns = torch.arange(height), torch.arange(width)
    top = integers(-(height // 4), height - height // 4, (len(images), 1), generator)
    left = integers(-(width // 4), width - width // 4, (len(images), 1), generator)
    inside_rows = (rows >= top) & (rows < top + height // 2)
    inside_columns = (columns >= left) & (columns < left + width // 2)
    hole = inside_rows[:, None, :, None] & inside_columns[:, None, None, :]
    return images.masked_fill(hole.to(images.device), 0.0)


AUGMENTATIONS: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "flip": _flip,
    "translate": _translate,
    "cutout": _cutout,
}


def augment(images: Sequence[Tensor], names: Sequence[str], generator: torch.Generator) -> list[Tensor]:
    """Augment tensors (B, c, H, W) of one size alike: item i of all of them in the same way.

    Zhao et al., arXiv 2006.10738; the gradient goes through. Names are of :data:`AUGMENTATIONS`.
    """
    joined = torch.cat(list(images), dim=1)
    for name in names:
        joined = AUGMENTATIONS[name](joined, generator)
    return list(torch.split(joined, [image.shape[1] for image in images], dim=1))
