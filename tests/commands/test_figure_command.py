"""`figure`: several answers in one figure on the command line, and its file opened, changed and exported again."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))
from paraboloids import paraboloid

from landscape_gui import cli
from landscape_gui.composition import read_composition
from landscape_gui.store import Store, write_result


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDSCAPE_GUI_RENDERER", "painter")
    monkeypatch.setenv("LANDSCAPE_GUI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LANDSCAPE_GUI_CONFIG", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    write_result("low.h5", paraboloid(1, 1, 0.1, title="low"))
    write_result("high.h5", paraboloid(4, 2, 1.0, title="high", fingerprint="beef"))


def told(path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(path).read_text())
    return found


def page_size(path: str) -> tuple[float, float]:
    """Width and height of a PDF's page in points."""
    box = Path(path).read_bytes().split(b"/MediaBox [")[1].split(b"]")[0].split()
    return float(box[2]), float(box[3])


def test_two_answers_become_one_figure_as_wide_as_the_column(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["figure", "low.h5", "high.h5", "--title", "Low", "--title", "High", "--venue", "neurips", "--difference"]
    assert cli.main([*command, "-o", "f.pdf", "-o", "f.figure.json"]) == 0
    assert page_size("f.pdf")[0] == 396.0  # 5.5 in
    file = told("f.figure.json")
    assert [cell.get("answer") for cell in file["cells"]] == ["low.h5", "high.h5", None]
    assert file["cells"][2]["difference"] == ["b", "a"] and file["page"]["venue"] == "neurips"


def test_the_file_is_opened_changed_and_exported_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["figure", "low.h5", "high.h5", "-o", "f.figure.json"]) == 0
    changed = ["figure", "f.figure.json", "--log", "--across", "1", "--font-size", "7", "--share", "camera", "limits"]
    assert cli.main([*changed, "-o", "f.figure.json", "-o", "f.svg"]) == 0
    again = read_composition("f.figure.json")
    assert again.columns == 1 and again.share == ("camera", "limits") and again.page["font_size"] == 7.0
    assert {cell.look.scale for cell in again.cells} == {"log"}
    assert cli.main(["figure", "f.figure.json", "low.h5", "-o", "f.figure.json"]) == 0
    assert len(read_composition("f.figure.json").cells) == 3


def test_another_answer_in_the_same_file_changes_the_figure() -> None:
    assert cli.main(["figure", "low.h5", "high.h5", "-o", "f.figure.json", "-o", "one.png"]) == 0
    write_result("high.h5", paraboloid(1, 9, 1.0, title="high"))
    assert cli.main(["figure", "f.figure.json", "-o", "two.png"]) == 0
    assert Path("one.png").read_bytes() != Path("two.png").read_bytes()


def test_checkpoints_are_asked_and_found_again(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["figure", "samples:digits-seed-a", "samples:digits-seed-b", "--steps", "3", "--limit", "20", "-q"]
    assert cli.main([*asked, "-o", "f.figure.json", "-o", "one.svg"]) == 0
    cells = read_composition("f.figure.json").cells
    assert [cell.checkpoint for cell in cells] == ["samples:digits-seed-a", "samples:digits-seed-b"]
    assert all(Store().get(cell.key) is not None for cell in cells)
    assert cli.main(["figure", "f.figure.json", "-o", "two.svg", "-q"]) == 0
    assert Path("one.svg").read_bytes() == Path("two.svg").read_bytes()


def test_what_is_lost_is_said_and_computed_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        cli.main(["figure", "samples:digits-seed-a", "low.h5", "--steps", "3", "--limit", "20", "-o", "f.figure.json", "-q"]) == 0
    )
    Store().clear()
    assert cli.main(["figure", "f.figure.json", "-o", "lost.svg"]) == 0
    assert "landscape-gui figure f.figure.json --refresh" in capsys.readouterr().err
    assert "not in the store" in " ".join(Path("lost.svg").read_text().split())
    assert cli.main(["figure", "f.figure.json", "--refresh", "-o", "found.svg", "-o", "f.figure.json"]) == 0
    assert "not in the store" not in Path("found.svg").read_text()
    assert len(read_composition("f.figure.json").cells) == 2


def test_one_model_in_several_views_and_questions() -> None:
    asked = ["figure", "samples:digits-seed-a", "--probe", "surface", "line", "--view", "3d", "2d", "--steps", "3", "--limit", "20"]
    assert cli.main([*asked, "--across", "3", "-o", "f.figure.json", "-o", "f.svg", "-q"]) == 0
    cells = read_composition("f.figure.json").cells
    assert [(cell.probe, cell.look.view) for cell in cells] == [("surface", "3d"), ("surface", "2d"), ("line", "3d")]
    assert cells[2].question["limit"] == 20


def test_checkpoints_of_a_run_stand_side_by_side() -> None:
    asked = ["figure", "samples:digits-mlp", "--over-epochs", "3", "--steps", "3", "--limit", "20", "-q"]
    assert cli.main([*asked, "-o", "f.figure.json", "-o", "f.svg"]) == 0
    cells = read_composition("f.figure.json").cells
    assert len({cell.checkpoint for cell in cells}) == 3 and len({cell.key for cell in cells}) == 3


def test_script_caption_and_literature_of_the_whole_figure_are_written_and_a_mesh_of_one_surface() -> None:
    outputs = [part for suffix in (".py", ".txt", ".bib") for part in ("-o", f"f{suffix}")]
    assert cli.main(["figure", "low.h5", "high.h5", "-q", *outputs]) == 0
    assert "def panel_1(" in Path("f.py").read_text() and "(b)" in Path("f.txt").read_text()
    assert "@" in Path("f.bib").read_text()
    assert cli.main(["figure", "low.h5", "-q", "-o", "one.glb"]) == 0
    assert Path("one.glb").read_bytes()[:4] == b"glTF"


def test_a_mesh_of_two_surfaces_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["figure", "low.h5", "high.h5", "-q", "-o", "f.glb"]) == 1
    assert "one surface" in capsys.readouterr().err and not Path("f.glb").exists()


WRONG = {
    "no such suffix": (["figure", "low.h5", "-o", "f.doc"], 2, "suffix"),
    "a file that is there": (["figure", "low.h5", "-o", "high.h5.pdf"], 2, "there already"),
    "too many titles": (["figure", "low.h5", "--title", "a", "--title", "b", "-o", "f.pdf"], 2, "2 titles and 1 panels"),
    "a difference of one": (["figure", "low.h5", "--difference", "-o", "f.pdf"], 2, "two panels"),
    "no run": (["figure", "low.h5", "--over-epochs", "3", "-o", "f.pdf"], 2, "is an answer"),
    "no such question": (["figure", "low.h5", "--probe", "surfaces", "-o", "f.pdf"], 2, "surfaces"),
    "several checkpoints in one": (["figure", "low.h5", "--probe", "connect", "-o", "f.pdf"], 2, "Ask it by itself"),
    "no such venue": (["figure", "low.h5", "--venue", "nowhere", "-o", "f.pdf"], 2, "--venue"),
    "two figure files": (["figure", "a.figure.json", "a.figure.json", "-o", "f.pdf"], 2, "One figure file"),
    "a broken figure file": (["figure", "b.figure.json", "-o", "f.pdf"], 1, "colums"),
    "nothing and all": (["figure", "low.h5", "--share", "nothing", "bar", "-o", "f.pdf"], 2, "either nothing or names"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_is_one_sentence(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("high.h5.pdf").write_bytes(b"mine")
    Path("a.figure.json").write_text('{"format": "landscape_gui composition", "version": 1}')
    Path("b.figure.json").write_text('{"format": "landscape_gui composition", "version": 1, "colums": 2}')
    arguments, status, words = WRONG[name]
    assert cli.main(arguments) == status
    said = capsys.readouterr().err
    assert words in said and "Traceback" not in said and not Path("f.pdf").exists()
    assert Path("high.h5.pdf").read_bytes() == b"mine"


def test_titles_name_the_panels_of_a_file_and_a_difference_stands_once() -> None:
    assert cli.main(["figure", "low.h5", "high.h5", "--difference", "-o", "f.figure.json"]) == 0
    assert cli.main(["figure", "f.figure.json", "--title", "SGD", "--title", "Adam", "--difference", "-o", "f.figure.json"]) == 0
    cells = read_composition("f.figure.json").cells
    assert [cell.title for cell in cells] == ["SGD", "Adam", ""] and len(cells) == 3


def test_the_files_title_names_every_panel() -> None:
    assert cli.main(["figure", "low.h5", "high.h5", "-o", "f.svg"]) == 0
    assert "<dc:title>low, high</dc:title>" in Path("f.svg").read_text()
