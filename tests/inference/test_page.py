"""The files of an evaluation: valid JSON, a line for each image, a page that needs nothing else."""

from __future__ import annotations

import base64
import csv
import json
import re
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from wavegen.core.types import Pair, Restoration
from wavegen.inference.evaluate import Scorer, evaluate
from wavegen.reports.gallery import SHOWN, Gallery, write_evaluation


class Noisy:
    """Fourteen pairs; the input is half the truth."""

    def __len__(self) -> int:
        return 14

    def __getitem__(self, index: int) -> Pair:
        x = torch.rand(1, 16, 20, generator=torch.Generator().manual_seed(index))
        return Pair(x, x / 2)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.pictures: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.pictures.append(str(dict(attrs)["src"]))
        assert not any("http" in str(value) for _, value in attrs), "the page loads something"


def test_files_say_what_was_scored(tmp_path: Path) -> None:
    def restore(y: torch.Tensor, first: int) -> Restoration:
        samples = torch.stack([2 * y, 2 * y + 0.1])
        return Restoration(samples.mean(0), samples.std(0), samples, 3, 0.1)

    gallery = Gallery("target")
    scores = evaluate(restore, Noisy(), scorer=Scorer(perceptual=False), observer=gallery, batch=4)
    scores |= {"psnr": 40.0, "ri_psnr": 40.0}  # of exact restorations they are infinite, which JSON has not
    write_evaluation(tmp_path, {"model": "<b>mine</b>", "restored": scores}, gallery)
    assert json.loads((tmp_path / "evaluation.json").read_text())["restored"]["images"] == 14
    rows = list(csv.DictReader((tmp_path / "evaluation.csv").read_text().splitlines()))
    assert [int(row["image"]) for row in rows] == list(range(14))
    assert {"psnr", "ssim", "spectrum_error", "spread"} <= rows[0].keys()
    page = (tmp_path / "evaluation.html").read_text()
    assert "<b>mine" not in page, "names are escaped"
    tags = Tags()
    tags.feed(page)
    assert len(tags.pictures) == 4 * SHOWN
    shown = [np.array(Image.open(BytesIO(base64.b64decode(p.split(",")[1])))) for p in tags.pictures]
    assert {s.shape for s in shown} == {(16, 20)}
    names = re.findall(r'alt="(\w+)"', page)
    restored, truth = (shown[names.index(name)] for name in ("restored", "truth"))
    np.testing.assert_array_equal(restored, truth)
