"""Fidelity: the hybrid's best guess in one call, beside the full-resolution networks that give one.

    python recipes/fidelity.py --preset cpu --data hela --minutes 3 --out out/fidelity-hela

`mscgm-fidelity` against the L1 U-Net and BBDM, all at one call, trained for the same processor time with about as many
parameters: PSNR and SSIM, three seeds, time. It should be at least equal to the best of both, at no more than a quarter
of their time.

Presets: `smoke` (seconds), `cpu` (the comparison), `ship` (the longer training of the checkpoint, `--export DIR`).
"""

from wavegen.experiments import Contest, Row, Shipment, run_contest

CONTEST = Contest(
    system="mscgm-fidelity",
    rivals=("unet", "bbdm"),
    rows=tuple(Row(system=name, samples=1) for name in ("mscgm-fidelity", "unet", "bbdm")),
    scores={"psnr": True, "ssim": True},
)

if __name__ == "__main__":
    run_contest(
        __doc__,
        CONTEST,
        Shipment(
            name="fidelity-{data}",
            purpose="Restores simulated confocal images of {data} (250 nm) to STED resolution (60 nm), one channel, in "
            "one call: the best guess, not a sample.",
            limits="- Trained on simulation: 20 nm pixels and a 250 nm spot are assumed; resample other images first.\n"
            "- It has no spread: what it is unsure of is blurred, not marked.",
            command="python recipes/fidelity.py --preset ship --data {data} --minutes {minutes} --out OUT --export DIR",
        ),
    )
