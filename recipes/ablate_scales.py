"""How many scales? None to three levels of Haar, at equal S/v.

    python recipes/ablate_scales.py --preset cpu --data hela --minutes 3 --seeds 3 --out out/scales-hela

An orthonormal LL band of level J has values 2^J times larger, so that with one noise scale for all levels S/v falls by
4^J: "fewer steps in the wavelet domain" could be that alone. Bands are normalised here, and S is set to .55 v at
every level, v being what y leaves unknown of that level's LL band. ``2 levels, S/v a sixteenth`` shows what the
confounder would do to two levels. The coarse network works on a grid of 4 x 4 pixels up to two levels, of 8 x 8 at
three; without levels there is no head, and the bridge makes the image.

``smoke`` takes a minute and means nothing; ``cpu`` trains every system for ``--minutes`` processor minutes; ``paper``
has the settings of arXiv 2407.05259, for a GPU. What is done in ``--out`` is not done again.
"""

from __future__ import annotations

from typing import Any

from wavegen.experiments import Ablation, Expectation, run_ablation

S_OVER_V = 0.55


def levels(count: int) -> dict[str, Any]:
    """The hybrid with so many levels; its coarse network takes patches such that they stand for 4 x 4 pixels."""
    if count == 0:
        return {"transform": {"name": "identity"}, "network.patch": 4}
    return {"transform": {"name": "haar", "levels": count}, "network.patch": 2 if count == 1 else 1}


SYSTEMS = {f"{n} level{'s' * (n != 1)}": levels(n) for n in range(4)}
ABLATION = Ablation(
    systems={**SYSTEMS, "2 levels, S/v a sixteenth": levels(2)},
    s_over_v={**dict.fromkeys(SYSTEMS, S_OVER_V), "2 levels, S/v a sixteenth": S_OVER_V / 16},
    rows=tuple({"steps": n} for n in (1, 2, 4, 8)),
    expectations=(
        Expectation("a coarser band is better conditioned and keeps more spread", "measured", "most", "predicted"),
        Expectation("the paper has its best scores with two levels", "lpips", "2 levels"),
    ),
)

if __name__ == "__main__":
    run_ablation(__doc__, ABLATION)
