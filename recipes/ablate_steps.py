"""How many steps? Spread kept against network calls: by the planner, by Theorem 1's scaling, and measured.

    python recipes/ablate_steps.py --preset cpu --data nanobeads --minutes 3 --seeds 3 --out out/steps-nanobeads

mscgm-joint at two noise scales, S/v of .55 (its preset's) and ten times as much, so that a number of steps is never
compared between noise scales; each is one training, sampled at 1 to 16 calls: on the even grid of the process
(eta 1), and at times planned for the residual variances of its LL band (eta 0, second order).

Printed for each row: the share of the band's spread that the planner predicts from 16 training pairs, and the share
that draws have (first seed, 8 test images, 4 draws each); the paper's Theorem 1, T = O(kappa³ / eps²), as its number of
steps for eps = .1 with the constant set to 1, and as the error that it leaves relative to one call, 1 / sqrt(T),
beside sqrt(1 - kept) as measured.

``smoke`` takes a minute and means nothing; ``cpu`` trains for ``--minutes`` processor minutes; ``paper`` has the
settings of arXiv 2407.05259, for a GPU. What is done in ``--out`` is not done again.
"""

from __future__ import annotations

from wavegen.experiments import Ablation, Expectation, run_ablation

CALLS = (1, 2, 3, 4, 8, 16)
ABLATION = Ablation(
    systems={"S/v 0.55": {}, "S/v 5.5": {}},
    s_over_v={"S/v 0.55": 0.55, "S/v 5.5": 5.5},
    rows=(*({"steps": n} for n in CALLS), *({"steps": n, "planned": True} for n in CALLS[1:5])),
    expectations=(
        Expectation("the noise scale that the planner prefers keeps the most spread", "measured", "most", "predicted"),
        Expectation("less noise leaves less to undo: closer to the truth pixel by pixel", "psnr", "S/v 0.55"),
    ),
)

if __name__ == "__main__":
    run_ablation(__doc__, ABLATION)
