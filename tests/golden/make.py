"""Make the golden files of the format that the imported wavegen writes: ``python tests/golden/make.py FOLDER``.

Those of format 0 were made with the code of version 0.1.0, which kept no means in a checkpoint. Files that were
committed are never made again.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

sys.path.append(str(Path(__file__).parents[1] / "reports"))
from result_files import rows, write

from wavegen import Pipeline
from wavegen.io import Stack, write_stack
from wavegen.reports.pack import pack
from wavegen.reports.study import read_study
from wavegen.training import state
from wavegen.training.averages import Averages
from wavegen.transforms import read_basis, save_basis


def make(folder: Path) -> None:
    """Write a file of each kind."""
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    pipeline = Pipeline.from_config({"name": "bbdm", "network": {"width": 8}})
    with tempfile.TemporaryDirectory() as place:
        pipeline.save_pretrained(place)
        shutil.copy(Path(place) / "config.json", folder / "config.json")
        pack(read_study([write(Path(place) / "run", rows()[:4], [])]), folder / "packed.json")
    module = torch.nn.Linear(2, 1)
    adam = torch.optim.Adam(module.parameters())
    module(torch.ones(1, 2)).sum().backward()
    adam.step()
    run = {"pipeline": pipeline.config.model_dump(mode="json"), "data": {"name": "hela"}}
    ema = Averages(module, 0.9)
    progress = state.Progress(0, 1, 1, [5], 0.5)
    state.save(folder / "checkpoint.safetensors", {"pipeline": module}, {"main": adam}, ema, progress, run, [0.5])
    save_basis(folder / "basis.json", read_basis("hela"), {"by": "golden"})
    image = Stack(np.arange(12, dtype=np.uint16).reshape(3, 4), "YX")
    write_stack(folder / "restored.ome.tif", image, {"software": "wavegen", "pipeline": "bbdm", "seed": 0})


if __name__ == "__main__":
    make(Path(sys.argv[1]))
