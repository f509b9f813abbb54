"""A trained system as a checkpoint to ship: 16-bit weights and a model card with what was measured."""

from __future__ import annotations

import json
from pathlib import Path

from wavegen.checkpoint import read_note
from wavegen.experiments.compare import about
from wavegen.experiments.plan import Comparison
from wavegen.experiments.report import aggregate, markdown
from wavegen.experiments.train_systems import run_folder
from wavegen.pipeline import Pipeline

CARD = """# {name}

Restores simulated confocal images of {data} (250 nm) to STED resolution (60 nm, 20 nm pixels), one channel.

- **System**: `{system}`, {parameters:.2f} M parameters; weights stored in 16 bits.
- **Data**: the `{data}` simulator only ({pool} images of {size} × {size}, 15-150 photons at the brightest pixel). No
  real image was seen in training.
- **Budget**: {minutes:.1f} processor minutes on one thread ({steps} steps of {batch} crops of {crop} × {crop}), {date},
  torch {torch}, {machine}.
- **Made by** `python recipes/mscgm_sr.py --preset ship --data {data} --minutes {planned:g} --out OUT --export FOLDER`.

## Figures

The fixed test set of the simulator ({images} images), seed 0. Images are scaled by their truth's 0.1 and 99.9
percentiles. Scored before the weights were stored in 16 bits.

{table}
The rows with more steps are samples: sharper, and further from the truth pixel by pixel. One call is the best guess.

## Limits

- Trained on simulation: on real images it shows what the simulator's world would look like, and may invent
  filaments or beads. Compare samples (`samples=8`, `std`) before believing a structure.
- The spread over samples is not calibrated yet.
- 20 nm pixels and a 250 nm spot are assumed; resample other images first.
"""


def ship(plan: Comparison, out: Path, system: str, name: str, folder: Path) -> None:
    """Write the first seed's model of ``system`` with its card to ``folder / name``.

    The comparison in ``out`` must have been trained and judged.
    """
    where = run_folder(out, system, 0)
    pipe = Pipeline.from_pretrained(where / "model")
    note = read_note(where / "checkpoint.safetensors")
    results = json.loads((out / "results.json").read_text())["rows"]
    times = json.loads((out / "times.json").read_text())["rows"]
    rows = [
        r
        for r in aggregate(results, times)
        if (r["system"] == system and r["images"] == plan.test_images) or not r["steps"]
    ]
    made = about(plan)
    card = CARD.format(
        name=name,
        system=system,
        data=plan.data["name"],
        parameters=pipe.parameters_count / 1e6,
        pool=plan.pool,
        size=plan.size,
        minutes=note["progress"]["core_seconds"] / 60,
        steps=note["progress"]["step"],
        planned=plan.training.minutes or 0,
        batch=plan.training.batch,
        crop=plan.training.crop,
        date=made["date"],
        torch=made["torch"],
        machine=made["machine"],
        images=plan.test_images,
        table=markdown(
            rows, leave_out=("ms_batch_1", "ms_batch_8", "parameters", "minutes", "training_steps", "images", "seeds")
        ),
    )
    pipe.save_pretrained(folder / name, card=card, half=True)
