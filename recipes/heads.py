"""Every head, every adversarial loss, one level and several: what the high bands are best made with.

    python recipes/heads.py --preset cpu --data hela --minutes 4 --out out/heads-hela

All systems share the coarse stage of ``mscgm-joint`` (bridge, network, what it sees) and differ in what makes the
detail bands and how it is trained. Tables (``--table``): ``heads`` (every kind), ``losses`` (of the gan head),
``levels`` (one against several, one network for all levels against one for each), ``gap`` (heads trained on true,
noisy, sampled and predicted LL), or ``all``. Settings are chosen with ``--split validation``.

``smoke`` takes a minute and means nothing; ``cpu`` trains each system for ``--minutes`` processor minutes.
What is trained or scored already in ``--out`` is not done again. Results: ``results.json``, ``times.json``,
``table.md``, ``heads.json``, ``heads.md``, ``figure.png``.
"""

from __future__ import annotations

from typing import Any

from wavegen.experiments import (
    Comparison,
    Row,
    chosen_systems,
    compare,
    head_figures,
    heads_table,
    recipe_options,
    run_command,
    shrunk,
)

FIT = {"coarse": 1.0, "l1": 2.0}
NETWORK = {"name": "unet", "width": 48, "multipliers": [1, 2], "patch": 2}
GAN: dict[str, Any] = {"name": "gan", "features": 16, "network": NETWORK, "noise": 2, "inject": True}
LAST = {"share": 0.25, "max_t": 0.6}


def joint(head: dict[str, Any] | None = None, **differences: Any) -> dict[str, Any]:
    """mscgm-joint with another head and other settings; trained without a critic unless it says so."""
    spec: dict[str, Any] = {"name": "mscgm-joint", "stages": [{"name": "fit", "weights": FIT}], **differences}
    return spec if head is None else {**spec, "head": head}


def with_critic(weight: float = 0.01, more: dict[str, float] | None = None, **critic: Any) -> dict[str, Any]:
    """The gan head, whose last quarter adds a critic with the given settings."""
    weights = {**FIT, **(more or {}), "adversarial": weight}
    stages = [{"name": "fit", "share": 0.75, "weights": FIT}, {"name": "gan", "weights": weights, **LAST}]
    return joint(GAN, stages=stages, critic={"on": "bands", "learning_rate": 4e-4, **critic})


def with_draws(term: str, weight: float) -> dict[str, Any]:
    """The gan head without a critic, with a term on two draws of its bands."""
    return joint(GAN, stages=[{"name": "fit", "weights": {**FIT, term: weight}}])


HEADS: dict[str, dict[str, Any]] = {
    "copy": joint({"name": "copy"}),
    "shrink": joint({"name": "shrink"}),
    "regression": joint({"name": "regression", "features": 16, "network": NETWORK}),
    "bridge for all, 1 call": joint({"name": "bridge", "features": 16, "network": NETWORK, "steps": 1}),
    "bridge for all, 2 calls": joint({"name": "bridge", "features": 16, "network": NETWORK, "steps": 2}),
    "gan": with_critic(loss="hinge"),
    "gan, energy score": with_draws("energy", 0.5),
    "gan, diversity": with_draws("diversity", 0.05),
    "scored draws for all": joint(GAN, coarse_noise=2, stages=[{"name": "fit", "weights": {"crps": 1.0}}]),
    "gan for all": {"name": "gan-all"},
    "paper": {"name": "mscgm"},
    "no wavelets": {"name": "bbdm-patch"},
}
RAW = {"spectral_norm": False, "penalty_every": 4}
LOSSES: dict[str, dict[str, Any]] = {
    "gan, no critic": joint(GAN),
    "gan": with_critic(loss="hinge"),
    "non-saturating, R1": with_critic(0.1, loss="nonsaturating", r1=0.002, **RAW),
    "least squares": with_critic(loss="least_squares"),
    "wasserstein, penalty": with_critic(loss="wasserstein", gradient_penalty=10.0, **RAW),
    "relativistic, R1 and R2": with_critic(0.1, loss="relativistic", r1=0.002, r2=0.002, **RAW),
    "paper's mixture": joint(
        GAN,
        critic={"on": "image", "loss": "wasserstein", "every": 4, "learning_rate": 1e-4},
        stages=[
            {"name": "fit", "share": 0.75, "weights": FIT},
            {"name": "gan", "weights": {"coarse": 1.0, "l2": 20.0, "ssim": 0.5, "adversarial": 0.1}, **LAST},
        ],
    ),
    "hinge, adaptive weight": with_critic(weight=0.1, loss="hinge", adaptive=True),
    "hinge, several resolutions": with_critic(loss="hinge", on="image", kind="multiscale"),
    "hinge, frozen features": with_critic(loss="hinge", on="image", kind="projected"),
    "hinge, augmented": with_critic(loss="hinge", augment=["flip", "translate", "cutout"]),
}
LEVELS: dict[str, dict[str, Any]] = {"gan, no critic": joint(GAN)} | {
    f"{levels} levels{', shared' * shared}": joint(
        {**GAN, "features": 16},
        transform={"name": "haar", "levels": levels},
        network={"patch": 1},
        shared_head=shared,
    )
    for levels in (2, 3)
    for shared in (False, True)
}


def staged(*last: dict[str, Any]) -> dict[str, Any]:
    """Two levels trained in turn: the coarse stage, heads on true LL, then what is to close the gap."""
    stages = [
        {"name": "coarse", "share": 0.4, "weights": {"coarse": 1.0}},
        {"name": "true", "share": 0.6 - 0.2 * len(last), "weights": {"l1": 1.0}, "ll": "true", "restart": True},
        *last,
    ]
    head = {**GAN, "features": 0}
    return joint(head, transform={"name": "haar", "levels": 2}, network={"patch": 1}, stages=stages)


NOISY = {"name": "noisy", "share": 0.2, "weights": {"l1": 1.0}, "ll": "noisy", "ll_noise": 0.2}
SAMPLED = {"name": "sampled", "share": 0.2, "weights": {"l1": 1.0}, "ll": "sampled"}
END_TO_END = {"name": "end-to-end", "share": 0.2, "weights": FIT, "ll": "predicted"}
GAP: dict[str, dict[str, Any]] = {
    "true LL": staged(),
    "noisy LL": staged(NOISY),
    "noisy, sampled LL": staged(NOISY, SAMPLED),
    "noisy LL, end to end": staged(NOISY, END_TO_END),
    "end to end from the start": joint(
        {**GAN, "features": 0}, transform={"name": "haar", "levels": 2}, network={"patch": 1}
    ),
}
TABLES = {"heads": HEADS, "losses": LOSSES, "levels": LEVELS, "gap": GAP}
ONE_CALL = ("gan for all", "scored draws for all")
SHOWN = ("copy", "shrink", "regression", "gan", "gan, energy score", "paper", "2 levels")


def plan(profile: str, table: str, data: str, minutes: float, seeds: int) -> Comparison:
    """The comparison that a profile and a table stand for; a system of two tables is trained once."""
    systems = {k: v for t in (TABLES.values() if table == "all" else [TABLES[table]]) for k, v in t.items()}
    rows = [Row(system=name, steps=n) for name in systems for n in (1, 4) if n == 1 or name not in ONE_CALL]
    several = {name: list(range(seeds)) for name in systems}
    if profile == "cpu":
        return Comparison(
            data={"name": data}, training={"minutes": minutes}, systems=systems, seeds=several, rows=rows,
            test_images=32, classical=(),
        )  # fmt: skip
    return Comparison(
        data={"name": data},
        training={"steps": 5, "batch": 2, "crop": 64, "warmup": 1},
        systems={name: shrunk(spec) for name, spec in systems.items()},
        seeds=several,
        rows=[row for row in rows if row.steps == 1],
        pool=2,
        test_images=2,
        size=64,
        classical=(),
    )


def main() -> None:
    """Run the comparison and print both tables."""
    parser = recipe_options(
        __doc__, ["smoke", "cpu"], ["hela", "nanobeads"], minutes=4.0, seeds=1, more=("jobs", "split", "only")
    )
    parser.add_argument("--table", choices=[*TABLES, "all"], default="heads")
    given = parser.parse_args()
    chosen = plan(given.profile, given.table, given.data, given.minutes, given.seeds)
    only = chosen_systems(given.only, chosen.systems) if given.only else None
    shown = [row for row in chosen.rows if row.system in SHOWN and row.steps == 1]
    compare(chosen, given.out, jobs=given.jobs, split=given.split, only=only, shown=shown)
    table = heads_table(head_figures(chosen, given.out, given.split))
    (given.out / ("heads.md" if given.split == "test" else "heads-validation.md")).write_text(table)
    print(table)


if __name__ == "__main__":
    run_command(main)
