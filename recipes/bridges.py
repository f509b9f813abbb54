"""Every bridge on the low band of simulated confocal -> STED pairs: one network, one budget, one table.

    python recipes/bridges.py --preset cpu --data nanobeads --out out/bridges-nanobeads

The images are the means over 4 x 4 pixels (the Haar LL band of level 2) of 256 x 256 simulations, 64 x 64. Every
system has the same U-Net of 0.7 M parameters, sees y, predicts x0, and has the same processor time (``--minutes``).
S, the total variance as each process defines it, is ten times the residual variance v that one minute of a bbdp
left at its first call on the validation set: S = kappa² for resshift, lam² for irsde and goub, sigma0² for indi. The
table prints the S/v that each system ends with. ddpm and flow have no such scale. Processes that are equal at equal S
are trained once: interpolant is bbdp, refusion irsde, ddim and sr3 are ddpm, and their own samplers are rows of those.

Presets
    smoke         seconds: does everything run?
    cpu           the table: 1, 2, 4 and 8 calls at eta 1 on a uniform grid; 4 and 8 of second order at eta 0 on a
                  grid even in ln(a/c); and each publication's own steps, solver and grid (on the first 8 images;
                  ``--few`` leaves these long rows out).
    conditioning  bbdp whose network sees y, or only the state that starts at y; and both at 5 to 150 photons.

``spread kept`` is the variance over samples over the squared error of the regression on the same images: 1 where
samples differ as much as the truth differs from the best guess. Everything trained or scored in ``--out`` is not
done again, so that a run may be interrupted and repeated. Results: ``results.json``, ``times.json``, ``table.md``,
``figure.png``; of ``conditioning`` also ``light.json`` and ``light.png``. Printed too: the table of variances.
"""

from __future__ import annotations

from math import log1p
from typing import Any

from wavegen import build
from wavegen.experiments import (
    Comparison,
    Row,
    compare,
    degraded,
    native_row,
    recipe_options,
    run_command,
    variances,
)

LEVELS, IMAGES = 2, 48
S = {"nanobeads": 1.5, "hela": 1.5}  # about 10 v: v = 0.146 and 0.157 in units of the normalised band
NETWORK: dict[str, Any] = {"name": "unet", "width": 32, "multipliers": [1, 2, 4]}
FIT = [{"name": "fit", "weights": {"coarse": 1.0}}]
FEW: list[dict[str, Any]] = [
    {"name": "fit", "share": 0.6, "weights": {"coarse": 1.0}},
    {"name": "distill", "share": 0.4, "weights": {"distill": 1.0}, "restart": True},
]
EARLY = {"name": "times", "values": [1.0, 0.9, 0.0]}  # noise enters where little of the band is decided yet
SUBSET: dict[str, Any] = {"images": 8, "samples": 2, "spread_images": 8}
# Whose publications' samplers each trained system is sampled with.
NATIVE = {
    "bbdp": ("bbdp", "interpolant"),
    "i2sb": ("i2sb",),
    "ddbm-ve": ("ddbm-ve",),
    "ddbm-vp": ("ddbm-vp",),
    "resshift": ("resshift",),
    "irsde": ("irsde",),
    "goub": ("goub",),
    "unidb": ("goub",),
    "indi": ("indi",),
    "ddpm": ("ddpm", "ddim", "sr3"),
    "flow": ("flow",),
    "bbdp, s = 1": ("bbdp",),
}


def processes(s: float) -> dict[str, dict[str, Any]]:
    """Every process with total variance ``s``."""
    return {
        "regression": {"name": "regression"},
        "bbdp": {"name": "bbdp", "s": s / 2},
        "bbdp sin": {"name": "bbdp", "s": s / 2, "schedule": "sin"},
        "i2sb": {"name": "i2sb", "beta_max": beta_max(s)},
        "ddbm-ve": {"name": "ddbm-ve", "sigma_max": s**0.5},
        "ddbm-vp": {"name": "ddbm-vp", "b_d": log1p(s) / 0.55, "b_min": log1p(s) / 11},
        "resshift": {"name": "resshift", "kappa": s**0.5},
        "irsde": {"name": "irsde", "lam": s**0.5},
        "goub": {"name": "goub", "lam": s**0.5},
        "unidb": {"name": "goub", "lam": s**0.5, "gamma": 100.0},
        "indi": {"name": "indi", "sigma0": s**0.5},
        "ddpm": {"name": "ddpm"},
        "ddpm cosine": {"name": "ddpm", "schedule": "cosine"},
        "flow": {"name": "flow"},
        "bbdp, s = 1": {"name": "bbdp", "s": 1.0},
    }


def beta_max(s: float) -> float:
    """The beta_max at which i2sb's sum of beta is ``s``, by bisection."""
    low, high = 1e-3, 1e4
    for _ in range(60):
        middle = (low + high) / 2
        less = build("bridge", {"name": "i2sb", "beta_max": middle}).total_variance < s
        low, high = (middle, high) if less else (low, middle)
    return low


def system(bridge: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The common system around a process."""
    return {"name": "bbdm", "bridge": bridge, "network": NETWORK, "conditioning": "ll", "stages": FIT} | more


def systems_of(s: float) -> dict[str, dict[str, Any]]:
    """All trained systems: every process, and two that end their training as students."""
    systems = {name: system(bridge) for name, bridge in processes(s).items()}
    systems["regression"]["sampler"] = {"steps": 1}
    students = {"bbdp": {"steps": 2, "grid": EARLY}, "irsde": {"steps": 1}}
    for name, sampler in students.items():
        systems[f"{name} distilled"] = system(processes(s)[name], stages=FEW, sampler=sampler)
    return systems


def rows_of(systems: dict[str, Any], images: int) -> list[Row]:
    """The table: few calls of all, second order, students beside their teachers, native samplers."""
    regression: dict[str, Any] = {"system": "regression", "samples": 1}
    rows = [Row(**regression), Row(**regression, images=SUBSET["images"])]
    whole: dict[str, Any] = {"samples": 4, "spread_images": images}
    for name in systems:
        if name == "regression" or name.endswith("distilled"):
            continue
        rows += [Row(system=name, steps=n, **whole) for n in (1, 2, 4, 8)]
        rows += [Row(system=name, steps=n, eta=0.0, solver="multistep", grid={"name": "snr"}, **whole) for n in (4, 8)]
    rows += [Row(system=name, steps=2, grid=EARLY, **whole) for name in ("bbdp", "bbdp distilled")]
    rows += [Row(system="irsde distilled", **whole)]
    rows += [native_row(name, process, **SUBSET) for name, natives in NATIVE.items() for process in natives]
    return [row for row in rows if row.system in systems]


def plan(profile: str, data: str, minutes: float, few: bool = False) -> Comparison:
    """The comparison that a profile stands for."""
    common: dict[str, Any] = {"data": {"name": data}, "levels": LEVELS, "classical": (), "reference": "regression"}
    budget = {"minutes": minutes, "crop": 64}
    if profile == "cpu":
        systems = systems_of(S[data])
        rows = [row for row in rows_of(systems, IMAGES) if not (few and row.images)]
        return Comparison(training=budget, systems=systems, rows=rows, test_images=IMAGES, **common)
    if profile == "conditioning":
        bridge = {"name": "bbdp", "s": S[data] / 2}
        systems = {
            "regression": systems_of(S[data])["regression"],
            "bbdp sees y": system(bridge),
            "bbdp does not see y": system(bridge, conditioning="none"),
        }
        rows = [Row(system="regression", samples=1)]
        rows += [Row(system=n, steps=k, spread_images=IMAGES) for n in list(systems)[1:] for k in (1, 2, 4, 8)]
        return Comparison(training=budget, systems=systems, rows=rows, test_images=IMAGES, **common)
    systems = {
        name: {**spec, "network": {"name": "unet", "width": 8, "multipliers": [1, 2]}}
        for name, spec in systems_of(S[data]).items()
        if name in ("regression", "bbdp", "ddbm-ve", "bbdp distilled")
    }
    rows = [r for r in rows_of(systems, 2) if r.steps <= 4 or r.solver == "heun"]
    rows = [r.model_copy(update={"images": None}) for r in rows]
    training = {"steps": 6, "batch": 2, "crop": 16, "warmup": 2}
    return Comparison(training=training, systems=systems, rows=rows, pool=4, test_images=2, size=128, **common)


def main() -> None:
    """Run the comparison and print the table of variances, or of less and less light."""
    profiles = ["smoke", "cpu", "conditioning"]
    parser = recipe_options(__doc__, profiles, ["nanobeads", "hela"], minutes=2.5, more=("jobs",))
    parser.add_argument("--few", action="store_true", help="without the publications' own samplers of many steps")
    given = parser.parse_args()
    chosen = plan(given.profile, given.data, given.minutes, given.few)
    shown = [Row(system="regression"), *(Row(system=s, steps=8) for s in ("bbdp", "irsde", "ddpm", "flow"))]
    shown += [Row(system="bbdp distilled", steps=2, grid=EARLY), Row(system="irsde distilled")]
    compare(chosen, given.out, jobs=given.jobs, shown=[r for r in shown if r.system in chosen.systems])
    if given.profile == "conditioning":
        for row in degraded(chosen, given.out):
            texts = {key: f"{value:.4g}" if isinstance(value, float) else value for key, value in row.items()}
            print(" ".join(f"{key} {text}" for key, text in texts.items()))
    else:
        print(variances(chosen.systems))


if __name__ == "__main__":
    run_command(main)
