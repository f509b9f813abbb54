"""Hybrid or one kind? All four combinations of a bridge or a GAN for the low band and for the high bands.

    python recipes/ablate_heads.py --preset cpu --data hela --minutes 3 --seeds 3 --out out/hybrid-hela

One level of Haar, one network size, one budget; the low band's bridges have S = .55 v. The presets mscgm-joint
(bridge low, GAN high), gan-all, bridge-all, and gan-all with a bridge of two calls for the high bands. Its critic is
gan-all's: one for the low band and one for the image, for there is none of the low band alone. A GAN's low band takes
one call, so that it has no row of four.

``smoke`` takes a minute and means nothing; ``cpu`` trains every system for ``--minutes`` processor minutes; ``paper``
has the settings of arXiv 2407.05259, for a GPU. What is done in ``--out`` is not done again.
"""

from __future__ import annotations

from wavegen.experiments import Ablation, Expectation, run_ablation

HYBRID = "bridge low, GAN high"
ABLATION = Ablation(
    systems={
        HYBRID: {},
        "bridge low, bridge high": {"name": "bridge-all"},
        "GAN low, GAN high": {"name": "gan-all"},
        "GAN low, bridge high": {"name": "gan-all", "head.name": "bridge", "head.steps": 2},
    },
    rows=({"steps": 1}, {"steps": 4}),
    expectations=(
        Expectation("the paper: a bridge for the low band and GANs for the high bands", "lpips", HYBRID),
        Expectation("no adversarial loss, the least squared error", "psnr", "bridge low, bridge high"),
        Expectation("a bridge's draws differ as the truth may, a GAN's hardly", "measured", HYBRID),
    ),
)

if __name__ == "__main__":
    run_ablation(__doc__, ABLATION)
