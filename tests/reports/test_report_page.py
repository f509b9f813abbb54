"""A report of known rows: what its tables say, one page that needs nothing else, the same bytes each time."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from result_files import TIMES, draw, row, rows, write

from wavegen.core.errors import InputError
from wavegen.reports import Study, aggregate, pack, read_study, report_page
from wavegen.reports.blocks import Block, Table
from wavegen.reports.pareto_plot import draw as plot
from wavegen.reports.sections import differences, front_tables, groups, plots, scores


@pytest.fixture
def study(tmp_path: Path) -> Study:
    folder = write(tmp_path / "sr", rows(), TIMES)
    draw(folder / "figure.png")
    return read_study([folder])


def cells(block: Block) -> dict[str, dict[str, str]]:
    """A table by row and column."""
    assert isinstance(block, Table)
    return {line[0]: dict(zip(block.head, line, strict=True)) for line in block.rows}


def test_scores_are_means_with_intervals(study: Study) -> None:
    (table,) = scores(study)
    found = cells(table)
    assert found["unet, 1 at eta 1"]["PSNR dB"] == f"25.00 ± {4.302653 * 0.1 / math.sqrt(3):.2f}"
    assert found["unet, 1 at eta 1"]["seeds"] == "3"
    assert found["unet, 1 at eta 1"]["images"] == "8"
    assert found["unet, 1 at eta 1"]["spread error"] == "–"
    assert found["hybrid, 4 at eta 1"]["spread error"] == f"{abs(math.log(0.9)):.2f} ± 0.00"
    assert found["input"]["PSNR dB"] == "20.00"


def test_fronts(study: Study) -> None:
    (table,) = front_tables(study)
    found = cells(table)
    assert "input" not in found
    assert found["hybrid, 1 at eta 1"]["PSNR dB"] == "1, 8"
    assert found["hybrid, 4 at eta 1"]["PSNR dB"] == "–"
    assert found["hybrid, 4 at eta 1"]["spread error"] == "1, 8"
    assert found["hybrid, 4 at eta 1"]["LPIPS, KID, spread"] == "1, 8"
    assert found["unet, 1 at eta 1"]["LPIPS, KID, spread"] == "–"
    assert found["shrink (weight 2)"]["SSIM"] == "1"  # the fastest; it was not timed at batch 8


def test_differences(study: Study) -> None:
    (table,) = differences(study)
    assert isinstance(table, Table)
    assert table.head[0] == "less unet, 1 at eta 1"
    found = cells(table)
    assert re.fullmatch(r"\+0\.50 ± 0\.05 better", found["hybrid, 1 at eta 1"]["PSNR dB"])
    assert found["hybrid, 1 at eta 1"]["LPIPS"].endswith("better")
    assert found["hybrid, 4 at eta 1"]["PSNR dB"].endswith("no difference")
    assert found["hybrid, 1 at eta 1"]["time, batch 8"] == "0.17×"
    assert found["shrink (weight 2)"]["PSNR dB"].endswith("worse")
    assert found["shrink (weight 2)"]["seeds"] == "3"  # one score, the same at every seed
    (other,) = differences(study, "hybrid, 1 at eta 1")
    assert cells(other)["unet, 1 at eta 1"]["PSNR dB"] == "-0.50 ± 0.05 worse"
    with pytest.raises(InputError, match="did you mean 'hybrid, 4 at eta 1'"):
        differences(study, "hybrid, 4 at eta 0")


def test_rows_of_other_images_are_apart(tmp_path: Path) -> None:
    more = [row("slow", 100, 0, 30.0, images=4), row("hybrid", 4, 0, 29.0, images=4)]
    times = [*TIMES, {"system": "slow", "steps": 100, "solver": None, "ms_batch_1": 1e4, "ms_batch_8": 1e4}]
    study = read_study([write(tmp_path / "run", rows() + more, times)])
    first, second = scores(study)
    assert "slow, 100 at eta 1" not in cells(first)
    assert list(cells(second)) == ["slow, 100 at eta 1", "hybrid, 4 at eta 1"]
    assert cells(front_tables(study)[1])["slow, 100 at eta 1"]["PSNR dB"] == "1, 8"
    assert len(differences(study)) == 1  # of the rows on four images there is one seed
    asked = differences(study, "slow, 100 at eta 1")
    assert cells(asked[0])["hybrid, 4 at eta 1"]["PSNR dB"] == "-1.00 one seed only"


def test_there_is_no_front_without_the_times_of_trained_systems(tmp_path: Path) -> None:
    filters = [
        {**row(name, 0, 0, 20.0 + time), "ms_per_image": time} for name, time in (("input", 0.1), ("median", 3.0))
    ]
    study = read_study([write(tmp_path / "untimed", [*filters, row("hybrid", 1, 0, 25.0)], [])])
    assert len(scores(study)) == 1
    assert not front_tables(study)
    assert not plots(study)


def test_spread_is_compared_with_the_reference_where_there_is_one(tmp_path: Path) -> None:
    made = [{**r, "rmse": 0.1} for r in rows()]
    found = {(r["system"], r["steps"]): r for r in aggregate(made, TIMES, "unet")}
    assert found["hybrid", 4]["spread_error"] == pytest.approx(math.log(2))
    assert "spread_error" not in found["unet", 1]
    seeds = [{**row("unet", 1, seed, 25.0), "rmse": error} for seed, error in enumerate((0.1, 0.3))]
    several = aggregate([*seeds, {**row("hybrid", 4, 0, 25.0), "spread": 0.1}], [], "unet")[1]
    assert several["kept"] == pytest.approx(0.25)  # of the error's mean over seeds, not of the last seed's
    assert several["spread_error"] == pytest.approx(math.log(2))
    none = aggregate([row("hybrid", 1, 0, 25.0, spread=0.0, spread_skill=0.0)], [])[0]
    assert none["spread_error"] == math.inf
    study = read_study([write(tmp_path / "none", [row("hybrid", 1, 0, 25.0, spread=0.0, spread_skill=0.0)], TIMES)])
    assert cells(scores(study)[0])["hybrid, 1 at eta 1"]["spread error"] == "∞"


def test_what_a_grid_varied_is_a_column(tmp_path: Path) -> None:
    made = [row(basis, 1, seed, 25.0, **{"transform.name": basis}) for basis in ("haar", "db2") for seed in (0, 1)]
    (table,) = scores(read_study([write(tmp_path / "grid", made)]))
    assert isinstance(table, Table)
    assert table.head[:2] == ("system", "transform.name")
    assert [line[1] for line in table.rows] == ["haar", "db2"]


class Page(HTMLParser):
    """Everything that a page could load, and its ids."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name in ("src", "href", "xlink:href", "style", "action", "srcset") and value:
                self.loaded.append(value)


def test_the_page_needs_nothing_else(study: Study, tmp_path: Path) -> None:
    report_page(study, tmp_path / "report")
    text = (tmp_path / "report" / "report.html").read_text()
    page = Page()
    page.feed(text)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert "http" not in text
    assert all(v.startswith(("#", "data:")) or "url" not in v for v in page.loaded)
    assert [v for v in page.loaded if v.startswith("data:image/png")]
    assert len(page.ids) == len(set(page.ids)), "two plots share names"
    assert {v[1:] for v in page.loaded if v.startswith("#")} <= set(page.ids)
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= set(page.ids)
    assert "prefers-color-scheme:dark" in text
    assert "currentColor" in text
    assert page.tags.count("svg") == 2


def test_both_files_say_the_same(study: Study, tmp_path: Path) -> None:
    files = report_page(study, tmp_path / "report")
    page, markdown = ((tmp_path / "report" / name).read_text() for name in ("report.html", "report.md"))
    said = [
        "25.00 ± 0.25", "hybrid, 4 at eta 1", "python recipes/mscgm_sr.py --root /home/someone/data --out out/sr",
        "x86_64, a processor", "2026-01-02", "wavegen 0.1.0, torch 2.9.0", "0, 1, 2", "8 test images, 3 seeds",
    ]  # fmt: skip
    for text in said:
        assert text in page.replace("&nbsp;", " "), text
        assert text in markdown, text
    linked = re.findall(r"!\[[^]]*\]\(([^)]+)\)", markdown)
    assert len(linked) == 3
    assert {tmp_path / "report" / name for name in linked} == set(files[2:])
    assert all((tmp_path / "report" / name).read_bytes()[1:4] == b"PNG" for name in linked)


def test_names_are_escaped(tmp_path: Path) -> None:
    report_page(read_study([write(tmp_path / "a", [row("<b>|x", 1, 0, 25.0)])]), tmp_path / "report")
    assert "<b>" not in (tmp_path / "report" / "report.html").read_text()
    assert "<b>\\|x" in (tmp_path / "report" / "report.md").read_text()


def test_the_same_files_give_the_same_bytes(study: Study, tmp_path: Path) -> None:
    for name in ("one", "two"):
        report_page(study, tmp_path / name)
        pack(study, tmp_path / name / "kept.json")
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name


def test_strips_of_simulated_images_are_packed(tmp_path: Path) -> None:
    folder = write(tmp_path / "sr", rows(), TIMES, data={"name": "nanobeads"})
    draw(folder / "figure.png")
    pack(read_study([folder]), tmp_path / "kept.json")
    with Image.open(read_study([tmp_path / "kept.json"]).strips[0]) as strip:
        assert max(strip.size) == 1000


def test_strips_of_unknown_data_are_not_packed(tmp_path: Path) -> None:
    folder = write(tmp_path / "sr", rows(), TIMES, data={"name": "of a plug-in"})
    draw(folder / "figure.png")
    pack(read_study([folder]), tmp_path / "kept.json")
    assert not (tmp_path / "kept.png").exists()


def test_a_packed_study_says_the_same(study: Study, tmp_path: Path) -> None:
    file = tmp_path / "kept" / "sr.json"
    pack(study, file)
    kept = read_study([file])
    assert kept.name == "sr"
    assert [b.markdown() for b in scores(kept)] == [b.markdown() for b in scores(study)]
    assert [b.markdown() for b in differences(kept)] == [b.markdown() for b in differences(study)]
    text = file.read_text()
    assert "/home/someone" not in text
    assert '"index": "index.csv"' in text
    assert "--root data --out out/sr" in text
    assert len(file.read_bytes()) < 6000
    assert not kept.strips  # its images are real, and not ours to publish
    again = tmp_path / "again" / "sr.json"
    pack(kept, again)
    assert again.read_text() == text


def test_plots_need_times_of_two_rows(study: Study, tmp_path: Path) -> None:
    assert len(plots(study)) == 2
    assert plots(read_study([write(tmp_path / "untimed", rows()[2:])])) == []
    (_, found), = groups(study)  # fmt: skip
    svg = plot(found, 8, "svg").decode()
    assert "NaN" not in svg
    assert "hybrid" in svg
    infinite: list[dict[str, Any]] = [{**r, "spread_error": math.inf} for r in found]
    assert "spread error" not in plot(infinite, 8, "svg").decode()
