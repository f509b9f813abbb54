"""How far does KID stray from its expectation when there are few images?

    python benchmarks/few_images.py [--draws 200]

Patches of simulated HeLa cells of 128 x 128 pixels: true images against other true images, against restorations in one
call (mscgm-hela) and against unrestored inputs. For each size of set, Markdown with mean and standard deviation of
KID x 1000 (EfficientNet-Lite0, whose weights are needed) over draws of the sets.
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor

from wavegen.core.registry import build
from wavegen.metrics import kid
from wavegen.metrics.scales import scaled
from wavegen.pipeline.pipeline import Pipeline

SIZES = (2, 3, 5, 10, 20, 50, 100)
HALF = 130  # images that are restored; as many others stand for the truth


def features() -> dict[str, tuple[Tensor, Tensor]]:
    """Two sets of features to draw from, by what they are."""
    data = build("dataset", {"name": "hela", "split": "test", "size": 128, "length": 2 * HALF})
    pairs = [data[i] for i in range(2 * HALF)]
    x, y = torch.stack([pair.x for pair in pairs]), torch.stack([pair.y for pair in pairs[:HALF]])
    pipeline, metric = Pipeline.from_pretrained("mscgm-hela"), build("metric", "kid_effnet_lite0")
    restored = torch.cat([torch.as_tensor(pipeline.restore(part, steps=1).image) for part in y.split(10)])
    found = {
        name: metric.features(scaled("target", images, truth)[0].clamp(0, 1), 1.0)
        for name, images, truth in (("true", x, x), ("restored", restored, x[:HALF]), ("input", y, x[:HALF]))
    }
    others = found["true"][HALF:]
    return {
        "true images": (found["true"][:HALF], others),
        "restorations": (found["restored"], others),
        "inputs": (found["input"], others),
    }


def main() -> None:
    """Parse the command line, draw and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=200, help="pairs of sets")
    draws = parser.parse_args().draws
    generator = torch.Generator().manual_seed(0)
    sets = features()
    print("| images in each set |", " | ".join(sets), "|\n|---|---|---|---|")
    for size in SIZES:
        cells = []
        for a, b in sets.values():
            picked = [[torch.randperm(HALF, generator=generator)[:size] for _ in range(2)] for _ in range(draws)]
            values = torch.tensor([kid(a[i], b[j], subsets=1, subset_size=size).mean for i, j in picked])
            cells.append(f"{1000 * values.mean():.0f} ± {1000 * values.std():.0f}")
        print(f"| {size} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
