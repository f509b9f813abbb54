"""Writes the notebooks of docs/notebooks, executed, without Jupyter: cells and text come from the scripts below.

    python docs/run_notebooks.py

A script is Python with ``# %%`` before a cell of code and ``# %% [markdown]`` before one of text. The last
expression of a cell is not shown; printed lines and the pictures that matplotlib has open at its end are kept.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

FOLDER = Path(__file__).resolve().parent / "notebooks"
CELL = re.compile(r"^# %%(.*)$", re.MULTILINE)


def cells(script: str) -> list[tuple[bool, str]]:
    """(is it code, its text) of each cell."""
    parts = CELL.split(script)[1:]
    found = []
    for kind, text in zip(parts[::2], parts[1::2], strict=True):
        code = "[markdown]" not in kind
        text = text.strip("\n")
        found.append((code, text if code else re.sub(r"^# ?", "", text, flags=re.MULTILINE)))
    return found


def execute(code: str, namespace: dict[str, Any]) -> list[dict[str, Any]]:
    """Run a cell; its printed text and its pictures as a notebook's outputs."""
    from PIL import Image

    outputs: list[dict[str, Any]] = []
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "cell", "exec"), namespace)
    if printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": printed.getvalue().splitlines(True)})
    for number in plt.get_fignums():
        raw, small = io.BytesIO(), io.BytesIO()
        plt.figure(number).savefig(raw, format="png", dpi=90, bbox_inches="tight")
        Image.open(raw).convert("RGB").quantize(128).save(small, format="png", optimize=True)
        data = {"image/png": base64.b64encode(small.getvalue()).decode(), "text/plain": ["<Figure>"]}
        outputs.append({"output_type": "display_data", "data": data, "metadata": {}})
    plt.close("all")
    return outputs


def notebook(script: str) -> dict[str, Any]:
    """The executed notebook (nbformat 4.5) of a script."""
    made: list[dict[str, Any]] = []
    namespace: dict[str, Any] = {"__name__": "__main__"}
    count = 0
    for number, (code, text) in enumerate(cells(script)):
        cell: dict[str, Any] = {"id": f"cell-{number}", "metadata": {}, "source": text.splitlines(True)}
        if code:
            count += 1
            made.append({"cell_type": "code", "execution_count": count, **cell, "outputs": execute(text, namespace)})
        else:
            made.append({"cell_type": "markdown", **cell})
    about = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return {"cells": made, "metadata": about, "nbformat": 4, "nbformat_minor": 5}


def main() -> None:
    """Execute all scripts in a folder that is thrown away."""
    for script in sorted(FOLDER.glob("*.py")):
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            made = notebook(script.read_text(encoding="utf-8"))
        target = script.with_suffix(".ipynb")
        target.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(target, f"{target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
