from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from torch import nn
from torch.testing import assert_close

from wavegen.core.errors import InputError
from wavegen.metrics import (
    FrechetInceptionDistance,
    KernelDistance,
    backbones,
    distribution,
    frechet_distance,
    gaussian_fit,
    kid,
)
from wavegen.metrics.backbones import Backbone


def normal(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_kid_is_the_double_sum():
    a, b = normal(6, 3, 0), normal(6, 3, 1) + 0.5

    def k(u, v):
        return (float(u @ v) / 3 + 1) ** 3

    within = sum(k(s[i], s[j]) for s in (a, b) for i in range(6) for j in range(6) if i != j) / 30
    across = sum(k(u, v) for u in a for v in b) / 36
    result = kid(a, b, subsets=2, subset_size=6)
    np.testing.assert_allclose(result.mean, within - 2 * across, rtol=1e-10)
    np.testing.assert_allclose(result.std, 0.0, atol=1e-12)


def test_kid_equals_torchmetrics():
    from torchmetrics.image.kid import KernelInceptionDistance

    features = nn.Identity()
    features.num_features = 8
    with pytest.warns(UserWarning, match="save all extracted features"):
        reference = KernelInceptionDistance(feature=features, subsets=1, subset_size=20)
    a, b = normal(20, 8, 0), 1.3 * normal(20, 8, 1)
    reference.update(a.float(), real=True)
    reference.update(b.float(), real=False)
    expected = float(reference.compute()[0])
    np.testing.assert_allclose(kid(a.float(), b.float(), subsets=1, subset_size=20).mean, expected, rtol=1e-4)


def test_kid_is_unbiased():
    estimates = [kid(normal(12, 4, s), normal(12, 4, 1000 + s), subsets=1, subset_size=12).mean for s in range(300)]
    # Zero within four standard errors of the mean.
    error = float(np.std(estimates, ddof=1)) / np.sqrt(len(estimates))
    np.testing.assert_allclose(np.mean(estimates), 0.0, atol=4 * error)


def test_kid_depends_on_its_seed_only():
    a, b = normal(40, 5, 0), normal(30, 5, 1)
    first = kid(a, b, subsets=5, subset_size=10, seed=3)
    torch.manual_seed(123)
    again = kid(a, b, subsets=5, subset_size=10, seed=3)
    assert first == again
    assert first != kid(a, b, subsets=5, subset_size=10, seed=4)
    assert first.std > 0


@pytest.mark.parametrize(("subsets", "size"), [(0, 5), (1, 1), (1, 31)])
def test_kid_out_of_range(subsets, size):
    with pytest.raises(InputError, match="subset_size <= 30"):
        kid(normal(40, 5, 0), normal(30, 5, 1), subsets=subsets, subset_size=size)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 1000), st.integers(1, 8))
def test_frechet_equals_the_matrix_square_root(seed, d):
    (mu1, cov1), (mu2, cov2) = gaussian_fit(normal(20, d, seed)), gaussian_fit(0.3 + 2 * normal(20, d, seed + 1))
    root = np.real(sqrtm((cov1 @ cov2).numpy()))
    expected = float((mu1 - mu2).square().sum() + cov1.trace() + cov2.trace()) - 2 * np.trace(root)
    np.testing.assert_allclose(frechet_distance(mu1, cov1, mu2, cov2), expected, rtol=1e-6, atol=1e-8)


def test_frechet_closed_forms():
    mu, zero = torch.tensor([1.0, 2.0]), torch.zeros(2)
    s, t = torch.tensor([4.0, 9.0]), torch.tensor([1.0, 0.0])
    # Commuting covariances: |mu|² + sum (sqrt s - sqrt t)²; the second one is singular.
    np.testing.assert_allclose(frechet_distance(mu, s.diag(), zero, t.diag()), 5 + 1 + 9, rtol=1e-12)
    np.testing.assert_allclose(frechet_distance(mu, s.diag(), mu, s.diag()), 0.0, atol=1e-12)
    with pytest.raises(InputError, match="frechet_distance needs"):
        frechet_distance(mu, s, mu, s)


def test_gaussian_fit_is_numpys():
    x = normal(9, 4, 0)
    mu, cov = gaussian_fit(x)
    np.testing.assert_allclose(mu, x.numpy().mean(axis=0))
    np.testing.assert_allclose(cov, np.cov(x.numpy(), rowvar=False))
    assert gaussian_fit(x[:, :1])[1].shape == (1, 1)
    with pytest.raises(InputError, match="N >= 2"):
        gaussian_fit(x[:1])


def tiny(weights: object = None) -> Backbone:
    return Backbone("tiny", 12, 4, nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten()))


def test_metrics_over_images(monkeypatch):
    monkeypatch.setitem(backbones.BACKBONES, "vgg16", tiny)
    monkeypatch.setattr(distribution, "inception", tiny)
    generator = torch.Generator().manual_seed(0)
    a, b = torch.rand(20, 1, 8, 8, generator=generator), torch.rand(35, 1, 8, 8, generator=generator)
    kernel, frechet = KernelDistance(subset_size=10, subsets=7), FrechetInceptionDistance()
    score = kernel(255 * a, 255 * b, 255.0)
    features = kernel.features(a, 1.0), torch.cat([kernel.features(part, 1.0) for part in b.split(10)])
    np.testing.assert_allclose(score.value, kid(*features, subsets=7, subset_size=10).mean, rtol=1e-4)
    text = str(score)
    for part in ("kid_vgg16", "tiny", "n = 20 and 35", "dimension 12", "±"):
        assert part in text
    score = frechet(a, b, 1.0)
    assert score.std is None
    assert score.value > 0
    np.testing.assert_allclose(frechet(a, a, 1.0).value, 0.0, atol=1e-8)
    with pytest.raises(InputError, match="at least 4 pixels"):
        kernel(a[..., :3], b, 1.0)
    with pytest.raises(InputError, match="at least 2 images"):
        frechet(a[:1], b, 1.0)
    with pytest.raises(InputError, match=r"\(N, D\) and \(M, D\)"):
        kernel.compare(features[0], features[1][:, :3])


def test_inception_is_pytorch_fids_network(monkeypatch):
    from pytorch_fid import inception as fid

    torch.manual_seed(0)
    state = backbones.inception_network().to_empty(device="cpu").state_dict()
    for key, tensor in state.items():
        if key.endswith("weight") and tensor.ndim > 1:
            tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5)
        elif tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5)
    monkeypatch.setattr(fid, "load_state_dict_from_url", lambda *args, **kwargs: state)
    monkeypatch.setattr(backbones, "read_torch", lambda name, path: state)
    x = torch.rand(1, 3, 40, 50)
    with torch.no_grad():
        expected = fid.InceptionV3([3]).eval()(x)[0].flatten(1)
    assert_close(backbones.inception().features(x, 1.0), expected, rtol=1e-3, atol=1e-4)


def test_vgg16_is_torchvisions_trunk(need_weights):
    from torchvision.models import vgg16

    from wavegen.metrics.loading import read_lpips

    need_weights("lpips_vgg16")
    with torch.device("meta"):
        layers = vgg16(weights=None).features[:30]
    flat = [tensor for pair in read_lpips("lpips_vgg16")[0] for tensor in pair]
    layers.load_state_dict(dict(zip(layers.state_dict(), flat, strict=True)), assign=True)
    x = torch.rand(2, 3, 48, 32, generator=torch.Generator().manual_seed(0))
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    expected = layers((x - mean.view(3, 1, 1)) / std.view(3, 1, 1)).mean(dim=(2, 3)).detach()
    assert_close(backbones.vgg16().features(x, 1.0), expected, rtol=1e-4, atol=1e-5)


def test_efficientnet_tensors_correspond(need_weights):
    import timm

    from wavegen.metrics.loading import read_torch

    need_weights("effnet_lite0")
    with torch.device("meta"):
        own = timm.create_model("tf_efficientnet_lite0", pretrained=False).state_dict()
    for (here, tensor), (there, stored) in zip(own.items(), read_torch("effnet_lite0").items(), strict=True):
        assert here.rsplit(".", 1)[1] == there.rsplit(".", 1)[1]
        assert tensor.shape == stored.shape


def test_efficientnet_recognises_a_cat(need_weights):
    from skimage import data
    from torch.nn.functional import interpolate

    need_weights("effnet_lite0")
    from wavegen.metrics.loading import read_torch

    backbone = backbones.effnet_lite0()
    cat = torch.tensor(data.chelsea()).permute(2, 0, 1)[None, :, :, 75:375].float()
    features = backbone.features(interpolate(cat, (224, 224), mode="bilinear", antialias=True), 255.0)
    weight, bias = list(read_torch("effnet_lite0").values())[-2:]
    # ImageNet's classes 281 to 285 are the cats.
    assert int((features @ weight.T + bias).argmax()) in range(281, 286)
