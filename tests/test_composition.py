"""Several answers in one figure: what they share, their difference, and the figure's file, honest and hostile."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from paraboloids import paraboloid

from landscape_gui.arrangement import places, usual_columns
from landscape_gui.composition import Cell, Composition, Lost, composed, is_composition, read_composition, write_composition
from landscape_gui.composition.answers import found, picked, refreshed
from landscape_gui.errors import LandscapeError
from landscape_gui.figure import Camera, Figure, Look, Panel, Surface
from landscape_gui.store import Store, write_result

LOW = paraboloid(1, 1, 0.1, title="low")
HIGH = paraboloid(4, 2, 1.0, title="high", fingerprint="beef")
TWO = Composition(cells=(Cell(title="Low"), Cell(title="High")))


def surfaces(figure: Figure) -> list[Surface]:
    return [panel.surface for panel in figure.panels if panel.surface is not None]


# what is shared


def test_surfaces_share_range_camera_height_and_one_bar() -> None:
    camera = Camera(azimuth=10, elevation=50)
    cells = (Cell(look=Look(height=1.4)), Cell(look=Look(height=0.5)))
    figure = composed(Composition(cells=cells, camera=camera), [LOW, HIGH])
    assert [s.limits for s in surfaces(figure)] == [(0.1, 7.0)] * 2  # the lowest of LOW, the highest of HIGH: 4 + 2 + 1
    assert [s.height for s in surfaces(figure)] == [1.4, 1.4]
    assert [p.camera for p in figure.panels] == [camera, camera]
    assert [bar.panels for bar in figure.bars] == [(0, 1)] and figure.bars[0].place == "right"
    assert not any(panel.bar for panel in figure.panels)


def test_what_is_not_shared_is_each_ones_own() -> None:
    figure = composed(replace(TWO, share=("camera",)), [LOW, HIGH])
    assert [s.limits for s in surfaces(figure)] == [(0.1, 2.1), (1.0, 7.0)]
    assert figure.bars == () and all(panel.bar for panel in figure.panels)


def test_explicit_limits_hold_for_all_and_groups_share_apart() -> None:
    figure = composed(replace(TWO, limits=(0.5, 3.0)), [LOW, HIGH])
    assert [s.limits for s in surfaces(figure)] == [(0.5, 3.0)] * 2
    cells = (Cell(group="a"), Cell(group="a"), Cell(group="b"), Cell(group="b"))
    apart = composed(Composition(cells=cells), [LOW, LOW, HIGH, HIGH])
    assert [s.limits for s in surfaces(apart)] == [(0.1, 2.1)] * 2 + [(1.0, 7.0)] * 2
    assert [bar.panels for bar in apart.bars] == [(0, 1), (2, 3)]


def test_loss_and_accuracy_share_nothing_but_the_camera() -> None:
    cells = (Cell(), Cell(look=Look(quantity="train_accuracy")))
    figure = composed(Composition(cells=cells), [LOW, HIGH])
    assert surfaces(figure)[0].limits == (0.1, 2.1) and figure.bars == ()


def test_one_logarithmic_surface_makes_all_of_its_group_logarithmic() -> None:
    figure = composed(Composition(cells=(Cell(look=Look(scale="log")), Cell())), [LOW, HIGH])
    assert {s.scale for s in surfaces(figure)} == {"log"}


# the difference


def test_the_difference_is_that_of_the_closed_forms_and_its_colours_are_symmetric() -> None:
    figure = composed(TWO.added(Cell(difference=(1, 0), look=Look(view="2d"))), [LOW, HIGH, None])
    mark = surfaces(figure)[2]
    x, y = np.asarray(mark.x), np.asarray(mark.y)[:, None]
    np.testing.assert_allclose(mark.z, 3 * x**2 + y**2 + 0.9, atol=1e-12)
    assert mark.limits[0] == -mark.limits[1] and mark.colour_map == "coolwarm"
    assert figure.panels[2].title == "(b) \N{MINUS SIGN} (a)"
    assert [(bar.panels, bar.place) for bar in figure.bars] == [((0, 1), "below"), ((2,), "below")]


def test_on_a_logarithmic_scale_it_is_the_logarithm_of_the_ratio() -> None:
    log = TWO.added(Cell(difference=(1, 0))).looked(scale="log")
    double = paraboloid(2, 2, 0.2)
    mark = surfaces(composed(log, [LOW, double, None]))[2]
    np.testing.assert_allclose(mark.z, np.log10(2), atol=1e-12)
    assert mark.label.startswith("log") and mark.unit == "" and mark.scale == "linear"


def test_other_grids_are_interpolated_where_they_reach_and_that_is_said() -> None:
    """Bilinear interpolation of x + y is exact, so that of a sum with known curvature errs by no more than h^2 (|a| + |b|) / 4."""
    wide, narrow = paraboloid(1, 1, 0.1, nx=41, ny=41, reach=2.0), paraboloid(1, 1, 0.1, nx=9, ny=9)
    figure = composed(TWO.added(Cell(difference=(1, 0))), [wide, narrow, None])
    step = 0.1
    assert float(np.abs(surfaces(figure)[2].z).max()) <= step**2 * (1 + 1) / 4 + 1e-12
    assert "interpolated bilinearly" in figure.caption
    back = composed(TWO.added(Cell(difference=(0, 1))), [wide, narrow, None])
    outside = np.abs(np.asarray(wide.x)) > 1 + 1e-9
    assert np.isnan(surfaces(back)[2].z[:, outside]).all() and "% of the cells are left out" in back.caption


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (paraboloid(reach=1.0, seed=3), "different directions"),
        (paraboloid(reach=1.0, fingerprint="beef"), "different directions"),
        (paraboloid(reach=1.0, directions="layer"), "different kinds"),
    ],
)
def test_axes_that_are_not_the_same_are_said(other: Any, words: str) -> None:
    figure = composed(TWO.added(Cell(difference=(1, 0))), [paraboloid(), other, None])
    assert words in figure.caption


def test_what_cannot_be_subtracted_is_said_in_its_panel() -> None:
    cells = (Cell(), Cell(look=Look(quantity="train_accuracy")), Cell(difference=(1, 0)))
    figure = composed(Composition(cells=cells), [LOW, HIGH, None])
    assert "no difference" in words_of(figure.panels[2])
    far = replace(LOW, x=LOW.x + 9.0)
    assert "do not overlap" in words_of(composed(TWO.added(Cell(difference=(1, 0))), [LOW, far, None]).panels[2])


def words_of(panel: Panel) -> str:
    return " ".join(" ".join(m.text for m in panel.marks if hasattr(m, "text")).split())


# caption, sources, missing answers


def test_the_caption_tells_each_panel_and_once_what_they_have_in_common() -> None:
    figure = composed(TWO, [LOW, HIGH])
    assert figure.caption.index("(a) Low.") < figure.caption.index("(b) High.") < figure.caption.index("In all panels:")
    alone = composed(Composition(cells=TWO.cells[:1]), [LOW]).caption
    assert "All 9 × 7 grid points" in alone and figure.caption.count("All 9 × 7 grid points") == 1
    assert "one camera, one range of heights and colours, one height of the box and one colour bar" in figure.caption
    assert [where.key for where in figure.sources] == [LOW.provenance.key, HIGH.provenance.key]
    assert len(figure.drawn_from) == 2


def test_a_lost_answer_leaves_its_panel_with_what_brings_it_back() -> None:
    figure = composed(TWO, [LOW, Lost(sentence="It is gone. Compute it: make it")])
    assert len(figure.panels) == 2 and "make it" in words_of(figure.panels[1])
    assert figure.panels[1].title == "High" and len(figure.sources) == 1


def test_answers_are_found_by_file_then_by_key(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    key = "0" * 31 + "1"
    store.put(key, LOW)
    write_result(tmp_path / "high.h5", HIGH)
    cell = Cell(key=key, answer=str(tmp_path / "high.h5"), checkpoint="net.pt")
    assert found(cell, store).provenance.fingerprint == "beef"  # type: ignore[union-attr]
    (tmp_path / "high.h5").unlink()
    assert found(cell, store).provenance.fingerprint == "f00d"  # type: ignore[union-attr]
    store.remove(key)
    lost = found(cell, store, "landscape-gui figure f.figure.json --refresh")
    assert isinstance(lost, Lost) and "f.figure.json --refresh" in lost.sentence


def test_a_broken_answer_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_bytes(b"landscape_gui answer 1\n" + b"0" * 5000)
    assert isinstance(found(Cell(answer=str(tmp_path / "a.h5")), Store(tmp_path)), Lost)


# arranging


def test_wide_panels_begin_a_row_where_they_do_not_fit() -> None:
    panels = [Panel(marks=(), span=span) for span in (1, 2, 1, 1)]
    assert [(p.row, p.column, p.span) for p in places(panels, 2)] == [(0, 0, 1), (1, 0, 2), (2, 0, 1), (2, 1, 1)]
    assert [usual_columns(n) for n in (1, 2, 3, 4, 5)] == [1, 2, 3, 2, 3]


def test_a_difference_follows_its_panels_when_they_move() -> None:
    three = TWO.added(Cell(difference=(1, 0)))
    moved = three.moved(2, 0)
    assert moved.cells[0].difference == (2, 1) and [c.title for c in moved.cells[1:]] == ["Low", "High"]
    assert [c.title for c in three.removed(0).cells] == ["High"]
    assert [c.title for c in three.moved(0, 1).cells[:2]] == ["High", "Low"] and three.moved(0, 1).cells[2].difference == (0, 1)


def test_checkpoints_are_picked_evenly_with_first_and_last() -> None:
    assert picked(range(11), 3) == [0, 5, 10] and picked(range(2), 5) == [0, 1] and picked("abc", 1) == ["c"]


@pytest.mark.parametrize(
    "wrong", [{"columns": -1}, {"limits": (2.0, 1.0)}, {"cells": (Cell(difference=(0, 1)),)}, {"cells": (Cell(),) * 61}]
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(LandscapeError):
        Composition(**wrong)


def test_the_page_is_the_venues_and_has_letters() -> None:
    setup = replace(TWO, page={"venue": "neurips", "font_size": 7.0}).setup()
    assert (setup.width, setup.font, setup.font_size, setup.letters) == (5.5, "serif", 7.0, True)
    assert not replace(TWO, page={"letters": False}).setup().letters


# the file

WHOLE = Composition(
    cells=(
        Cell(
            title="α", checkpoint="samples:digits-mlp", probe="surface", question={"steps": [5, 5], "seed": 1}, key="0" * 32,
            look=Look(view="2d", scale="log", limits=(0.1, 2.0), camera=Camera(azimuth=5.0)), note="mine",
        ),
        Cell(answer="/a/b.h5", panel=1, group="g", span=2, opening={"data": "/d/x.npz", "size": 8}),
        Cell(difference=(1, 0)),
    ),
    columns=2, share=("limits",), camera=Camera(pan=(0.1, 0.2)), limits=(0.0, 3.5), bar="below", title="T", heads=("A", "B"),
    sides=("r",), page={"venue": "icml", "columns": 2, "width": 6.0}, note="n",
)  # fmt: skip


def test_a_file_gives_back_all_that_was_written(tmp_path: Path) -> None:
    path = tmp_path / "f.figure.json"
    write_composition(path, WHOLE)
    assert read_composition(path) == WHOLE and is_composition(path)
    assert path.read_bytes() == path.read_bytes() and '"steps": [5, 5]' in path.read_text()
    write_composition(path, Composition())
    assert read_composition(path) == Composition()


def test_paths_are_seen_from_the_files_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    cell = Cell(answer=str(tmp_path / "a" / "s.h5"), checkpoint=str(tmp_path / "net.pt"))
    write_composition(tmp_path / "a" / "f.figure.json", Composition(cells=(cell,)))
    told = json.loads((tmp_path / "a" / "f.figure.json").read_text())["cells"][0]
    assert (told["answer"], told["checkpoint"]) == ("s.h5", "../net.pt")
    (tmp_path / "a").rename(tmp_path / "b")
    assert read_composition(tmp_path / "b" / "f.figure.json").cells[0].answer == str(tmp_path / "b" / "s.h5")


def begun(**more: Any) -> dict[str, Any]:
    return {"format": "landscape_gui composition", "version": 1, **more}


HOSTILE: dict[str, tuple[Any, str]] = {
    "a list": ([], "no figure file"),
    "another format": ({"format": "x"}, "no figure file"),
    "no version": ({"format": "landscape_gui composition"}, "version"),
    "a later version": (begun() | {"version": 9}, "newer version"),
    "true as a version": (begun() | {"version": True}, "version"),
    "a misspelt word": (begun(colums=3), "Did you mean columns?"),
    "cells that are none": (begun(cells=7), "cells of the figure"),
    "a cell that is none": (begun(cells=["x"]), "panel (a)"),
    "a title that is none": (begun(cells=[{"title": 3}]), "title of panel (a)"),
    "a key with a path": (begun(cells=[{"key": "../../etc/passwd"}]), "key of panel (a)"),
    "a difference of none": (begun(cells=[{"difference": ["a", "q"]}]), "difference of panel (a)"),
    "a difference of itself": (begun(cells=[{"difference": ["a", "a"]}]), "difference"),
    "too many panels": (begun(cells=[{}] * 61), "61 panels"),
    "a view that is none": (begun(cells=[{"look": {"view": "4d"}}]), "Choose one of"),
    "a map that is none": (begun(cells=[{"look": {"colour_map": "jet"}}]), "viridis"),
    "limits that fall": (begun(limits=[2, 1]), "smaller one first"),
    "a huge number": (begun(limits=[0, 1e999]), "JSON"),
    "a camera too near": (begun(camera={"distance": 0}), "distance"),
    "a venue that is none": (begun(page={"venue": "nowhere"}), "no venue"),
    "a page that is none": (begun(page={"width": 1e6}), "inches"),
    "a theme that is none": (begun(page={"theme": "pink"}), "theme"),
    "unknown opening": (begun(cells=[{"opening": {"trust": True}}]), "trust"),
    "unknown sharing": (begun(share=["everything"]), "Choose among"),
    "too deep": (begun(cells=[{"question": {"a": json.loads("[" * 40 + "]" * 40)}}]), "deeply"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_file_may_not_hold_is_said_in_words(tmp_path: Path, name: str) -> None:
    content, words = HOSTILE[name]
    path = tmp_path / "f.figure.json"
    path.write_text(json.dumps(content).replace("Infinity", "1e999") if name != "a huge number" else json.dumps(content))
    with pytest.raises(LandscapeError) as error:
        read_composition(path)
    assert words in str(error.value) and "f.figure.json" in str(error.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b'{"format": "landscape_gui composition"'])
def test_what_is_no_json_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "f.figure.json"
    path.write_bytes(content)
    with pytest.raises(LandscapeError, match="no JSON"):
        read_composition(path)


def test_a_file_that_is_only_called_a_figure_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "x.figure.json"
    path.write_text('{"kind": "figure"}')
    assert is_composition(path) and not is_composition(path.rename(tmp_path / "x.json"))
    with pytest.raises(LandscapeError, match="no figure file"):
        read_composition(tmp_path / "x.json")


def test_a_folder_a_missing_and_a_large_file_are_no_compositions(tmp_path: Path) -> None:
    assert not is_composition(tmp_path) and not is_composition(tmp_path / "none")
    with pytest.raises(LandscapeError, match="cannot be read"):
        read_composition(tmp_path / "none")
    (tmp_path / "large").write_bytes(b" " * (5 << 20))
    with pytest.raises(LandscapeError, match="too large"):
        read_composition(tmp_path / "large")


# titles


def with_checkpoint(epoch: float, title: str = "net") -> Any:
    answer = paraboloid(title=title)
    problem = {"title": title, "checkpoint": {"epoch": epoch}}
    return replace(answer, provenance=replace(answer.provenance, problem=problem))


@pytest.mark.parametrize(
    ("answers", "names"),
    [
        ([LOW, HIGH], ["low", "high"]),
        ([with_checkpoint(3), with_checkpoint(20)], ["epoch 3", "epoch 20"]),
        ([paraboloid(title="net"), paraboloid(title="net", seed=1)], ["seed 0", "seed 1"]),
        ([LOW, LOW], ["Training loss", "Training loss"]),
        ([LOW], ["low"]),
    ],
)
def test_panels_are_called_by_what_tells_them_apart(answers: list[Any], names: list[str]) -> None:
    figure = composed(Composition(cells=(Cell(),) * len(answers)), answers)
    assert [panel.title for panel in figure.panels] == names


def test_labels_of_axes_are_short_where_panels_are_narrow() -> None:
    axes = replace(LOW.axes, labels=("filter-normalised random direction 1", "layer-normalised random direction 2"))
    answer = replace(LOW, axes=axes)
    three, two = (composed(Composition(cells=(Cell(),) * n), [answer] * n) for n in (3, 2))
    assert (three.panels[0].x.label, three.panels[0].y.label) == ("direction 1", "direction 2")
    assert two.panels[0].x.label == "filter-normalised direction 1"


# the same question about a checkpoint as it is now


def test_a_changed_checkpoint_gives_another_answer_to_the_same_question() -> None:
    asked = {"directions": "filter", "seed": 3, "steps": [9, 7], "limit": 20}
    cell = Cell(title="Mine", checkpoint="net.pt", probe="surface", question=asked, key="0" * 32, answer="gone.h5")
    problem = SimpleNamespace(fingerprint="new")
    seen = []

    def answer(question: Any, about: Any) -> Any:
        seen.append((question.steps, question.seed, question.limit, about))
        return HIGH

    fresh, result = refreshed(cell, lambda cell: problem, answer)  # type: ignore[arg-type, return-value]
    assert seen == [((9, 7), 3, 20, problem)] and result is HIGH
    assert fresh.title == "Mine" and fresh.key != cell.key
    problem.fingerprint = "newer"
    assert refreshed(cell, lambda cell: problem, answer)[0].key != fresh.key  # type: ignore[arg-type, return-value]


def test_a_question_of_another_version_is_a_sentence() -> None:
    cell = Cell(checkpoint="net.pt", probe="oracle")
    with pytest.raises(LandscapeError, match="oracle"):
        refreshed(cell, lambda cell: SimpleNamespace(fingerprint=""), lambda *_: HIGH)  # type: ignore[arg-type, return-value]


def test_code_that_is_a_module_stays_a_module(tmp_path: Path) -> None:
    path = tmp_path / "f.figure.json"
    for code, read in (("pkg.nets:make", "pkg.nets:make"), ("nets.py:make", str(tmp_path / "nets.py:make"))):
        write_composition(path, Composition(cells=(Cell(opening={"code": code}),)))
        assert read_composition(path).cells[0].opening["code"] == read
