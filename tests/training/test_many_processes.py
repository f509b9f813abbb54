"""Guards trainings by several processes: two do what one does, end together, and never wait for one that is gone."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import many
import pytest
import torch
import torch.distributed as dist
from runs import Interrupting, assert_same

from wavegen.core.draws import Shared, among, integers, normal, own, seeds, uniform, whole
from wavegen.core.tensors import read_tensors

COUNT = 2
HERE = Path(__file__).parent


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def start(rank: int, port: int, *arguments: Any) -> subprocess.Popen[str]:
    """One process of a launcher's."""
    said = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": COUNT, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    environment = {**os.environ, **{name: str(value) for name, value in said.items()}, "OMP_NUM_THREADS": "1"}
    environment |= {"CUDA_VISIBLE_DEVICES": ""}
    line = [sys.executable, *map(str, arguments)]
    return subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@dataclass
class Both:
    """What two processes did in one folder, and one process in the other."""

    two: Path
    one: Path
    ends: list[dict[str, str]]
    codes: list[int]
    err: list[str]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    if not (dist.is_available() and dist.is_gloo_available()):
        pytest.skip("this torch has no gloo, by which processes speak on a CPU")
    two, one = (tmp_path_factory.mktemp(name) for name in ("two", "one"))
    many.run("critics", two / "begun", (Interrupting(3, signal.SIGTERM),))
    port = free_port()
    processes = [start(rank, port, HERE / "many.py", two) for rank in range(COUNT)]
    try:
        for name in many.SYSTEMS:
            assert many.run(name, one / name) == "done"
        err = [process.communicate(timeout=120)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    written = [two / f"ends-{rank}.json" for rank in range(COUNT)]
    assert all(path.exists() for path in written), "\n".join(err)
    ends = [json.loads(path.read_text()) for path in written]
    return Both(two, one, ends, [process.returncode for process in processes], err)


def figures(folder: Path) -> list[dict[str, Any]]:
    dropped = {"core_minutes", "stage"}
    lines = (folder / "log.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in dropped} for line in lines]


def assert_same_run(got: Path, want: Path) -> None:
    """The same figures and state: to rounding, which optimisers enlarge where gradients are small."""
    ours, theirs = figures(got), figures(want)
    assert len(ours) == len(theirs) == many.STEPS
    for one, other in zip(ours, theirs, strict=True):
        assert one.keys() == other.keys()
        assert one == pytest.approx(other, rel=1e-4, abs=1e-5)
    (mine, note), (straight, before) = (read_tensors(k / "checkpoint.safetensors") for k in (got, want))
    assert note["progress"]["step"] == before["progress"]["step"] == many.STEPS
    assert mine.keys() == straight.keys()
    for name, value in straight.items():
        if value.is_floating_point() and value.numel():
            assert float((mine[name] - value).norm()) <= 1e-3 * float(value.norm()) + 1e-5, name


@pytest.mark.parametrize("name", many.SYSTEMS)
def test_two_processes_do_what_one_does(name: str, both: Both) -> None:
    assert [ends[name] for ends in both.ends] == ["done", "done"]
    assert_same_run(both.two / name, both.one / name)


def test_a_signal_to_one_ends_all(both: Both) -> None:
    """With one exit code and one state, that of the step at which it came."""
    assert [ends["signalled"] for ends in both.ends] == ["143", "143"]
    assert read_tensors(both.two / "signalled" / "checkpoint.safetensors")[1]["progress"]["step"] == 3


def test_another_number_of_processes_goes_on(both: Both) -> None:
    assert many.run("critics", both.two / "signalled") == "done"  # begun by two
    assert_same_run(both.two / "signalled", both.one / "critics")
    assert [ends["resumed"] for ends in both.ends] == ["done", "done"]  # begun by one
    assert_same_run(both.two / "begun", both.one / "critics")


def test_the_first_plans(both: Both) -> None:
    """One second for each of its steps and one for what follows it: the second, twice as slow, makes as many.

    Of half a minute, 7 seconds go to what is timed first and 2.5 are kept back for the end.
    """
    assert [ends["minutes"] for ends in both.ends] == ["done", "done"]
    assert read_tensors(both.two / "minutes" / "checkpoint.safetensors")[1]["progress"]["plan"] == [11]


def test_what_cannot_be_shared_is_refused(both: Both) -> None:
    said = "batch = 3 cannot be shared evenly by 2 processes; give 2 or 4"
    assert [ends["odd batch"] for ends in both.ends] == [said, said]
    said = "not all processes have the data of the first; give all machines the same files"
    assert [ends["other data"] for ends in both.ends] == [said, said]


def test_nobody_waits_for_a_dead_process(both: Both) -> None:
    assert both.codes == [0, 7], both.err
    end = json.loads((both.two / "dead.json").read_text())
    assert end["dead"].startswith("the connection to the other processes is lost: one has ended")
    assert float(end["waited"]) < 10


def test_the_first_prints(both: Both) -> None:
    """What all refuse is said once, and so is what is done."""
    first, second = (ends["refused"] for ends in both.ends)
    assert first.startswith("wavegen: error: training: batch = 0")
    assert (first[-2:], second) == ("\n2", "2")
    first, second = (ends["printed"] for ends in both.ends)
    assert "model in" in first
    assert (first[-2:], second) == ("\n0", "0")
    assert sorted(k.name for k in (both.two / "printed").iterdir()) == [
        "checkpoint.safetensors", "log.jsonl", "model", "previews",
    ]  # fmt: skip


# -- numbers ---------------------------------------------------------------------------------------

ITEMS = 3


def shared(rank: int, processes: int = COUNT) -> Shared:
    return Shared(5, rank, processes, ITEMS * COUNT // processes)


def dealt(parts: list[torch.Tensor]) -> torch.Tensor:
    """Parts of processes as the batch that they were dealt from."""
    return torch.stack(parts, dim=1).flatten(0, 1)


def test_numbers_belong_to_items() -> None:
    draws = {
        "normal": lambda g, n: normal((n, 2), g),
        "uniform": lambda g, n: uniform((n,), g),
        "integers": lambda g, n: integers(-4, 9, (n, 1), g),
        "seeds": lambda g, n: torch.tensor(seeds(n, g)),
    }
    for name, draw in draws.items():
        parts, alone = [draw(shared(rank), ITEMS) for rank in range(COUNT)], draw(shared(0, 1), ITEMS * COUNT)
        assert_same({name: dealt(parts)}, {name: alone})
        plain = draw(torch.Generator().manual_seed(5), ITEMS * COUNT)
        assert_same({name: alone}, {name: plain})  # one process draws what it always has
        repeated = [draw(shared(rank), 2 * ITEMS).chunk(2)[1] for rank in range(COUNT)]
        assert_same({name: dealt(repeated)}, {name: draw(shared(0, 1), 2 * ITEMS * COUNT).chunk(2)[1]})


def test_numbers_of_chosen_items() -> None:
    chosen = torch.tensor([True, False, False, True, True, False])
    expected = normal((3,), torch.Generator().manual_seed(5))
    found = torch.zeros(len(chosen))
    for rank in range(COUNT):
        generator = shared(rank)
        mine = own(chosen, generator)
        with among(chosen, generator):
            assert whole(int(mine.sum()), generator) == 3
            found[rank::COUNT][mine] = normal((int(mine.sum()),), generator)
        assert whole(ITEMS, generator) == len(chosen)
    assert_same({"": found[chosen]}, {"": expected})
