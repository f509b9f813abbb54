"""Which wavelet? The hybrid on ten fixed bases and a learned one, at equal S/v.

    python recipes/ablate_bases.py --preset cpu --data hela --minutes 3 --seeds 3 --out out/bases-hela

All systems are mscgm-joint with another transform of one level; the noise scale of each is S = .55 v, v being what y
leaves unknown of that basis's own LL band (best linear estimate, 16 training pairs): the scale of the preset on
Haar. ``lattice`` starts at db4 and is trained with the system, so that its v is that of its start.

Expected is printed beside obtained. A basis whose LL band y tells more of (least v) leaves less to the bridge, but more
to the head; nothing in the theory says that a longer filter is better, and the paper leaves the question open.

``smoke`` takes a minute and means nothing; ``cpu`` trains every system for ``--minutes`` processor minutes; ``paper``
has the settings of arXiv 2407.05259, for a GPU. What is done in ``--out`` is not done again.
"""

from __future__ import annotations

from wavegen.experiments import Ablation, Expectation, run_ablation

FIXED = ("haar", "db2", "db4", "sym4", "sym8", "coif1", "bior2.2", "bior4.4", "rbio2.2", "rbio4.4")
ABLATION = Ablation(
    systems={
        **{name: {"transform": {"name": name, "levels": 1}} for name in FIXED},
        "lattice, learned": {"transform": {"name": "lattice", "start": "db4", "levels": 1}},
    },
    rows=({"steps": 1}, {"steps": 4}),
    expectations=(
        Expectation("the basis whose low band y tells most of leaves least to sample", "psnr", "least", "v"),
        Expectation("the learned basis is at least as good as any fixed one", "lpips", "lattice, learned"),
        Expectation("the shortest filter, with the least ringing, is the most like the truth", "ssim", "haar"),
    ),
)

if __name__ == "__main__":
    run_ablation(__doc__, ABLATION)
