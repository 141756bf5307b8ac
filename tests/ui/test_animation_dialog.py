"""The animation dialog: what it offers, the moments it shows, the film it writes beside the window, and that one can stop it."""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from bowls import Bowl, bowl
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent / "export"))
from test_animation import run_result

from landscape_gui.errors import LandscapeError
from landscape_gui.export import film_frames
from landscape_gui.export.apart import Drawer
from landscape_gui.figure import Figure, Look, Panel
from landscape_gui.figure import Path as Run
from landscape_gui.film import Course, Growth
from landscape_gui.training_course import Stage
from landscape_gui.ui import saving, taking_away
from landscape_gui.ui.animation_dialog import AnimationDialog, smaller
from landscape_gui.ui.exporting import Subject

RESULT = bowl(21, 11)


def bowl_figure(view: str) -> Figure:
    return Bowl().figure(RESULT, Look(view=view))


def run_figure(view: str) -> Figure:
    figure = bowl_figure(view)
    run = run_result()
    return replace(figure, panels=(replace(figure.panels[0], marks=(*figure.panels[0].marks, Run(x=run.x, y=run.y))),))


BOWL = Subject(figure_of=bowl_figure, views=("3d", "2d"), result_of=lambda: RESULT, name="net.pt")
RUN = Subject(figure_of=run_figure, views=("2d", "3d"), result_of=run_result, name="run")


@pytest.fixture(scope="module")
def drawer():
    drawer = Drawer()
    yield drawer
    drawer.close()


@pytest.fixture
def make(qtbot, session, dressed, drawer, monkeypatch):
    monkeypatch.setenv("LANDSCAPE_GUI_RENDERER", "painter")
    made = []
    session.drawing.drawer = drawer

    def dialog(subject=BOWL):
        dialog = AnimationDialog(session, subject)
        dialog.form.pixels.addItem("tiny", (160, 120))
        dialog.form.pixels.setCurrentIndex(dialog.form.pixels.count() - 1)
        dialog.form.rate.setCurrentIndex(0)
        dialog.form.seconds.setValue(0.5)
        made.append(dialog)
        dialog.show()
        return dialog

    yield dialog
    for dialog in made:
        if dialog.process.is_running:
            dialog.process.stop()
            qtbot.waitUntil(lambda dialog=dialog: not dialog.process.is_running, timeout=20000)
        dialog.done(0)
        dialog.deleteLater()
    session.drawing.drawer = Drawer()


def choose(box, value):
    assert box.findData(value) >= 0, value
    box.setCurrentIndex(box.findData(value))


def test_the_slider_shows_any_moment_of_the_film(qtbot, make):
    dialog = make(RUN)
    qtbot.waitUntil(lambda: not dialog.screen_.image.isNull(), timeout=30000)
    early = dialog.screen_.image
    dialog.slider.setValue(dialog.slider.maximum())
    qtbot.waitUntil(lambda: dialog.screen_.image.cacheKey() != early.cacheKey(), timeout=20000)
    setup = dialog.form.setup()
    wanted = film_frames.frame(dialog.film(), smaller(setup), setup.count - 1)
    assert dialog.screen_.image.pixelColor(80, 60).getRgb()[:3] == tuple(wanted[60, 80])
    assert dialog.time.text() == "0.5 of 0.5 s"


def test_what_can_move_is_offered(make, session):
    dialog = make(RUN)
    assert [dialog.form.kind.itemData(i) for i in range(dialog.form.kind.count())] == ["trajectory", "turntable"]
    assert isinstance(dialog.film(), Growth) and dialog.form.pace.isVisible() and not dialog.form.checkpoints.isVisible()
    choose(dialog.form.kind, "turntable")
    assert dialog.form.turn.value() == 360 and dialog.film().loops and not dialog.form.pace.isVisible()
    dialog.form.turn.setValue(90)
    assert not dialog.film().loops
    plain = make(BOWL)
    assert plain.form.kind.count() == 1


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_a_film_is_written_beside_the_window(qtbot, make, session, tmp_path, monkeypatch, suffix):
    dialog = make()
    choose(dialog.form.format, suffix)
    asked = []
    monkeypatch.setattr(
        saving, "ask_path", lambda parent, settings, kind, name: asked.append((kind.suffix, name)) or str(tmp_path / "f")
    )
    said = []
    session.said.connect(said.append)
    dialog.save.click()
    assert dialog.close_button.text() == "Cancel" and not dialog.form.isEnabled()
    qtbot.waitUntil(lambda: not dialog.isVisible(), timeout=40000)
    assert asked[0][0] == suffix and "turntable" in asked[0][1]
    picture = Image.open(tmp_path / f"f{suffix}")
    assert picture.n_frames == dialog.form.setup().count and picture.size == (160, 120)
    assert [m.text for m in said] == [f"Film written to {tmp_path / f'f{suffix}'}."]


def test_a_film_that_is_cancelled_leaves_nothing_and_the_dialog_stays(qtbot, make, tmp_path):
    dialog = make()
    dialog.form.seconds.setValue(120)
    dialog.write_to(str(tmp_path / "f.mp4"))
    qtbot.waitUntil(lambda: dialog.bar.percent > 0 or "frame" in dialog.progress.text(), timeout=40000)
    dialog.close_button.click()
    qtbot.waitUntil(lambda: not dialog.process.is_running, timeout=20000)
    assert dialog.isVisible() and dialog.progress.text() == "Stopped; nothing was written." and dialog.save.isEnabled()
    assert not [p for p in tmp_path.iterdir() if p.suffix == ".mp4"]


def test_what_goes_wrong_is_said_in_the_dialog(qtbot, make, tmp_path):
    dialog = make()
    dialog.write_to(str(tmp_path / "none" / "f.mp4"))
    qtbot.waitUntil(lambda: dialog.wrong.isVisible(), timeout=40000)
    assert "does not exist" in dialog.wrong.text() and dialog.save.isEnabled()
    empty = make(Subject(figure_of=lambda view: Figure(panels=(Panel(marks=()),))))
    qtbot.waitUntil(lambda: "no surface to turn" in empty.screen_.text(), timeout=5000)


def test_surfaces_over_training_are_asked_for_first(qtbot, make, session, monkeypatch):
    """Of a surface whose checkpoint belongs to a run; without torch here, so what it computes is given."""
    run = SimpleNamespace(checkpoints=(1, 2, 3))
    probe = type("Surface", (Bowl,), {})()
    document = SimpleNamespace(problem=SimpleNamespace(run=run), name="net.pt")
    monkeypatch.setattr(session, "shown", SimpleNamespace(probe=probe, document=document, result=RESULT))
    dialog = make()
    choose(dialog.form.kind, "training")
    assert dialog.save.text() == "&Compute" and dialog.form.checkpoints.isVisible()
    with pytest.raises(LandscapeError, match="still to be computed"):
        dialog.film()
    stages = [Stage(name=f"epoch {k}", order=k, result=RESULT) for k in range(3)]
    monkeypatch.setattr("landscape_gui.training_course.course", lambda *a, **k: (stages, RESULT.axes))
    dialog.save.click()
    qtbot.waitUntil(lambda: dialog.task is None, timeout=20000)
    film = dialog.film()
    assert isinstance(film, Course) and film.names == ("epoch 0", "epoch 1", "epoch 2")
    assert "Save film" in dialog.save.text() and dialog.form.isEnabled()


def test_the_menu_opens_it_on_what_is_shown(qtbot, window):
    window.open_paths(["/anywhere/bowl.pt"])
    qtbot.waitUntil(lambda: window.session.current is not None and window.session.current.problem is not None, timeout=10000)
    window.question.ask()
    qtbot.waitUntil(lambda: window.session.shown is not None and window.session.running is None, timeout=20000)
    qtbot.waitUntil(lambda: window.actions_by_name["animate"].isEnabled(), timeout=5000)
    taking_away.animate(window)
    dialog = window.findChild(AnimationDialog)
    assert dialog is not None and dialog.figure is not None and dialog.isVisible()
    dialog.reject()
