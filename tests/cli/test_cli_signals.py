"""Guards how the program ends: by a signal at any moment, and where a launcher has started it several times."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wavegen.cli import main
from wavegen.core.launch import launched

LAUNCHER = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}
ENDINGS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
# Stops where the program reads its command line: its modules are being imported.
SLOW = "import sys, time; import wavegen.__main__ as m; sys.modules['wavegen.cli'] = type(sys)('wavegen.cli'); "
SLOW += "sys.modules['wavegen.cli'].__getattr__ = lambda name: print('here', flush=True) or time.sleep(30); m.main()"


@pytest.mark.parametrize("number", ENDINGS)
def test_a_signal_while_the_program_is_imported(number: signal.Signals) -> None:
    """A shell calls the end by a signal 128 + its number, which is what the program exits with later."""
    line = [sys.executable, "-c", SLOW]
    process = subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=_as_in_a_terminal
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (-number, "")


def _as_in_a_terminal() -> None:
    """What a shell starts in the background ignores Ctrl-C."""
    for number in ENDINGS:
        signal.signal(number, signal.SIG_DFL if number != signal.SIGINT else signal.default_int_handler)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_while_a_command_runs(number: int, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [signal.signal(k, signal.SIG_DFL) for k in ENDINGS]
    try:
        monkeypatch.setattr("wavegen.core.registry.names", lambda kind: signal.raise_signal(number) or time.sleep(1))
        with pytest.raises(SystemExit) as end:
            main(["list", "bridge"])
        assert end.value.code == code
        assert [signal.getsignal(k) for k in ENDINGS] == [signal.SIG_DFL] * len(ENDINGS)
    finally:
        for k, handler in zip(ENDINGS, before, strict=True):
            signal.signal(k, handler)


def test_an_ignored_signal_stays_ignored(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """As nohup starts a program."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        monkeypatch.setattr("wavegen.core.registry.names", lambda kind: signal.raise_signal(signal.SIGHUP) or [])
        with pytest.raises(SystemExit) as end:
            main(["list", "bridge"])
        assert not end.value.code
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


# -- launchers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["ablate", "restore", "list"])
def test_only_train_shares_its_work(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in LAUNCHER.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as end:
        main(
            [command, *{"ablate": ["grid.yaml", "--out", "o"], "restore": ["a", "b", "--model", "c"]}.get(command, [])]
        )
    assert end.value.code == 2
    assert f"2 processes would all do the same; start wavegen {command} without a launcher" in capsys.readouterr().err
    assert not os.listdir(tmp_path)


def test_a_launcher_sets_all_of_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """WORLD_SIZE alone, as some clusters set it, starts nothing."""
    for name in LAUNCHER:
        monkeypatch.delenv(name, raising=False)
    assert launched() == 1
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert launched() == 1
    for name, value in LAUNCHER.items():
        monkeypatch.setenv(name, value)
    assert launched() == 2
