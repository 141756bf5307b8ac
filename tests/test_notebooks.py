"""The notebooks run as they stand, cell after cell, and hold what they showed when they last ran in Jupyter."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LARGEST = 400_000
"""Bytes: pictures are kept with few colours (scripts/notebooks.py)."""
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")


def cells(path: Path, kind: str) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def run(cell: dict[str, Any], names: dict[str, Any], where: str) -> Any:
    """A cell as Jupyter runs it: statements, then the value of a last expression, which is what is shown."""
    tree = ast.parse("".join(cell["source"]), where)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, where, "exec"), names)
    return eval(compile(ast.Expression(last.value), where, "eval"), names) if isinstance(last, ast.Expr) else None


def pictured(value: Any) -> bool:
    """Whether a notebook shows a picture of it."""
    drawn = value._repr_png_() if hasattr(value, "_repr_png_") else None
    return drawn is not None and drawn.startswith(b"\x89PNG")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_runs_and_shows_what_is_kept_of_it(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(cells(path, "code"), 1):
        value = run(cell, names, f"{path.name}, cell {number}")
        printed = capsys.readouterr().out
        kept = [output.get("data", {}) for output in cell["outputs"]]
        assert bool(printed) == any(output["output_type"] == "stream" for output in cell["outputs"]), (
            f"cell {number} of {path.name}"
        )
        assert pictured(value) == any("image/png" in data for data in kept), f"cell {number} of {path.name}"
    assert list(tmp_path.iterdir()) == []  # what a notebook writes goes into a temporary folder


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_small_valid_and_without_magic(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["metadata"]["language_info"]["name"]) == (4, "python")
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    assert path.stat().st_size < LARGEST
    for cell in cells(path, "code"):
        assert not re.search(r"^\s*[%!]", "".join(cell["source"]), re.MULTILINE)
        assert all(output["output_type"] in ("stream", "display_data") for output in cell["outputs"])
    for cell in cells(path, "markdown"):
        for target in LINK.findall("".join(cell["source"])):
            assert (FOLDER / target).exists(), f"{path.name} links to {target}"


def test_there_is_a_notebook_for_each_subject() -> None:
    subjects = ("introduction", "hessian", "sharpness", "architectures", "visualisation")
    assert [next((s for s in subjects if s in path.stem), path.stem) for path in NOTEBOOKS] == list(subjects)
