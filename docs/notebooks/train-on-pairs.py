# %% [markdown]
# # Train on pairs
#
# Write simulated pairs to two folders, check them, train a small model for a few steps, and restore a held-out image. For your own
# pairs, start at the second cell with your folders, and train for thousands of steps.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

from wavegen import Pipeline, build
from wavegen.data import align
from wavegen.io import write_image
from wavegen.metrics import psnr
from wavegen.training import Training, fit

for part, length in (("train", 8), ("test", 2)):
    simulated = build("dataset", {"name": "hela", "size": 64, "length": length, "split": part})
    for i in range(length):
        for name, image in zip(("clean", "degraded"), simulated[i], strict=True):
            folder = Path(part) / name
            folder.mkdir(parents=True, exist_ok=True)
            write_image(folder / f"{i}.tif", image.numpy(), {"pixel_nm": 20})


# %% [markdown]
# Two folders with equal names are a data set. Do the pairs lie on each other? (`wavegen data check` asks the same of all pairs.)

# %%
train, test = (build("dataset", {"name": "pairs", "x": f"{p}/clean", "y": f"{p}/degraded"}) for p in ("train", "test"))
x, y = train[0]
print(len(train), "training pairs of", tuple(x.shape), "-", align(x[0].numpy(), y[0].numpy()).verdict)

# %% [markdown]
# A pipeline is a preset and whatever differs from it; here the networks are small, so that the notebook takes seconds.

# %%
torch.manual_seed(0)  # the first weights
small = {"network": {"width": 16}, "head": {"network": {"width": 8}}}
pipeline = Pipeline.from_config({"name": "mscgm-fidelity", **small})
print(f"{pipeline.parameters_count:,} parameters")

losses = []
training = Training(steps=50, batch=8, crop=64, warmup=5, learning_rate=3e-3, ema=0.9, log_every=1, seed=0)
record = [lambda line, _: losses.append((line["step"], line["total"]))]
pipeline = fit(pipeline, train, training, Path("run"), callbacks=record)

figure, axis = plt.subplots(figsize=(5, 2.6))
steps, values = np.array(losses).T
axis.plot(steps, values, color="black")
axis.set(xlabel="step", ylabel="loss", ylim=(0, None))

# %% [markdown]
# The held-out image, before and after:

# %%
x, y = test[1]
restored = pipeline.restore(y)
unit = float(x.max())
figure, axes = plt.subplots(1, 3, figsize=(7, 2.6))
for axis, name, image in zip(axes, ("input", "restored", "truth"), (y, restored.image, x), strict=True):
    axis.imshow(np.asarray(image)[0], cmap="gray", vmin=0)
    score = "" if name == "truth" else f", {float(psnr(torch.as_tensor(image)[None], x[None], unit)):.1f} dB"
    axis.set(title=name + score, xticks=[], yticks=[])

# %% [markdown]
# The model is kept in `run/model`:

# %%
again = Pipeline.from_pretrained("run/model")
torch.testing.assert_close(torch.as_tensor(again.restore(y).image), torch.as_tensor(restored.image))
print(sorted(path.name for path in Path("run/model").iterdir()))
