"""Which process? The hybrid with every bridge on its low band, at equal S/v.

    python recipes/ablate_bridges.py --preset cpu --data hela --minutes 3 --seeds 3 --out out/bridges-hela

All systems are mscgm-joint with another process; S, the total variance as each defines it, is .55 v, v being what y
leaves unknown of the LL band. ddpm and flow start from noise and have no such scale; regression takes one call. All
are sampled on their even grid, with fresh noise (eta 1) and without (eta 0).

Printed beside the scores: the share of the band's spread that the planner predicts for each process, and the share
that draws have. On low bands alone, with their publications' own samplers, see ``recipes/bridges.py``.

``smoke`` takes a minute and means nothing; ``cpu`` trains every system for ``--minutes`` processor minutes; ``paper``
has the settings of arXiv 2407.05259, for a GPU. What is done in ``--out`` is not done again.
"""

from __future__ import annotations

from wavegen.experiments import Ablation, Expectation, run_ablation

PROCESSES = ("bbdp", "i2sb", "ddbm-ve", "ddbm-vp", "resshift", "irsde", "goub", "indi", "ddpm", "flow", "regression")
ABLATION = Ablation(
    systems={
        **{name: {"bridge": {"name": name}} for name in PROCESSES},
        "bbdp sin": {"bridge": {"name": "bbdp", "schedule": "sin"}},
    },
    rows=({"steps": 1}, {"steps": 4}, {"steps": 8}, {"steps": 4, "eta": 0.0}),
    expectations=(
        Expectation("the planner's choice keeps the most spread", "measured", "most", "predicted"),
        Expectation("one call is regression, whatever the process", "psnr", "regression"),
        Expectation("the paper: the Brownian bridge", "lpips", "bbdp"),
    ),
)

if __name__ == "__main__":
    run_ablation(__doc__, ABLATION)
