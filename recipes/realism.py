"""Realism: samples of the hybrid in four calls, beside full-resolution diffusion with the same bridge and critic.

    python recipes/realism.py --preset cpu --data hela --minutes 3 --out out/realism-hela

`mscgm-realism` against `bbdm-gan` (full resolution) and `bbdm-patch-gan` (the control without wavelets), which have its
bridge, times, sampler and critic, all at four calls, trained for the same processor time with about as many parameters:
LPIPS, KID, spectrum error, PSNR, SSIM, the spread of every band over the residual's, three seeds, time.

Presets: `smoke` (seconds), `cpu` (the comparison), `ship` (the longer training of the checkpoint, `--export DIR`).
"""

from wavegen.experiments import Contest, Row, Shipment, run_contest

RIVALS = ("bbdm-gan", "bbdm-patch-gan")
CONTEST = Contest(
    system="mscgm-realism",
    rivals=RIVALS,
    rows=tuple(Row(system=name, steps=4, eta=0.0) for name in ("mscgm-realism", *RIVALS)),
    scores={"lpips": False, "kid_effnet_lite0": False, "spectrum_error": False, "psnr": True, "ssim": True},
)

if __name__ == "__main__":
    run_contest(
        __doc__,
        CONTEST,
        Shipment(
            name="realism-{data}",
            purpose="Restores simulated confocal images of {data} (250 nm) to STED resolution (60 nm), one channel, as "
            "samples: four calls, each sample one of the images that the input may stand for.",
            limits="- Trained on simulation: 20 nm pixels and a 250 nm spot are assumed; resample other images first.\n"
            "- A sample is further from the truth, pixel by pixel, than a best guess; average samples for that.",
            command="python recipes/realism.py --preset ship --data {data} --minutes {minutes} --out OUT --export DIR",
        ),
    )
