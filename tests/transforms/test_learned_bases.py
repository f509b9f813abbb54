"""Learned bases: exact for all parameters, equal to known wavelets at theirs, differentiable, worth learning."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pywt
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from wavegen.core.errors import InputError
from wavegen.core.registry import build
from wavegen.core.types import Subbands
from wavegen.transforms import (
    Lattice,
    Lifting,
    Transform,
    angles_of,
    basis_value,
    coding_gain,
    contrast,
    fixed_bases,
    learn,
    read_basis,
    resolved,
    save_basis,
    sparsity,
    synthesis_norms,
    taps_of,
)
from wavegen.transforms.learning import trilinear

FACTORISED = [f"db{n}" for n in range(1, 15)] + [f"sym{n}" for n in range(2, 21)] + [f"coif{n}" for n in range(1, 10)]


def image(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def all_bands(bands: Subbands) -> list[Tensor]:
    return [bands.ll, *(band for details in bands.details for band in details)]


# -- the lattice -----------------------------------------------------------------------------------


def orthogonality_error(taps: Tensor) -> float:
    """Largest error of the Gram matrix of the even shifts of both filters."""
    n = taps.shape[1]
    errors = []
    for shift in range(0, n, 2):
        gram = taps[:, shift:] @ taps[:, : n - shift].mT
        errors.append(gram - (torch.eye(2, dtype=taps.dtype) if shift == 0 else 0))
    return float(torch.stack(errors).abs().max())


def test_any_angles_are_orthonormal() -> None:
    generator = torch.Generator().manual_seed(0)
    worst = 0.0
    for trial in range(1000):
        angles = 20 * torch.randn(1 + trial % 16, generator=generator, dtype=torch.float64)
        worst = max(worst, orthogonality_error(taps_of(angles)))
    assert 0 < worst <= 1e-12


def test_random_gradient_steps_lose_nothing() -> None:
    lattice = Lattice(start="db4", levels=2)
    x = image(1, 1, 16, 16, dtype=torch.float32)
    start = lattice.angles.detach().clone()
    generator = torch.Generator().manual_seed(0)
    worst = 0.0
    for step in range(400):
        lattice.zero_grad()
        bands = lattice.forward(x)
        loss = sum((band * torch.randn(band.shape, generator=generator)).sum() for band in all_bands(bands))
        assert isinstance(loss, Tensor)
        loss.backward()
        with torch.no_grad():
            lattice.angles -= 0.02 * lattice.angles.grad
        if step % 10 == 9:
            worst = max(worst, lattice.reconstruction_error(x))
    assert worst <= 1e-6
    assert (lattice.angles - start).abs().max() > 0.5
    assert orthogonality_error(lattice.taps().detach()) <= 1e-12


@pytest.mark.parametrize("name", FACTORISED)
def test_factorisation_gives_the_wavelet_back(name: str) -> None:
    wavelet = pywt.Wavelet(name)
    taps = taps_of(torch.tensor(angles_of(wavelet.dec_lo), dtype=torch.float64)).numpy()
    tolerance = 1e-10 if name.startswith("sym") or wavelet.dec_len <= 24 else 1e-8
    np.testing.assert_allclose(taps, [wavelet.dec_lo, wavelet.dec_hi], rtol=0, atol=tolerance)


def test_padded_filters_factorise() -> None:
    for name, before, after in [("haar", 2, 4), ("db2", 0, 2), ("db3", 4, 0), ("coif1", 2, 2)]:
        lo = (0.0,) * before + tuple(pywt.Wavelet(name).dec_lo) + (0.0,) * after
        taps = taps_of(torch.tensor(angles_of(lo), dtype=torch.float64))[0].numpy()
        np.testing.assert_allclose(taps, lo, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["haar", "db4", "sym5", "coif2"])
@pytest.mark.parametrize("train", [True, False])
def test_lattice_is_the_filter_bank_of_its_start(name: str, train: bool) -> None:
    x = image(2, 1, 13, 22)
    lattice = build("transform", {"name": "lattice", "start": name, "levels": 3, "train": train})
    fixed = build("transform", {"name": name, "levels": 3})
    for got, want in zip(all_bands(lattice.forward(x)), all_bands(fixed.forward(x)), strict=True):
        torch.testing.assert_close(got, want, rtol=0, atol=1e-5)  # angles are float32
    assert lattice.filters().lo == pytest.approx(pywt.Wavelet(name).dec_lo, abs=1e-6)


def test_both_ways_of_the_lattice_agree() -> None:
    """With and without a recorded gradient of the taps."""
    lattice, x = Lattice(angles=[0.3, -1.0, 2.0], levels=2), image(2, 2, 9, 12)
    with torch.no_grad():
        want = lattice.forward(x)
    got = lattice.forward(x)
    assert got.ll.requires_grad
    for a, b in zip(all_bands(got), all_bands(want), strict=True):
        torch.testing.assert_close(a, b)
    torch.testing.assert_close(lattice.inverse(got), x)


def test_sum_of_squares_stays_in_any_lattice() -> None:
    x = image(1, 1, 16, 8)
    for seed in range(5):
        angles = (6 * torch.rand(5, generator=torch.Generator().manual_seed(seed))).tolist()
        bands = Lattice(angles=angles, levels=2, train=False).forward(x)
        energy = sum(band.square().sum() for band in all_bands(bands))
        torch.testing.assert_close(energy, x.square().sum())


@pytest.mark.parametrize("length", [2, 6])
def test_gradients_of_the_taps(length: int) -> None:
    x = image(1, 1, 4, 6).requires_grad_()
    taps = image(2, length, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(trilinear.analyse, (x, taps))
    assert torch.autograd.gradgradcheck(lambda *a: sum(b.sin().sum() for b in trilinear.analyse(*a)), (x, taps))
    bands = tuple(image(1, 1, 2, 3, seed=i).requires_grad_() for i in range(4))
    assert torch.autograd.gradcheck(trilinear.synthesise, (*bands, taps))
    assert torch.autograd.gradgradcheck(lambda *a: trilinear.synthesise(*a).sin().sum(), (*bands, taps))


def test_gradient_of_the_angles() -> None:
    angles = image(3, seed=2).requires_grad_()
    assert torch.autograd.gradcheck(taps_of, (angles,))


# -- lifting ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "wavelet"), [("haar", "haar"), ("cdf5/3", "bior2.2"), ("cdf9/7", "bior4.4")])
def test_lifting_starts_are_pywavelets(start: str, wavelet: str) -> None:
    x = image(1, 2, 21, 32).numpy()
    bands = build("transform", {"name": "lifting", "start": start, "levels": 1}).forward(torch.from_numpy(x))
    padded = np.concatenate([x, x[:, :, -1:]], axis=2)
    ll, high = pywt.dwt2(padded, wavelet, "periodization")
    for got, want in zip([bands.ll, *bands.details[0]], [ll, *high], strict=True):
        torch.testing.assert_close(got.detach(), torch.from_numpy(want), rtol=0, atol=1e-6)  # steps are float32


@settings(deadline=None, max_examples=30)
@given(
    steps=st.lists(st.lists(st.floats(-2, 2, width=32), min_size=1, max_size=5), max_size=5),
    scale=st.floats(0.5, 2),
    height=st.integers(1, 20),
    width=st.integers(1, 20),
)
def test_any_lifting_steps_are_undone(steps: list[list[float]], scale: float, height: int, width: int) -> None:
    lifting = Lifting(steps=steps, scale=scale, levels=1)
    x = image(1, 1, height, width)
    bands = lifting.forward(x)
    largest = max(1.0, *(float(band.detach().abs().max()) for band in all_bands(bands)))
    with torch.no_grad():
        torch.testing.assert_close(lifting.inverse(bands), x, rtol=0, atol=1e-12 * largest)


def test_lifting_after_gradient_steps() -> None:
    lifting, x = Lifting(levels=2), image(1, 1, 16, 12, dtype=torch.float32)
    generator = torch.Generator().manual_seed(0)
    for _ in range(200):
        lifting.zero_grad()
        loss = torch.stack([b.square().mean() + b.abs().mean() for b in all_bands(lifting.forward(x))[1:]]).sum()
        loss.backward()
        with torch.no_grad():
            for step in lifting.steps:
                assert step.grad is not None
                step -= 0.01 * (step.grad + torch.randn(step.shape, generator=generator))
    assert lifting.reconstruction_error(x) <= 1e-6


# -- objectives ------------------------------------------------------------------------------------


def test_sparsity_of_known_images() -> None:
    haar = build("transform", {"name": "haar", "levels": 2})
    one = torch.zeros(1, 1, 16, 16)
    one[..., :2, :2] = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])  # one coefficient of the finest D
    torch.testing.assert_close(sparsity(haar, one), torch.tensor(1 / 16))
    noise = contrast(image(1, 1, 64, 64, dtype=torch.float32))
    torch.testing.assert_close(sparsity(haar, noise), torch.tensor(math.sqrt(2 / math.pi)), rtol=0.02, atol=0)


def test_coding_gain_of_noise_and_of_a_known_process() -> None:
    haar = build("transform", {"name": "haar", "levels": 1})
    noise = contrast(image(4, 1, 64, 64, dtype=torch.float32))
    assert abs(float(coding_gain(haar, noise))) < 0.05
    # Bands of variances 3.7, 0.1, 0.1, 0.1 make an image of variance 1.
    ll, *high = (math.sqrt(v) * image(8, 1, 32, 32, seed=i) for i, v in enumerate((3.7, 0.1, 0.1, 0.1)))
    x = contrast(haar.synthesise(ll, *high))
    want = -10 * (math.log10(3.7) + 3 * math.log10(0.1)) / 4
    assert float(coding_gain(haar, x)) == pytest.approx(want, abs=0.1)


def test_synthesis_norms() -> None:
    orthonormal = {"name": "lifting", "start": "haar", "levels": 2}
    torch.testing.assert_close(synthesis_norms(build("transform", orthonormal)), torch.ones(7))
    norms = synthesis_norms(build("transform", {"name": "bior2.2", "levels": 1}))
    lo, hi = (np.linalg.norm(f) for f in pywt.Wavelet("bior2.2").filter_bank[2:])
    want = torch.tensor([lo * lo, lo * hi, lo * hi, hi * hi], dtype=torch.float32)
    torch.testing.assert_close(norms, want)
    with pytest.raises(InputError, match="halves the size"):
        synthesis_norms(build("transform", "undecimated"))


def test_ill_conditioned_bases_are_not_sparse() -> None:
    x = contrast(image(4, 1, 32, 32, dtype=torch.float32))
    good, bad = (basis_value("sparsity", {"name": name, "levels": 3}, x) for name in ("bior2.2", "rbio3.1"))
    assert bad > 1.5 * good


def test_a_larger_scale_is_no_gain() -> None:
    x = contrast(image(1, 1, 32, 32, dtype=torch.float32))
    for measure in (sparsity, coding_gain):
        values = [measure(Lifting(scale=scale, levels=2, train=False), x) for scale in (0.7, 1.4, 3.0)]
        torch.testing.assert_close(values[0], values[1])
        torch.testing.assert_close(values[0], values[2])


# -- learning --------------------------------------------------------------------------------------


def stripes() -> Tensor:
    """Textures of one direction, which short fixed wavelets do not fit."""
    t = torch.arange(32.0)
    rows = [torch.sin(2 * math.pi * (t / 4.3 + p / 7)) + torch.sin(2 * math.pi * (t / 9.1 + p / 3)) for p in range(16)]
    return contrast(torch.stack([r[:, None] + r[None, :] for r in rows])[:, None])


def textures() -> Tensor:
    """Noise whose power peaks at half the largest frequency, where no fixed wavelet has its bands."""
    x = image(16, 1, 32, 32, dtype=torch.float32)
    for axis in (2, 3):
        x = x - 0.9 * x.roll(2, axis)
    return contrast(x)


@pytest.mark.parametrize(
    ("kind", "objective"), [("lattice", "sparsity"), ("lattice", "coding_gain"), ("lifting", "sparsity")]
)
def test_learning_beats_its_starts(kind: Any, objective: str) -> None:
    x, taps = (textures() if kind == "lattice" else stripes()), 4
    found = learn(x, kind, taps, levels=1, objective=objective, steps=60)
    sign = -1 if objective == "coding_gain" else 1
    best = min(sign * value for value in found.fixed.values())
    assert sign * found.value < best - 1e-3 * abs(best)
    assert found.value == pytest.approx(basis_value(objective, found.spec, x), rel=1e-5)
    if kind == "lifting":
        assert learn(x, kind, taps, levels=1, objective=objective, steps=60) == found


def test_fixed_bases_have_at_most_as_many_taps() -> None:
    assert fixed_bases("lattice", 6) == ["coif1", "db2", "db3", "haar"]
    assert "bior2.2" in fixed_bases("lifting", 6)
    assert "bior4.4" not in fixed_bases("lifting", 8)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"taps": 3}, "even number from 2 to 24"),
        ({"taps": 26}, "even number from 2 to 24"),
        ({"objective": "beauty"}, "sparsity, coding_gain"),
        ({"minutes": 1.0}, "either steps or minutes"),
        ({"steps": None}, "either steps or minutes"),
    ],
)
def test_wrong_learning(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        learn(stripes(), **options)


def test_images_without_contrast() -> None:
    x = torch.rand(3, 1, 8, 8)
    x[1] = 5.0
    with pytest.raises(InputError, match="image 1 is constant"):
        contrast(x)
    x[1, 0, 0, 0] = torch.nan
    with pytest.raises(InputError, match="image 1 is constant or not finite"):
        contrast(x)


# -- files -----------------------------------------------------------------------------------------


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    spec = {"name": "lattice", "angles": [0.25, 0.5], "levels": 1}
    save_basis(path, spec, {"data": "none"})
    assert read_basis(path) == spec
    transform: Transform = build("transform", {"name": "learned", "basis": str(path), "levels": 3})
    assert isinstance(transform, Lattice)
    assert transform.levels == 3
    assert not transform.angles.requires_grad
    assert build("transform", {"name": "learned", "basis": str(path), "train": True}).angles.requires_grad
    given = resolved({"name": "learned", "basis": str(path), "train": True})
    assert given == {"name": "lattice", "angles": [0.25, 0.5], "levels": 2, "train": True}
    assert resolved({"name": "db4", "levels": 1}) == {"name": "db4", "levels": 1}
    save_basis(path, {"name": "lifting", "steps": [[1.0], [0.5]]})
    assert isinstance(build("transform", {"name": "learned", "basis": str(path)}), Lifting)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"transform": {"name": "db4"}}', '{"transform": {"name": "lattice"}}']
)
def test_files_that_are_no_basis(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"bad\.json"):
        read_basis(path)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="hela"):
        read_basis("nonsense")
    with pytest.raises(InputError, match=r"none\.json"):
        build("transform", {"name": "learned", "basis": str(tmp_path / "none.json")})
    with pytest.raises(InputError, match="a basis to save"):
        save_basis(tmp_path / "x.json", {"name": "db4"})


@pytest.mark.parametrize(
    "spec",
    [
        {"name": "lattice", "angles": []},
        {"name": "lattice", "angles": [math.nan]},
        {"name": "lattice", "start": "bior2.2"},
        {"name": "lattice", "start": "db38"},
        {"name": "lattice", "start": "db99"},
        {"name": "lattice", "levels": 0},
        {"name": "lifting", "start": "db4"},
        {"name": "lifting", "steps": [[]]},
        {"name": "lifting", "steps": [[math.inf]]},
        {"name": "lifting", "scale": 0},
    ],
    ids=str,
)
def test_wrong_options(spec: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        build("transform", spec)


@pytest.mark.parametrize("lo", [[1.0], [1.0, 2.0, 3.0], [0.5, 0.5], [math.nan, 1.0]], ids=str)
def test_taps_without_angles(lo: list[float]) -> None:
    with pytest.raises(InputError, match="taps"):
        angles_of(lo)
