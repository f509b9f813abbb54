"""A trained system as a checkpoint to ship: 16-bit weights and a model card with what was measured."""

from __future__ import annotations

import json
from pathlib import Path

from wavegen.data import is_simulator
from wavegen.experiments.spec.comparison import Comparison
from wavegen.experiments.spec.folders import read_rows, run_folder
from wavegen.experiments.spec.recipe_parts import Shipment
from wavegen.experiments.spec.record import about
from wavegen.pipeline.pipeline import Pipeline
from wavegen.reports.tables import aggregate, markdown
from wavegen.training import state

CARD = """# {name}

{purpose}

- **System**: `{system}`, {parameters:.2f} M parameters; weights stored in 16 bits.
- **Trained on** `{data}`: {images}. No other image was seen in training.
- **Budget**: {minutes:.1f} processor minutes on one thread ({steps} steps of {batch} crops of {crop} × {crop}), {date},
  torch {torch}, {machine}.
- **Made by** `{command}`.

## Figures

{scored_on} Scored before the weights were stored in 16 bits.

{table}{samples}
## Limits

{limits}
- A model shows what the images that it was trained on would look like, and may invent structures of their kind.
{spread}"""

SAMPLES = """
Rows of several calls are samples: sharper, and further from the truth pixel by pixel. One call is the best guess.
"""
COMPARE = "- Compare samples (`samples=8`, `std`) before believing a structure.\n"
UNCALIBRATED = f"{COMPARE}- The spread over samples is not calibrated.\n"
CALIBRATED = f"""{COMPARE}- The temperature is {{temperature:g}}: with it the spread of samples is the residual's on
  validation images, in the geometric mean over Haar bands. On other images than the simulator's it may not be.
"""


def ship(
    plan: Comparison, out: Path, system: str, shipment: Shipment, folder: Path, temperature: float | None = None
) -> None:
    """Write the first seed's model of ``system`` with its card to ``folder / shipment.name``.

    The comparison in ``out`` must have been trained and judged. ``temperature`` becomes its sampler's.
    """
    where = run_folder(out, system, 0)
    pipe = Pipeline.from_pretrained(where / "model")
    if temperature is not None:
        sampler = pipe.config.sampler.model_copy(update={"temperature": temperature})
        pipe.config = pipe.config.model_copy(update={"sampler": sampler})
    note = state.recorded(where / "checkpoint.safetensors")
    results = read_rows(out / "results.json")
    times = read_rows(out / "times.json")
    rows = [r for r in aggregate(results, times) if r["system"] == system or not r["steps"]]
    drawn = any(row["steps"] > 1 for row in rows)
    spread = UNCALIBRATED if temperature is None else CALIBRATED.format(temperature=temperature)
    record = about(plan)
    simulated = is_simulator(plan.data)
    test = "the fixed test set of the simulator" if simulated else f"`{json.dumps(plan.test)}`"
    card = CARD.format(
        name=shipment.name,
        purpose=shipment.purpose,
        limits=shipment.limits,
        samples=SAMPLES if drawn else "",
        spread="" if not drawn else spread,
        command=shipment.command,
        system=system,
        data=json.dumps(plan.data),
        images=f"{plan.pool} simulated images of {plan.size} × {plan.size}" if simulated else "all of its images",
        scored_on=f"On {test} ({rows[0]['images']} images), seed 0, intensity scale `{plan.scale}`.",
        parameters=pipe.parameters_count / 1e6,
        minutes=note["progress"]["core_seconds"] / 60,
        steps=note["progress"]["step"],
        batch=plan.training.batch,
        crop=plan.training.crop,
        date=record["date"],
        torch=record["torch"],
        machine=record["machine"],
        table=markdown(
            rows, leave_out=("ms_batch_1", "ms_batch_8", "parameters", "minutes", "training_steps", "images", "seeds")
        ),
    )
    pipe.save_pretrained(folder / shipment.name, card=card, half=True)
