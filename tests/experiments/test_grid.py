"""Grids: what a file stands for, which trainings its rows share, and what is refused before any work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from grids import BRIDGE, UNET, grid

from wavegen import Pipeline
from wavegen.core.errors import InputError
from wavegen.data import Pairs
from wavegen.experiments import read_grid
from wavegen.experiments.engine.keys import check_folder, claim, fingerprint, identity
from wavegen.experiments.spec.differences import differ
from wavegen.experiments.spec.folders import digest, run_folder
from wavegen.experiments.spec.grid import same_grid
from wavegen.io import write_image


def test_the_product_of_what_varies_and_one_training_for_all_ways_of_sampling() -> None:
    vary = {"bridge.s": [0.1, 0.2], "sampler.steps": [1, 4], "sampler.eta": [1.0, 0.0], "target": ["x0", "residual"]}
    plan = read_grid(grid(vary=vary, seeds=3))
    assert list(plan.systems) == [f"bridge.s={s}, target={t}" for s in (0.1, 0.2) for t in ("x0", "residual")]
    assert len(plan.runs()) == 12
    assert len(plan.rows) == 16
    for row in plan.rows:
        s, target = (part.split("=")[1] for part in row.system.split(", "))
        assert row.varied == {
            "bridge.s": float(s),
            "sampler.steps": row.steps,
            "sampler.eta": row.eta,
            "target": target,
        }
        config = Pipeline.configure(plan.systems[row.system])
        assert (config.bridge["s"], config.prediction) == (float(s), target)
        assert config.sampler == Pipeline.configure(BRIDGE).sampler  # of the base: rows have their own


@pytest.mark.parametrize(
    "training",
    [
        {"times": "grid"},
        {"stages": [
            {"name": "fit", "weights": {"coarse": 1.0}},
            {"name": "distill", "weights": {"distill": 1.0}, "teacher_steps": 2},
        ]},
    ],
)  # fmt: skip
def test_a_sampler_that_training_looks_at_is_trained_for(training: dict[str, Any]) -> None:
    plan = read_grid(grid(base={**BRIDGE, **training}, vary={"sampler.steps": [2, 4]}))
    assert [Pipeline.configure(spec).sampler.steps for spec in plan.systems.values()] == [2, 4]
    assert [row.steps for row in plan.rows] == [2, 4]


def test_a_changed_name_keeps_the_options_that_both_know() -> None:
    base = {"name": "mscgm-joint", "transform": {"levels": 3}}
    assert differ(base, {"transform.name": "db2"})["transform"] == {"name": "db2", "levels": 3}
    assert differ(base, {"transform": {"name": "db2"}})["transform"] == {"name": "db2"}
    joint = Pipeline.configure("mscgm-joint").head
    assert joint is not None
    head = differ(base, {"head.name": "bridge"})["head"]
    assert (head["name"], head["network"], head["features"]) == ("bridge", joint["network"], joint["features"])
    assert differ(base, {"bridge.name": "regression"})["bridge"] == {"name": "regression"}
    assert differ(base, {"bridge.s": 0.3, "bridge.schedule": "sin"})["bridge"] == {"s": 0.3, "schedule": "sin"}


def test_named_systems_share_a_training_where_they_only_sample_differently(
    capsys: pytest.CaptureFixture[str],
) -> None:
    systems = {
        "one": {},
        "two": {"sampler.steps": 2},
        "ode": {"sampler": {"steps": 4, "eta": 0}},
        "unet": {"name": "unet"},
    }
    plan = read_grid(grid(systems=systems, vary={}))
    assert list(plan.systems) == ["one", "unet"]
    said = [f"{name}: the training of one, which its rows are named after" for name in ("two", "ode")]
    assert capsys.readouterr().err.splitlines() == said
    assert [(r.system, r.steps, r.eta) for r in plan.rows] == [
        ("one", 200, 1),
        ("one", 2, 1),
        ("one", 4, 0),
        ("unet", 1, 1),
    ]
    listed = read_grid(grid(base=UNET, systems=["bbdm", {"noisy": {"name": "bbdm", "bridge.s": 1.0}}], vary={}))
    assert list(listed.systems) == ["bbdm", "noisy"]
    assert listed.systems["noisy"]["bridge"] == {"s": 1.0}


def test_rows_are_asked_of_all_systems_or_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"steps": 1}, {"steps": 4, "samples": 2}, {"system": "b", "steps": 8, "eta": 0.5}]
    plan = read_grid(grid(systems={"a": {"name": "unet"}, "b": {"name": "bbdm"}}, vary={}, rows=rows))
    assert [(r.system, r.steps) for r in plan.rows] == [("a", 1), ("b", 1), ("b", 4), ("b", 8)]
    assert "left out: a at 4 calls" in capsys.readouterr().err


def test_a_process_of_one_call_has_one_row(capsys: pytest.CaptureFixture[str]) -> None:
    plan = read_grid(grid(vary={"bridge.name": ["bbdp", "regression"]}))
    assert [(r.system, r.steps) for r in plan.rows] == [("bridge.name=bbdp", 200), ("bridge.name=regression", 1)]
    assert not capsys.readouterr().err
    plan = read_grid(grid(vary={"bridge.name": ["bbdp", "regression"], "sampler.steps": [1, 2]}))
    assert [(r.system, r.steps) for r in plan.rows] == [
        ("bridge.name=bbdp", 1), ("bridge.name=bbdp", 2), ("bridge.name=regression", 1)
    ]  # fmt: skip
    assert "left out: bridge.name=regression at 2 calls" in capsys.readouterr().err


BAD: list[tuple[dict[str, Any], str]] = [
    ({"vary": {"transfrom.name": ["haar"]}}, "unknown option 'transfrom'; did you mean 'transform'"),
    ({"vary": {"network.widht": [8]}}, "unknown option 'widht'; did you mean 'width'"),
    ({"vary": {"bridge.name": ["bbdb"]}}, "unknown bridge 'bbdb'; did you mean 'bbdp'"),
    ({"vary": {"bridge.s": [0.1, -1]}}, "s = -1"),
    ({"vary": {"sampler.steps": [1, 0]}}, "sampler.steps = 0"),
    ({"vary": {"sampler.stepz": [1]}}, "did you mean 'steps'"),
    ({"vary": {"sampler.solver": ["huen"]}}, "unknown solver 'huen'; did you mean 'heun'"),
    ({"vary": {"sampler.grid.name": ["unifrom"]}}, "unifrom"),
    ({"vary": {"sampler.eta_bbdm": [1.5]}}, "eta = 1.5"),
    ({"vary": {"sampler.solver": ["heun"], "sampler.eta_bbdm": [0.5]}}, "is of the solver 'bbdm', not of 'heun'"),
    ({"rows": [{"solver": {"name": "heun", "eta": 0.5}, "eta": 1.0}]}, "give one of them"),
    ({"vary": {"bridge.s": []}}, "vary.bridge.s"),
    ({"vary": {"network.width.x": [1]}}, "network.width.x: width is the single value 8"),
    ({"vary": {"transform..name": ["haar"]}}, "is no key"),
    ({"base": "bbdmm"}, "unknown pipeline 'bbdmm'; did you mean 'bbdm'"),
    ({"bas": 1}, "unknown option 'bas'; did you mean 'base'"),
    ({"training": {"step": 3}}, "training: unknown option 'step'; did you mean 'steps'"),
    ({"training": {}}, "give either steps or minutes"),
    ({"seeds": [0, 0]}, "different whole numbers"),
    ({"seeds": {"x": [0]}}, "seeds: no system 'x'"),
    ({"seeds": {"bridge.s=0.1": []}}, "seeds.bridge.s=0.1 = []"),
    ({"seeds": {"bridge.s=0.1": [1, 1]}}, "different whole numbers"),
    ({"reference": "unet"}, "reference 'unet'"),
    ({"rows": [{"system": "x"}]}, "rows: no system 'x'"),
    ({"rows": [{"stepz": 1}]}, "rows: unknown option 'stepz'; did you mean 'steps'"),
    ({"systems": [{"a": {}}, "a"]}, "'a' is given twice"),
    ({"base": UNET, "vary": {"sampler.steps": [2]}}, "no row is left"),
    ({"test_images": 1}, "test_images = 1"),
]


@pytest.mark.parametrize(("wrong", "message"), BAD, ids=[str(wrong)[:40] for wrong, _ in BAD])
def test_mistakes_are_named_before_any_work(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as found:
        read_grid(grid(**wrong), "my.yaml")
    assert message in str(found.value)
    assert str(found.value).startswith("my.yaml")


def test_a_key_holds_all_that_a_run_is_made_from() -> None:
    plan = read_grid(grid())
    one = plan.runs()[0]

    def key(other: Any = plan, run: tuple[str, int] = one, files: Any = None) -> str:
        return digest(identity(other, *run, files or {}))

    same = read_grid(grid(seeds=[0, 1], training={"steps": 3, "batch": 2, "crop": 32, "warmup": 1, "log_every": 7}))
    assert key() == key(same)
    others = [
        read_grid(grid(training={"steps": 4, "batch": 2, "crop": 32, "warmup": 1})),
        read_grid(grid(data={"name": "nanobeads", "seed": 1})),
        read_grid(grid(pool=3)),
    ]
    keys = [
        key(),
        *(key(other) for other in others),
        key(run=plan.runs()[1]),
        key(run=(one[0], 1)),
        key(files={"content": "a"}),
    ]
    assert len(set(keys)) == len(keys)


def test_a_fingerprint_sees_names_sizes_and_pixels(tmp_path: Path) -> None:
    import numpy as np

    def made(name: str, pixel: int) -> str:
        folder = tmp_path / f"{name}{pixel}"
        for kind in ("x", "y"):
            (folder / kind).mkdir(parents=True)
            write_image(folder / kind / name, np.full((8, 8), pixel, np.uint16))
        return str(fingerprint(Pairs(str(folder / "x"), str(folder / "y")))["content"])

    first = made("a.tif", 1)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "a.tif1").rename(tmp_path / "elsewhere" / "moved")
    moved = tmp_path / "elsewhere" / "moved"
    assert fingerprint(Pairs(str(moved / "x"), str(moved / "y"))) == {"files": 2, "content": first}
    assert len({first, made("a.tif", 2), made("b.tif", 1)}) == 3
    assert fingerprint([]) == {}  # type: ignore[arg-type]


def test_runs_of_version_0_1_are_recognised(tmp_path: Path) -> None:
    """Its sampler settings had eta beside the solver's name."""
    plan = read_grid(grid())
    system, seed = plan.runs()[0]
    own = identity(plan, system, seed, {})
    sampler = {"steps": own["pipeline"]["sampler"]["steps"], "eta": 1.0, "eta_bbdm": None, "grid": {"name": "uniform"}}
    was = {**own, "pipeline": {**own["pipeline"], "sampler": {**sampler, "solver": "generic"}}}
    assert digest(was) != digest(own)
    claim(tmp_path, system, seed, was)
    check_folder(tmp_path, system, seed, own)
    claim(tmp_path, system, seed, {**was, "pipeline": {**was["pipeline"], "sampler": {**sampler, "eta": 0.5}}})
    with pytest.raises(InputError, match="a run with another pipeline"):
        check_folder(tmp_path, system, seed, own)


def test_a_grid_written_in_another_form_is_the_same() -> None:
    def written(sampler: dict[str, Any]) -> Any:
        return read_grid(grid(base={**BRIDGE, "times": "grid", "sampler": sampler}))

    plan = written({"steps": 2, "eta": 0.5, "solver": "heun"})
    assert same_grid(plan, written({"steps": 2, "solver": {"name": "heun", "eta": 0.5}})) == ""
    assert "systems" in same_grid(plan, written({"steps": 2, "solver": {"name": "heun", "eta": 0.4}}))


def test_eta_is_one_setting_however_it_is_written() -> None:
    """The later difference holds; rows keep eta beside the solver."""
    for base, change in (
        ({"eta": 0.0}, {"sampler.solver.eta": 0.5}),
        ({"solver": {"name": "generic", "eta": 0.0}}, {"sampler.eta": 0.5}),
        ({"solver": {"name": "generic", "eta": 0.0}}, {"sampler": {"eta": 0.5}}),
    ):
        config = Pipeline.configure(differ({**BRIDGE, "sampler": base}, change))
        assert config.sampler.solver == {"name": "generic", "eta": 0.5}
    plan = read_grid(
        grid(vary={"sampler.solver": [{"name": "bbdm", "eta": 0.5}, "heun", {"name": "generic", "eta": 0.25}]})
    )
    assert [(row.solver, row.eta) for row in plan.rows] == [("bbdm", 0.5), ("heun", 1.0), (None, 0.25)]


def test_a_grid_may_grow_and_not_change() -> None:
    plan = read_grid(grid())
    more = {"bridge.s": [0.1, 0.2, 0.3], "sampler.steps": [1, 2, 4]}
    assert same_grid(plan, read_grid(grid(vary=more, seeds=2))) == ""
    assert "rows" in same_grid(plan, read_grid(grid(vary={"bridge.s": [0.1, 0.2]})))
    assert "systems" in same_grid(plan, read_grid(grid(vary={"bridge.s": [0.1], "sampler.steps": [1, 2]})))
    assert same_grid(plan, read_grid(grid(test_images=3))) == "test_images"
    assert "seeds" in same_grid(plan, read_grid(grid(seeds=[1])))


def test_folders_of_odd_names_do_not_meet(tmp_path: Path) -> None:
    names = ["gan, energy score", "transform.basis=a/b.json", "transform.basis=a_b.json", "../x", "a" * 300, "a" * 301]
    folders = [run_folder(tmp_path, name, 0) for name in names]
    assert len(set(folders)) == len(names)
    for folder in folders:
        assert folder.parent == tmp_path / "runs"
        folder.mkdir(parents=True)
