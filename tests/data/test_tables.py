"""Tables as programs and spreadsheets save them."""

from __future__ import annotations

import codecs
from pathlib import Path

import numpy as np
import pytest
import tifffile

from wavegen.core.errors import InputError
from wavegen.core.registry import build
from wavegen.data.tables import beside, read_rows

PLAIN = "input,target\r\ny/0.tif,x/0.tif\r\ny/1.tif,x/1.tif\r\n"
WANTED = [{"input": f"y/{n}.tif", "target": f"x/{n}.tif"} for n in range(2)]
FORMS = {
    "plain": PLAIN.encode(),
    "UTF-8 mark": codecs.BOM_UTF8 + PLAIN.encode(),
    "UTF-16": PLAIN.encode("utf-16"),
    "semicolons": PLAIN.replace(",", ";").encode(),
    "tabs": PLAIN.replace(",", "\t").encode(),
    "spaces after commas": PLAIN.replace(",", ", ").encode(),
    "spaces around": PLAIN.replace(",", " , ").encode(),
    "quotes": PLAIN.replace("y/0.tif", '"y/0.tif"').encode(),
    "empty lines": (PLAIN + "\r\n,\r\n\r\n").encode(),
    "empty columns": PLAIN.replace("\r\n", ",,\r\n").encode(),
    "Unix": PLAIN.replace("\r\n", "\n").encode(),
    "no last line break": PLAIN.rstrip().encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_table(form: str, tmp_path: Path) -> None:
    index = tmp_path / "index.csv"
    index.write_bytes(FORMS[form])
    assert read_rows(index, ["input", "target"], {}) == WANTED


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a;b\n1;2\n", r"no rows with input, target: its columns are 'a', 'b'"),
        (b"", "it is empty"),
        (b"input,target\n", "it is empty"),
        (b"input,target\n1,2,3\n", "line 2 has 3 values for 2 columns"),
        (b"input,input\n1,2\n", "give each a name of its own"),
        (b"input,,target\n1,2,3\n", "give each a name of its own"),
        ("input,target\nä,b\n".encode("latin1"), "save it again as CSV UTF-8"),
        (b'input,target\n"a,b\n', "not a table"),
        (b"input,target\na\0,b\n", "not a table|cannot read|null"),
    ],
)
def test_what_is_no_table_is_one_line(content: bytes, said: str, tmp_path: Path) -> None:
    index = tmp_path / "index.csv"
    index.write_bytes(content)
    if b"\0" in content:  # a name that no file has
        assert not beside(index, read_rows(index, ["input"], {})[0]["input"]).is_file()
        return
    with pytest.raises(InputError, match=said):
        read_rows(index, ["input", "target"], {})


def test_backslashes_separate_folders_unless_a_file_has_them(tmp_path: Path) -> None:
    for folder in "xy":
        (tmp_path / folder).mkdir()
        tifffile.imwrite(tmp_path / folder / "0.tif", np.eye(20, dtype=np.uint8))
    (tmp_path / "index.csv").write_text("\ufeffinput;target\r\ny\\0.tif;x\\0.tif\r\n", encoding="utf-8")
    pairs = build("dataset", {"name": "pairs", "index": str(tmp_path / "index.csv")})
    assert pairs.files == [(tmp_path / "x" / "0.tif", tmp_path / "y" / "0.tif")]
    (tmp_path / "y\\0.tif").touch()
    assert beside(tmp_path / "index.csv", "y\\0.tif") == tmp_path / "y\\0.tif"


@pytest.mark.parametrize("text", ["((14, 12)", "(-1, 12)", "(0, 12)", "(14, 12, 2)", "(10000000000, 12)", "14"])
def test_arrays_with_a_damaged_header_are_one_line(text: str, tmp_path: Path) -> None:
    from wavegen.data.files import pixel_header, read_pixels

    file = tmp_path / "a.npy"
    np.save(file, np.ones((14, 12), np.float32))
    raw = file.read_bytes()
    file.write_bytes(raw[:10] + raw[10:128].replace(b"(14, 12)", text.encode()).ljust(118)[:118] + raw[128:])
    for read in (pixel_header, read_pixels):
        with pytest.raises(InputError, match=r"cannot read .*a\.npy"):
            read(file)


@pytest.mark.parametrize("array", [np.ones((4, 4), complex), np.array([["a"]]), np.zeros((2, 2), "M8[s]")])
def test_arrays_of_no_numbers_are_refused(array: np.ndarray, tmp_path: Path) -> None:
    from wavegen.data.files import read_pixels

    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputError, match="expected numbers of shape"):
        read_pixels(tmp_path / "a.npy")
