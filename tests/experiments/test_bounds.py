"""Grids that nobody can run are refused at once; encrypted schedulers are reached with certificates."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from grids import grid

from wavegen.core.errors import InputError
from wavegen.experiments import read_grid
from wavegen.experiments.engine.dispatch import connected, secured


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seeds": 2_000_000_000}, r"runs \(combinations x seeds\), above the limit of 10,000"),
        ({"seeds": {"a": list(range(20_000))}}, "above the limit of 10,000"),
        (
            {"vary": {"bridge.s": [0.1] * 399, "sampler.eta": [0.2] * 399}},
            "159,201 combinations of systems and values, above the limit of 1,000",
        ),
        ({"vary": {"bridge.s": [0.1] * 900}, "rows": [{}] * 12}, r"10,800 rows \(combinations x rows\)"),
        ({"rows": [{"steps": 2**31}]}, "give a whole number from 1 to 10,000"),
    ],
)
def test_numbers_of_a_grid_have_limits(changes: dict[str, Any], said: str) -> None:
    began = time.process_time()
    with pytest.raises(InputError, match=said):
        read_grid(grid(**changes), "grid.yaml")
    assert time.process_time() - began < 2


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for this machine that vouches for itself, and its key, in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    subprocess.run([*made, "-subj", "/CN=localhost", "-keyout", key, "-out", cert], check=True, capture_output=True)
    both = tmp_path / "both.pem"
    both.write_text(key.read_text() + cert.read_text())
    return both


def test_an_encrypted_scheduler_is_reached_with_certificates_alone(certificate: Path) -> None:
    import distributed

    files = dict.fromkeys(("tls_ca_file", "tls_scheduler_cert", "tls_scheduler_key"), str(certificate))
    files |= dict.fromkeys(("tls_worker_cert", "tls_worker_key", "tls_client_cert", "tls_client_key"), str(certificate))
    security = distributed.Security(require_encryption=True, **files)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, security=security, dashboard_address=None, memory_limit=0
    ) as cluster:
        address = cluster.scheduler_address
        assert address.startswith("tls://")
        with secured(certificate, certificate, None), connected(address, 1) as client:
            assert client.submit(sum, [1, 2]).result() == 3
        with pytest.raises(InputError, match="no scheduler answers"), connected(address, 1):
            pass


def test_encryption_needs_its_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs both --tls-ca-file and --tls-cert"), secured(tmp_path, None, None):
        pass
    with (
        pytest.raises(InputError, match=r"there is no file .*none\.pem"),
        secured(tmp_path / "none.pem", tmp_path, None),
    ):
        pass


def test_texts_for_numbers_in_results_are_refused(tmp_path: Path) -> None:
    from wavegen.reports.study import read_study

    row = {"system": "unet", "steps": 1, "seed": 0, "images": 8, "psnr": 20.0, "ssim": 0.5}
    for wrong in ({"lpips": "0.1"}, {"nfe": [1]}, {"psnr": True}, {"key": 3}, {"eta": "1"}):
        file = tmp_path / "results.json"
        file.write_text(json.dumps({"about": {"plan": {}}, "rows": [{**row, **wrong}]}))
        with pytest.raises(InputError, match=r"row 1 of .*results\.json: \w+ = .* is no (number|text)"):
            read_study([file])
