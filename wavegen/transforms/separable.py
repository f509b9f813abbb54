"""Filtering both axes of an image by banded matrices, in chunks that fit the cache."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from wavegen.transforms.axis import AxisMap, Block

CHUNK = 1 << 19  # samples per chunk: 2 MB of float32


def _chunks(count: int, height: int, width: int, rows: AxisMap) -> Iterator[tuple[slice, tuple[Block, ...]]]:
    """Images and row blocks that are processed together: several small images, or part of the rows of a large one."""
    images = max(1, CHUNK // (height * width))
    if images > 1 or height * width <= CHUNK:
        for first in range(0, count, images):
            yield slice(first, min(first + images, count)), rows.blocks
        return
    step = max(1, len(rows.blocks) * CHUNK // (height * width))
    for image in range(count):
        for first in range(0, len(rows.blocks), step):
            yield slice(image, image + 1), rows.blocks[first : first + step]


def _add_product(out: Tensor, a: Tensor, b: Tensor, first: bool) -> None:
    """out = a @ b, or out += a @ b, in place; ``b`` and ``out`` are (images, rows, columns), ``a`` one matrix."""
    if len(out) == 1:
        torch.mm(a, b[0], out=out[0]) if first else out[0].addmm_(a, b[0])
    else:
        # The batched product is fast into contiguous memory only.
        product = torch.bmm(a.expand(len(b), -1, -1), b)
        out.copy_(product) if first else out.add_(product)


def _merge(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(stop, merged[-1][1])
        else:
            merged.append((start, stop))
    return merged


def analyse(x: Tensor, rows: AxisMap, columns: AxisMap) -> tuple[Tensor, ...]:
    """(B, C, H, W) to LL, H, V, D."""
    height, width = x.shape[-2:]
    source = x.reshape(-1, height, width).contiguous()
    bands = [x.new_empty(*x.shape[:2], rows.size, columns.size) for _ in range(4)]
    ll, h, v, d = (band.view(-1, rows.size, columns.size) for band in bands)
    for images, blocks in _chunks(len(source), height, width, rows):
        spans = _merge([(p.start, p.stop) for block in blocks for p in block.pieces])
        count, total = images.stop - images.start, sum(stop - start for start, stop in spans)
        lo, hi = (x.new_empty(count, total, columns.size) for _ in range(2))
        offsets, at = [], 0
        for start, stop in spans:
            samples = source[images, start:stop].flatten(0, 1)
            part = slice(at, at + stop - start)
            _columns_to_bands(samples, lo[:, part].flatten(0, 1), hi[:, part].flatten(0, 1), columns)
            offsets.append((start, stop, at - start))
            at += stop - start
        for block in blocks:
            for n, piece in enumerate(block.pieces):
                shift = next(s for a, b, s in offsets if a <= piece.start < b)
                inputs, outputs = slice(piece.start + shift, piece.stop + shift), slice(block.start, block.stop)
                for half, low, high in ((lo, ll, h), (hi, v, d)):
                    _add_product(low[images, outputs], piece.lo, half[:, inputs], n == 0)
                    _add_product(high[images, outputs], piece.hi, half[:, inputs], n == 0)
    return tuple(bands)


def _columns_to_bands(x: Tensor, lo: Tensor, hi: Tensor, columns: AxisMap) -> None:
    """Filter along the rows of ``x``, (rows, W)."""
    for block in columns.blocks:
        a, b = lo[:, block.start : block.stop], hi[:, block.start : block.stop]
        for n, piece in enumerate(block.pieces):
            inputs = x[:, piece.start : piece.stop]
            if n == 0:
                torch.mm(inputs, piece.lo.T, out=a)
                torch.mm(inputs, piece.hi.T, out=b)
            else:
                a.addmm_(inputs, piece.lo.T)
                b.addmm_(inputs, piece.hi.T)


def synthesise(ll: Tensor, h: Tensor, v: Tensor, d: Tensor, rows: AxisMap, columns: AxisMap) -> tuple[Tensor]:
    """LL, H, V, D to (B, C, H, W), by transposed maps."""
    height, width = ll.shape[-2:]
    x = ll.new_empty(*ll.shape[:2], rows.size, columns.size)
    target = x.view(-1, rows.size, columns.size)
    bands = [band.reshape(-1, height, width).contiguous() for band in (ll, h, v, d)]
    for images, blocks in _chunks(len(target), rows.size, columns.size, rows):
        start, stop = blocks[0].start, blocks[-1].stop
        halves = ll.new_empty(2, images.stop - images.start, stop - start, width)
        for block in blocks:
            outputs = slice(block.start - start, block.stop - start)
            for half, low, high in zip(halves, bands[::2], bands[1::2], strict=True):
                for n, piece in enumerate(block.pieces):
                    inputs = slice(piece.start, piece.stop)
                    _add_product(half[:, outputs], piece.lo, low[images, inputs], n == 0)
                    _add_product(half[:, outputs], piece.hi, high[images, inputs], False)
        lo, hi = halves.flatten(1, 2)
        _bands_to_columns(lo, hi, target[images, start:stop].flatten(0, 1), columns)
    return (x,)


def _bands_to_columns(lo: Tensor, hi: Tensor, x: Tensor, columns: AxisMap) -> None:
    """The transpose of :func:`_columns_to_bands`."""
    for block in columns.blocks:
        out = x[:, block.start : block.stop]
        for n, piece in enumerate(block.pieces):
            inputs = slice(piece.start, piece.stop)
            torch.mm(lo[:, inputs], piece.lo.T, out=out) if n == 0 else out.addmm_(lo[:, inputs], piece.lo.T)
            out.addmm_(hi[:, inputs], piece.hi.T)
