# %% [markdown]
# # Restore and judge
#
# Restore a simulated confocal image with two shipped models, compare them with the truth, and ask whether the spread of the
# samples can be trusted. With an image of your own, replace the first cell; there is no truth then, and the spread is what remains.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

from wavegen import Pipeline, build
from wavegen.metrics import psnr, spectrum_error, spread_skill

truth, degraded = (image[0].numpy() for image in build("dataset", {"name": "hela", "size": 96, "split": "test"})[1])
print(degraded.shape, degraded.dtype, f"{degraded.min():.1f} to {degraded.max():.1f} photons")

# %% [markdown]
# `fidelity-hela` gives the best guess in one call; `realism-hela` gives samples in four.

# %%
guess = Pipeline.from_pretrained("fidelity-hela").restore(degraded, seed=0)
drawn = Pipeline.from_pretrained("realism-hela").restore(degraded, steps=4, samples=8, seed=0)

shown = {
    "input": degraded,
    "best guess": guess.image,
    "one sample": drawn.samples[0],
    "mean of 8": drawn.image,
    "truth": truth,
}
figure, axes = plt.subplots(1, 5, figsize=(11, 2.5))
for axis, (name, image) in zip(axes, shown.items(), strict=True):
    axis.imshow(image, cmap="gray", vmin=0, vmax=np.percentile(image, 99.8))
    axis.set(title=name, xticks=[], yticks=[])

# %% [markdown]
# No single score tells the whole story. PSNR rewards the blurred guess; the spectrum error sees that it is blurred.

# %%
unit = float(np.percentile(truth, 99.9))


def tensor(image):
    return torch.as_tensor(np.asarray(image))[None, None].float()


for name, image in shown.items():
    if name != "truth":
        decibels = float(psnr(tensor(image), tensor(truth), unit))
        texture = float(spectrum_error(tensor(image), tensor(truth)))
        print(f"{name:10}  PSNR {decibels:5.2f} dB   spectrum error {texture:5.2f} dB")

# %% [markdown]
# Is the spread honest? Where the samples differ, the errors should be large, in the same proportion. Spread over skill, the ratio of
# the two, is 1 for calibrated samples.

# %%
samples = torch.stack([tensor(sample) for sample in drawn.samples])
print(f"spread / skill {float(spread_skill(samples, tensor(truth))):.2f}")

error = np.abs(drawn.image - truth)
figure, axes = plt.subplots(1, 3, figsize=(9, 2.8))
top = np.percentile(drawn.std, 99.8)
for axis, name, image in ((axes[0], "spread", drawn.std), (axes[1], "error of the mean", error)):
    axis.imshow(image, cmap="gray", vmin=0, vmax=top)
    axis.set(title=name, xticks=[], yticks=[])
parts = np.array_split(np.argsort(drawn.std.ravel()), 8)
pairs = [np.sqrt([(drawn.std.ravel()[i] ** 2).mean(), (error.ravel()[i] ** 2).mean()]) for i in parts]
axes[2].plot(*zip(*pairs, strict=True), "ko-")
axes[2].axline((0, 0), slope=1, color="gray", linestyle=":")
axes[2].set(xlabel="spread", ylabel="error of the mean")
figure.tight_layout()

# %% [markdown]
# One image proves nothing: `wavegen evaluate` scores whole sets. And the model knows simulated cells only; on other specimens its spread need
# not be honest.
