from __future__ import annotations

import hashlib
import pickle

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from wavegen.core.errors import InputError
from wavegen.metrics import Lpips, weights
from wavegen.metrics.loading import ArrayUnpickler, read_lpips
from wavegen.metrics.weights import WeightFile

CONVOLUTIONS = [(11, 3, 64), (5, 64, 192), (3, 192, 384), (3, 384, 256), (3, 256, 256)]
# Computed once with the real files, on the pair of `wave_pair`.
GOLDEN = {"alex": 0.448564, "vgg": 0.405302}


def as_numpy_1_wrote_it(tree: object) -> bytes:
    return pickle.dumps(tree, protocol=3).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def random_alexnet() -> dict[str, dict[str, object]]:
    rng = np.random.default_rng(0)

    def kernel(k: int, inner: int, outer: int) -> np.ndarray:
        scale = np.sqrt(2 / (k * k * inner))
        return (scale * rng.standard_normal((k, k, inner, outer))).astype(np.float32)

    trunk = {
        f"Conv_{i}": {"kernel": kernel(*shape), "bias": rng.standard_normal(shape[2]).astype(np.float32)}
        for i, shape in enumerate(CONVOLUTIONS)
    }
    heads = {
        f"NetLinLayer_{i}": {"Conv_0": {"kernel": np.abs(kernel(1, outer, 1))}}
        for i, (_, _, outer) in enumerate(CONVOLUTIONS)
    }
    return {"AlexNet_0": trunk, **heads}


@pytest.fixture
def alexnet_file(tmp_path, monkeypatch):
    """A file of random weights that stands in for the real one, hash included."""

    def write(tree):
        content = as_numpy_1_wrote_it(tree)
        path = tmp_path / "alexnet.ckpt"
        path.write_bytes(content)
        record = WeightFile("lpips_alex", path.name, hashlib.sha256(content).hexdigest())
        monkeypatch.setitem(weights.FILES, "lpips_alex", record)
        return path

    return write


def wave_pair(size: int = 64):
    line = torch.arange(size, dtype=torch.float32)
    target = 0.5 + 0.4 * torch.sin(0.3 * line[:, None]) * torch.cos(0.2 * line[None, :])
    restored = target + 0.1 * torch.sin(1.9 * line[:, None] + 1.1 * line[None, :])
    return restored.clamp(0, 1)[None, None], target[None, None]


def test_every_weight_reaches_its_place(alexnet_file):
    import lpips

    tree = random_alexnet()
    metric = Lpips(weights=alexnet_file(tree))
    with pytest.warns(UserWarning, match=r"pretrained|weight enum"):
        reference = lpips.LPIPS(net="alex", pretrained=False, pnet_rand=True, verbose=False)
    trunk = [layer for layer in reference.net.modules() if isinstance(layer, torch.nn.Conv2d)]
    with torch.no_grad():
        for i, layer in enumerate(trunk):
            stored = tree["AlexNet_0"][f"Conv_{i}"]
            for (y, x), _ in np.ndenumerate(stored["kernel"][:, :, 0, 0]):
                layer.weight[:, :, y, x] = torch.tensor(stored["kernel"][y, x].T)
            layer.bias.copy_(torch.tensor(stored["bias"]))
            head = tree[f"NetLinLayer_{i}"]["Conv_0"]["kernel"]
            reference.lins[i].model[1].weight.copy_(torch.tensor(head.reshape(1, -1, 1, 1)))
    restored, target = (image.expand(2, 3, -1, -1) for image in wave_pair())
    expected = reference(2 * restored - 1, 2 * target - 1).detach().flatten()
    assert_close(metric(restored, target, 1.0), expected)


def test_properties(alexnet_file):
    metric = Lpips(weights=str(alexnet_file(random_alexnet())))
    restored, target = wave_pair()
    value = metric(restored, target, 1.0)
    assert value.shape == (1,)
    assert float(value) > 0
    assert_close(metric(target, target, 1.0), torch.zeros(1))
    assert_close(metric(target, restored, 1.0), value)
    assert_close(metric(restored.expand(1, 3, -1, -1), target.expand(1, 3, -1, -1), 1.0), value)
    assert_close(metric(255 * restored, 255 * target, torch.tensor([255.0])), value)
    # More than one batch, each image on its own.
    many = metric(restored.expand(18, -1, -1, -1), target.expand(18, -1, -1, -1), 1.0)
    assert_close(many, value.expand(18))


def test_construction_leaves_the_random_state_alone(alexnet_file):
    path = alexnet_file(random_alexnet())
    before = torch.get_rng_state()
    Lpips(weights=path)
    torch.testing.assert_close(torch.get_rng_state(), before)


def test_an_incomplete_trunk_is_refused(alexnet_file):
    tree = random_alexnet()
    del tree["AlexNet_0"]["Conv_4"]
    with pytest.raises(ValueError, match="shorter"):
        Lpips(weights=alexnet_file(tree))


def test_wrong_images(alexnet_file):
    metric = Lpips(weights=alexnet_file(random_alexnet()))
    small, two = torch.rand(1, 1, 30, 64), torch.rand(1, 2, 64, 64)
    with pytest.raises(InputError, match="at least 31 pixels"):
        metric(small, small, 1.0)
    edge = torch.rand(1, 1, 31, 31)
    assert metric(edge, edge, 1.0).shape == (1,)
    with pytest.raises(InputError, match=r"1 \(grey\) or 3"):
        metric(two, two, 1.0)
    with pytest.raises(InputError, match="'alex' or 'vgg'"):
        Lpips("squeeze")  # type: ignore[arg-type]


def test_only_arrays_are_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (print, ("boom",))

    path = tmp_path / "bomb.ckpt"
    path.write_bytes(pickle.dumps({"a": Bomb()}))
    with path.open("rb") as stream, pytest.raises(pickle.UnpicklingError, match=r"refused to load builtins\.print"):
        ArrayUnpickler(stream).load()


def test_a_file_with_another_hash_is_refused_unread(tmp_path):
    path = tmp_path / "alexnet.ckpt"
    path.write_bytes(as_numpy_1_wrote_it(random_alexnet()))
    with pytest.raises(InputError, match=r"has SHA-256 .*, expected 443c5bc"):
        Lpips(weights=path)


@pytest.mark.parametrize(("net", "name"), [("alex", "lpips_alex"), ("vgg", "lpips_vgg16")])
def test_real_weights(need_weights, net, name):
    import os

    import lpips

    need_weights(name)
    metric = Lpips(net)
    assert_close(metric(*wave_pair(), 1.0), torch.tensor([GOLDEN[net]]), rtol=1e-3, atol=0)
    assert_close(metric(wave_pair()[1], wave_pair()[1], 1.0), torch.zeros(1))
    # The lpips package ships the same heads: an independent copy.
    shipped = os.path.join(os.path.dirname(lpips.__file__), "weights", "v0.1", f"{net}.pth")
    heads = torch.load(shipped, map_location="cpu", weights_only=True)
    for own, given in zip(read_lpips(name)[1], heads.values(), strict=True):
        assert_close(own, given, rtol=0, atol=0)


@pytest.mark.parametrize(("net", "side"), [("alex", 31), ("vgg", 16)])
def test_the_smallest_side_is_what_the_trunk_can_pool(need_weights, net, side):
    need_weights({"alex": "lpips_alex", "vgg": "lpips_vgg16"}[net])
    lpips, x = Lpips(net), torch.rand(1, 1, side, side + 3)
    assert torch.isfinite(lpips(x, x.flip(-1), 1.0)).all()
    with pytest.raises(InputError, match=rf"needs at least {side} pixels a side, got {side - 1} x {side + 3}"):
        lpips(x[:, :, 1:], x[:, :, 1:], 1.0)
    with pytest.raises(RuntimeError, match="Output size is too small"):
        lpips._model(*2 * [torch.zeros(1, 3, side - 1, side - 1)])
