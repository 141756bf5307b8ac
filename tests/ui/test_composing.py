"""Figures of several answers in the window: composed of what is selected, turned together, rearranged, saved and opened."""

import dataclasses
import json
import sys
import threading
from pathlib import Path

import pytest
from bowls import bowl, make_problem, shown_whole
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QDropEvent

sys.path.insert(0, str(Path(__file__).parent.parent))
from paraboloids import paraboloid

from landscape_gui.composition import SUFFIX, Cell, Composition, read_composition, write_composition
from landscape_gui.data_choice import DataChoice
from landscape_gui.figure import Camera
from landscape_gui.probes.base import Progress
from landscape_gui.ui import taking_away
from landscape_gui.ui.animation_dialog import AnimationDialog
from landscape_gui.ui.composed_panel import carried
from landscape_gui.ui.composed_stage import BRIEF
from landscape_gui.ui.drafts import is_named
from landscape_gui.ui.export_dialog import ExportDialog
from landscape_gui.ui.export_form import ExportForm
from landscape_gui.ui.exporting import Subject

ANSWERS = {
    "low.h5": paraboloid(1, 1, 0.1, title="low"),
    "high.h5": paraboloid(4, 2, 1.0, title="high", fingerprint="beef"),
    "other.h5": paraboloid(2, 2, 0.5, title="other", fingerprint="cafe"),
}


@pytest.fixture
def answers(window):
    read = lambda path, projection="": ANSWERS[Path(path).name]  # noqa: E731
    window.session.services = dataclasses.replace(window.session.services, read=read)
    return window


def compose(qtbot, window, *names):
    """Open answers and compose a figure of them."""
    window.open_paths(list(names))
    qtbot.waitUntil(lambda: all(d.state == "ready" for d in window.session.documents), timeout=10000)
    window.library.tree.selectAll()
    window.actions_by_name["compose"].trigger()
    stage = window.figures.page()
    qtbot.waitUntil(lambda: stage.figure is not None and len(stage.figure.panels) == len(names), timeout=10000)
    return stage


def test_what_is_selected_becomes_a_figure_with_one_range_and_one_bar(qtbot, answers):
    stage = compose(qtbot, answers, "low.h5", "high.h5")
    assert answers.pages.currentWidget() is stage
    assert [p.title.text() for p in stage.panels[:2]] == ["low", "high"]
    assert [p.panel.surface.limits for p in stage.panels[:2]] == [(0.1, 7.0)] * 2
    assert stage.bar.isVisibleTo(stage) and not stage.panels[0].bar.isVisibleTo(stage)
    assert answers.tabs.currentIndex() == 1
    qtbot.waitUntil(lambda: "(b) high." in answers.facts.caption, timeout=5000)
    answers.session.select(answers.session.documents[0])
    assert answers.pages.currentWidget() is answers.stage
    answers.session.select(answers.session.documents[-1])
    assert answers.pages.currentWidget() is stage


def test_turning_one_turns_all_unless_they_are_not_linked(qtbot, answers):
    stage = compose(qtbot, answers, "low.h5", "high.h5")
    first, second = (panel.canvas3d for panel in stage.panels[:2])
    if first.scene is None:
        pytest.skip("no OpenGL here")
    camera = Camera(azimuth=70.0, elevation=20.0)
    first.scene._set_by_hand(camera)
    assert second.camera == camera and stage.composition.camera == camera
    assert {panel.camera for panel in stage.whole_figure().panels} == {camera}
    stage.toggles["camera"].click()
    other = Camera(azimuth=-10.0)
    first.scene._set_by_hand(other)
    assert second.camera == camera and first.camera == other
    assert [panel.camera for panel in stage.whole_figure().panels] == [other, camera]


def test_ranges_of_their_own_have_bars_of_their_own(qtbot, answers):
    stage = compose(qtbot, answers, "low.h5", "high.h5")
    stage.toggles["limits"].click()
    assert [p.panel.surface.limits for p in stage.panels[:2]] == [(0.1, 2.1), (1.0, 7.0)]
    assert not stage.bar.isVisibleTo(stage) and all(p.bar.isVisibleTo(stage) for p in stage.panels[:2])
    assert not stage.toggles["bar"].isEnabled()
    stage.toggles["limits"].click()
    assert stage.bar.isVisibleTo(stage)


def test_the_difference_is_a_panel_that_comes_and_goes(qtbot, answers):
    stage = compose(qtbot, answers, "low.h5", "high.h5")
    stage.difference.click()
    assert stage.figure.panels[2].surface.colour_map == "coolwarm"
    assert stage.panels[2].isVisibleTo(stage) and stage.panels[2].bar.isVisibleTo(stage)
    stage.difference.click()
    assert len(stage.figure.panels) == 2 and not stage.panels[2].isVisibleTo(stage)


def test_a_panel_is_dragged_to_anothers_place_renamed_flipped_and_taken_out(qtbot, answers):
    stage = compose(qtbot, answers, "low.h5", "high.h5", "other.h5")
    drop(stage.panels[0], stage.panels[2].number)
    assert [p.title.text() for p in stage.panels[:3]] == ["other", "low", "high"]
    stage.panels[1].title.setText("Low loss")
    stage.panels[1].title.editingFinished.emit()
    assert stage.figure.panels[1].title == "Low loss"
    stage.panels[0].view.click()
    assert [p.view for p in stage.figure.panels] == ["2d", "3d", "3d"]
    stage.panels[0].close_button.click()
    assert [p.title.text() for p in stage.panels[:2]] == ["Low loss", "high"] and len(stage.figure.panels) == 2


def drop(panel, number):
    data = carried(number)
    event = QDropEvent(QPointF(5, 5), Qt.DropAction.MoveAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    panel.dropEvent(event)


def test_columns_can_be_chosen(qtbot, answers):
    stage = compose(qtbot, answers, "low.h5", "high.h5", "other.h5")
    stage.columns.setValue(1)
    places = [stage.grid.getItemPosition(stage.grid.indexOf(p)) for p in stage.panels[:3]]
    assert [(row, column) for row, column, *_ in places] == [(0, 0), (1, 0), (2, 0)]


def test_the_figure_is_saved_and_opened_with_all_that_was_changed(qtbot, answers, tmp_path):
    names = [str(tmp_path / name) for name in ("low.h5", "high.h5")]
    for name in names:
        Path(name).write_bytes(b"")
    stage = compose(qtbot, answers, *names)
    stage.log.click()
    path = str(tmp_path / f"f{SUFFIX}")
    answers.figures.composing.save(path)
    qtbot.waitUntil(lambda: Path(path).exists() and answers.session.current.path == path, timeout=10000)
    assert "not saved" not in answers.session.current.summary
    told = json.loads(Path(path).read_text())
    assert [cell["answer"] for cell in told["cells"]] == ["low.h5", "high.h5"]
    assert {cell.look.scale for cell in read_composition(path).cells} == {"log"}


def test_a_figure_file_opens_with_a_sentence_where_its_answer_is_gone(qtbot, answers, tmp_path):
    path = tmp_path / f"f{SUFFIX}"
    write_composition(path, Composition(cells=(Cell(title="Mine", answer=str(tmp_path / "gone.h5")),)))
    answers.open_paths([str(path)])
    stage = answers.figures.page()
    qtbot.waitUntil(lambda: bool(stage.panels) and "gone.h5 is missing" in stage.panels[0].note.text(), timeout=10000)
    assert stage.panels[0].title.text() == "Mine"


def test_a_broken_figure_file_is_a_sentence(qtbot, answers, tmp_path):
    path = tmp_path / f"f{SUFFIX}"
    path.write_text('{"format": "landscape_gui composition", "version": 1, "colums": 2}')
    answers.open_paths([str(path)])
    qtbot.waitUntil(lambda: any("Did you mean columns?" in text for text in answers.messages.texts), timeout=10000)
    assert not answers.session.documents


def test_answers_that_are_being_computed_come_into_the_figure(qtbot, window):
    whole = threading.Event()

    def answer(probe, problem, *, on_progress, cancelled):
        on_progress(Progress(done=4, total=11, partial=bowl(*probe.steps, 4, probe=probe)))
        while not whole.wait(0.01) and not cancelled():
            pass
        return bowl(*probe.steps, probe=probe)

    window.session.services = dataclasses.replace(window.session.services, answerer=answer)
    window.open_paths(["a.pt"])
    qtbot.waitUntil(lambda: window.session.shown is not None, timeout=10000)
    window.figures.compose_selected()
    stage = window.figures.page()
    assert stage.figure.panels[0].surface.filled is not None
    whole.set()
    qtbot.waitUntil(lambda: stage.figure.panels[0].surface.filled is None, timeout=10000)


def test_a_model_that_was_asked_nothing_yet_is_asked(qtbot, window):
    window.session.open(["a.pt"], asks=False)
    qtbot.waitUntil(lambda: window.session.documents[0].state == "ready", timeout=10000)
    assert not window.session.inquiries
    window.figures.compose_selected()
    stage = window.figures.page()
    qtbot.waitUntil(lambda: stage.figure.panels[0].surface is not None and not window.session.running, timeout=10000)
    assert stage.composition.cells[0].checkpoint.endswith("a.pt") and stage.composition.cells[0].probe == "surface"


def test_the_figure_is_what_is_exported(qtbot, answers):
    compose(qtbot, answers, "low.h5", "high.h5")
    figure = taking_away.figure_of(answers, "3d")
    assert len(figure.panels) == 2 and len(figure.sources) == 2
    for name in ("export", "copy", "save_figure"):
        assert answers.actions_by_name[name].isEnabled()
    assert not answers.actions_by_name["view_2d"].isEnabled()


def test_a_figure_is_no_model(qtbot, answers):
    compose(qtbot, answers, "low.h5", "high.h5")
    answers.library.tree.selectAll()
    assert answers.library.selected() == [] and answers.library.to_compare() == []
    assert [what.path for what, _ in answers.library.to_compose()] == ["low.h5", "high.h5"]


def test_nothing_to_compose_is_said(qtbot, window):
    window.figures.composing.compose([])
    assert any("Nothing is selected" in text for text in window.messages.texts)


def test_both_themes(qtbot, answers):
    stage = compose(qtbot, answers, "low.h5", "high.h5")
    answers.use_theme("dark")
    assert stage.panels[0].theme.dark and stage.bar.theme.dark
    answers.use_theme("light")
    assert not stage.panels[1].theme.dark


def test_closing_a_figure_leaves_its_answers_open(qtbot, answers):
    compose(qtbot, answers, "low.h5", "high.h5")
    answers.close_current()
    assert [d.name for d in answers.session.documents] == ["low.h5", "high.h5"]
    qtbot.waitUntil(lambda: shown_whole(answers.session), timeout=5000)
    assert answers.pages.currentWidget() is answers.stage


def test_a_figure_that_nobody_saved_is_kept_until_it_is(qtbot, answers, tmp_path):
    names = [str(tmp_path / name) for name in ("low.h5", "high.h5")]
    for name in names:
        Path(name).write_bytes(b"")
    compose(qtbot, answers, *names)
    answers.figures.drafts.write()
    draft = answers.session.current.composed.draft
    qtbot.waitUntil(lambda: draft in answers.session.settings.recent, timeout=5000)
    assert len(read_composition(draft).cells) == 2
    answers.close_current()
    assert Path(draft).exists()
    answers.open_paths([draft])
    qtbot.waitUntil(lambda: answers.figures.shown, timeout=10000)
    assert not is_named(answers.session.current)
    answers.figures.page().log.click()
    answers.figures.drafts.write()
    named = tmp_path / f"named{SUFFIX}"
    answers.figures.composing.save(str(named))
    qtbot.waitUntil(lambda: not Path(draft).exists(), timeout=10000)
    assert {cell.look.scale for cell in read_composition(named).cells} == {"log"}
    assert draft not in answers.session.settings.recent


def test_what_is_selected_is_added_to_an_open_figure(qtbot, answers):
    stage = compose(qtbot, answers, "low.h5", "high.h5")
    figure = answers.session.current
    answers.open_paths(["other.h5"])
    qtbot.waitUntil(lambda: answers.session.documents[-1].state == "ready", timeout=10000)
    tree = answers.library.tree
    tree.clearSelection()
    item = tree.topLevelItem(tree.topLevelItemCount() - 1)
    item.setSelected(True)
    entry = next(a for a in answers.library.menu_of(item).actions() if a.text() == f"Add to {figure.name}")
    entry.trigger()
    assert answers.session.current is figure
    assert [p.title.text() for p in stage.panels[:3]] == ["low", "high", "other"]


def test_refresh_asks_what_is_missing(qtbot, window, tmp_path):
    path = tmp_path / f"f{SUFFIX}"
    cell = Cell(title="Mine", checkpoint=str(tmp_path / "a.pt"), probe="surface", question={"steps": [21, 11]}, key="0" * 32)
    write_composition(path, Composition(cells=(cell,)))
    window.open_paths([str(path)])
    stage = window.figures.page()
    qtbot.waitUntil(lambda: bool(stage.panels) and "Press Refresh (↻)." in stage.panels[0].note.text(), timeout=10000)
    assert stage.refresh.text() == "Refresh"
    stage.resize(BRIEF, 600)
    assert stage.refresh.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonTextBesideIcon
    stage.resize(BRIEF - 1, 600)
    assert stage.refresh.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonIconOnly
    stage.refresh.click()
    qtbot.waitUntil(lambda: stage.figure.panels[0].surface is not None and not window.session.running, timeout=10000)
    assert stage.figure.panels[0].title == "Mine" and stage.figure.panels[0].surface.z.shape == (11, 21)


def test_what_a_figure_shows_is_told_whatever_the_other_stage_does(qtbot, answers):
    compose(qtbot, answers, "low.h5", "high.h5")
    answers.stage.figure_shown.emit(None)  # as when a question of another document ends
    assert "(b) high." in answers.facts.caption
    answers.session.select(answers.session.documents[0])
    qtbot.waitUntil(lambda: "(b)" not in answers.facts.caption, timeout=5000)


def test_a_cell_says_how_its_model_was_opened_and_is_opened_so_again(qtbot, window, tmp_path):
    (tmp_path / "data.npz").touch()
    asked = {"data": str(tmp_path / "data.npz"), "normalise": "mnist", "size": 28, "target": "", "odd": 3}
    services, said = window.session.services, []

    def opener(path, **options):
        problem = make_problem(path)
        problem.description = {"asked": asked, "chosen": "timm:resnet50"}
        return problem

    window.session.services = dataclasses.replace(
        services, opener=opener, choose=lambda *told: said.append(told), keep_data=lambda *told: said.append(told)
    )
    window.session.open([str(tmp_path / "a.pt")], asks=False)
    qtbot.waitUntil(lambda: window.session.documents[0].state == "ready", timeout=10000)
    window.figures.compose_selected()
    stage = window.figures.page()
    qtbot.waitUntil(lambda: stage.figure.panels[0].surface is not None and not window.session.running, timeout=10000)
    path = tmp_path / f"f{SUFFIX}"
    write_composition(path, stage.composition.changed(0, key=""))  # those of the bowls are no real ones
    told = {"data": asked["data"], "normalise": "mnist", "size": 28, "architecture": "timm:resnet50"}
    assert dict(read_composition(path).cells[0].opening) == told
    said.clear()
    window.figures.composing.refresh()
    checkpoint = str(tmp_path / "a.pt")
    assert (checkpoint, "architecture", "timm:resnet50") in said
    assert (checkpoint, DataChoice(path=asked["data"], normalise="mnist", size=28)) in said
    qtbot.waitUntil(lambda: not window.session.running and bool(stage.composition.cells[0].key), timeout=10000)


def test_export_begins_at_the_figures_own_page_and_what_is_chosen_there_is_saved_with_it(qtbot, answers, tmp_path):
    names = [str(tmp_path / name) for name in ("low.h5", "high.h5")]
    for name in names:
        Path(name).write_bytes(b"")
    path = tmp_path / f"f{SUFFIX}"
    cells = tuple(Cell(answer=name) for name in names)
    page = {"venue": "icml", "columns": 2, "font_size": 7.0, "theme": "dark", "letters": False}
    write_composition(path, Composition(cells=cells, page=page))
    answers.open_paths([str(path)])
    qtbot.waitUntil(lambda: answers.figures.shown and bool(answers.figures.page().panels), timeout=10000)
    taking_away.export(answers)
    dialog = answers.findChild(ExportDialog)
    choice = dialog.form.page.choice()
    assert (choice.venue, choice.columns, choice.font_size, choice.dark, choice.letters) == ("icml", 2, 7.0, True, False)
    dialog.form.page.font_size.setValue(9.0)
    dialog.form.page.width_field.setValue(5.0)
    dialog.form.format.choose(".txt")
    dialog.export_to(str(tmp_path / "f.txt"))
    qtbot.waitUntil((tmp_path / "f.txt").exists, timeout=10000)
    qtbot.waitUntil(lambda: answers.session.current.composed.changed, timeout=10000)
    kept = {"venue": "icml", "width": 5.0, "font_size": 9.0, "theme": "dark", "letters": False}
    assert dict(answers.figures.composing.composed.composition.page) == kept
    answers.figures.composing.save(str(path))
    qtbot.waitUntil(lambda: dict(read_composition(path).page) == kept, timeout=10000)


def test_a_new_figure_has_letters_and_leaves_others_without(qtbot, answers, tmp_path):
    compose(qtbot, answers, "low.h5", "high.h5")
    taking_away.export(answers)
    dialog = answers.findChild(ExportDialog)
    assert dialog.form.page.letters.isChecked()
    dialog.form.show_venue("cvpr")
    assert dialog.form.page.letters.isChecked()
    dialog.form.remember()
    assert answers.figures.composing.composed.composition.page == {"venue": "cvpr", "letters": True}
    dialog.reject()
    form = ExportForm(answers.session.settings, Subject(figure_of=lambda view: None))
    assert form.page.choice().venue == "cvpr" and not form.page.choice().letters


def test_a_figure_of_several_is_animated(qtbot, answers):
    compose(qtbot, answers, "low.h5", "high.h5")
    assert answers.actions_by_name["animate"].isEnabled()
    answers.actions_by_name["animate"].trigger()
    dialog = answers.findChild(AnimationDialog)
    assert dialog is not None and len(dialog.film().figure.panels) == 2
    dialog.reject()


def test_that_there_is_nothing_to_animate_is_said(qtbot, window, tmp_path):
    path = tmp_path / f"f{SUFFIX}"
    write_composition(path, Composition(cells=(Cell(title="Lost", checkpoint="/gone.pt", probe="surface", key="0" * 32),)))
    window.open_paths([str(path)])
    qtbot.waitUntil(lambda: window.figures.shown and window.actions_by_name["animate"].isEnabled(), timeout=10000)
    window.actions_by_name["animate"].trigger()
    assert "Nothing that is shown can be animated" in window.messages.texts[-1]
    assert not any(d.isVisible() for d in window.findChildren(AnimationDialog))
