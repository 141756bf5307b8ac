import subprocess
import sys

import numpy as np
import pytest
from bowls import Bowl, shown_whole
from PySide6.QtCore import QMimeData, QPoint, QPointF, QRect, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from test_canvases import colours

from landscape_gui.ui import theme
from landscape_gui.ui.documents import Message
from landscape_gui.ui.welcome import Card
from landscape_gui.ui.window import Window


@pytest.fixture
def opened(qtbot, window):
    window.open_paths(["a.pt"])
    qtbot.waitUntil(lambda: shown_whole(window.session), timeout=10000)
    qtbot.wait(60)
    return window


def test_a_click_on_a_sample_ends_in_a_surface(qtbot, window):
    assert window.pages.currentWidget() is window.welcome
    card = window.findChild(Card, "sample_bowl")
    QTest.mouseClick(card, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: shown_whole(window.session), timeout=10000)
    assert window.pages.currentWidget() is window.stage
    assert window.session.current.path == "samples:bowl"
    assert "28,938 parameters" in window.stage.header.facts.text().replace("\N{NO-BREAK SPACE}", " ")
    assert "2 layers" in window.stage.header.facts.text().replace("\N{NO-BREAK SPACE}", " ")
    assert window.stage.header.warnings.itemAt(0).widget().text().startswith("Accuracy 10.2 %: chance.")


def test_both_canvases_are_drawn(qtbot, opened):
    assert colours(opened.stage.canvas3d.view) > 300
    assert colours(opened.stage.canvas2d) > 300


def test_a_wrong_file_leaves_the_picture_in_place(qtbot, window):
    QTest.mouseClick(window.findChild(Card, "sample_bowl"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: shown_whole(window.session), timeout=10000)
    qtbot.waitUntil(lambda: window.stage.stack.currentIndex() == 1, timeout=10000)
    with qtbot.waitSignal(window.session.said, timeout=10000):
        window.session.open(["broken.pt"])
    qtbot.waitUntil(lambda: window.stage.stack.currentIndex() == 1, timeout=5000)
    assert window.stage.figure is not None


def test_files_dropped_anywhere_open_and_wrong_ones_are_a_sentence(qtbot, window, tmp_path):
    wrong = tmp_path / "broken.txt"
    wrong.write_text("x")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(wrong))])
    event = QDropEvent(QPointF(300, 300), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    window.dropEvent(event)
    qtbot.waitUntil(lambda: bool(window.messages.texts), timeout=5000)
    assert "is no checkpoint. Open a .pt" in window.messages.texts[0]
    assert window.pages.currentWidget() is window.welcome
    assert window.isVisible()


@pytest.mark.parametrize(
    ("key", "view", "three", "two"), [("1", "3d", True, False), ("2", "2d", False, True), ("4", "chart", False, False)]
)
def test_keys_change_the_view(qtbot, opened, key, view, three, two):
    opened.activateWindow()
    opened.actions_by_name[f"view_{view}"].trigger()
    assert opened.actions_by_name[f"view_{view}"].shortcut().toString() == key
    assert opened.stage.view == view
    assert opened.stage.canvas3d.isVisible() == three
    assert opened.stage.canvas2d.isVisible() == two


def test_log_and_range_change_both_canvases(qtbot, opened):
    stage = opened.stage
    opened.actions_by_name["log"].trigger()
    assert stage.canvas2d.panel.surface.scale == "log"
    stage.view_bar.low.setText("0.5")
    stage.view_bar.low.editingFinished.emit()
    assert stage.canvas2d.panel.surface.limits[0] == 0.5
    assert stage.bar.surface.limits[0] == 0.5
    stage.view_bar.whole.click()
    assert stage.canvas2d.panel.surface.limits[0] == pytest.approx(0.1, rel=1e-12)


def test_the_slider_clips(qtbot, opened):
    bar = opened.stage.view_bar
    bar.slider.changed.emit(0, 500)
    low, high = opened.session.look.limits
    values = opened.session.shown.result.quantities["train_loss"].values
    assert low == pytest.approx(values.min(), rel=1e-12)
    assert high == pytest.approx((values.min() + values.max()) / 2, rel=1e-6)
    assert bar.slider.values == (0, 500)


def test_picking_shows_the_cell_and_its_profiles(qtbot, opened):
    opened.session.pick(0.5, -1.0)
    assert opened.tabs.currentIndex() == 2
    assert "+0.5" in opened.cell.place.text()
    assert all("α (first axis)" in label.toolTip() for label in (opened.cell.place, opened.status.reading))
    opened.cell.profile_button.click()
    assert opened.stage.view == "chart"
    _, y = opened.stage.grid.charts[0].curves[0][0].getData()
    np.testing.assert_array_equal(y, opened.session.shown.result.quantities["train_loss"].values[0])


def test_the_status_line_reads_the_value_under_the_cursor(qtbot, opened):
    opened.session.point((0.0, 0.0))
    text = opened.status.reading.text()
    assert "training loss 0.1 ± 0.01 nat" in text and "training accuracy 90.91 %" in text
    opened.session.point(None)
    assert opened.status.reading.text() == ""


def test_the_form_asks_and_says_the_cost(qtbot, opened, gate):
    form = opened.question.form
    form.editors["steps"].boxes[0].setValue(9)
    qtbot.waitUntil(lambda: opened.question.cost.text() == "99 points on 100 examples, about 14 s", timeout=5000)
    opened.actions_by_name["compute"].trigger()
    qtbot.waitUntil(lambda: gate.asked[-1] == Bowl(steps=(9, 11)), timeout=5000)
    qtbot.waitUntil(lambda: shown_whole(opened.session) and len(opened.session.shown.result.x) == 9, timeout=5000)


def test_cancel_shows_at_once_and_what_there_is_stays(qtbot, opened, gate):
    gate.open.clear()
    inquiry = opened.session.ask(Bowl(steps=(15, 40)))
    qtbot.waitUntil(lambda: inquiry.state == "running", timeout=5000)
    qtbot.waitUntil(lambda: opened.actions_by_name["cancel"].isEnabled(), timeout=5000)
    opened.actions_by_name["cancel"].trigger()
    assert inquiry.state == "cancelling"
    assert "Stopping" in opened.status.progress_text.text()
    qtbot.waitUntil(lambda: inquiry.state == "cancelled", timeout=5000)
    assert opened.session.shown is not None


def test_closing_in_the_middle_ends_the_threads(qtbot, own_window, gate):
    gate.open.clear()
    own_window.open_paths(["a.pt"])
    qtbot.waitUntil(lambda: own_window.session.running is not None, timeout=5000)
    own_window.close()
    assert not own_window.isVisible()
    session = own_window.session
    qtbot.waitUntil(lambda: not session.thinker.is_running and not session.helper.is_running, timeout=5000)


def test_light_and_dark(qtbot, opened):
    opened.use_theme("dark")
    assert theme.current() is theme.DARK
    assert opened.session.settings.text("theme") == "dark"
    assert opened.stage.canvas2d.backgroundBrush().color().name().upper() == theme.DARK.figure.background
    opened.use_theme("light")
    assert theme.current() is theme.LIGHT


def test_the_caption_is_copied(qtbot, opened):
    opened.actions_by_name["copy_caption"].trigger()
    assert QGuiApplication.clipboard().text() == opened.facts.caption != ""


def test_markup_in_names_is_shown_and_never_read(qtbot, window):
    window.open_paths(["<b>bold</b>.pt"])
    qtbot.waitUntil(lambda: shown_whole(window.session), timeout=5000)
    assert "<b>bold</b>" in window.stage.header.name.text()
    assert window.stage.header.name.textFormat() == Qt.TextFormat.PlainText


def test_messages_stay_few_and_can_be_dismissed(qtbot, window):
    for number in range(5):
        window.messages.say(Message(level="error", text=f"Number {number}.", details="d"))
    assert [t[:8] for t in window.messages.texts] == ["Number 2", "Number 3", "Number 4"]
    window.messages.rows[0].close_button.click()
    assert len(window.messages.texts) == 2


def test_a_second_surface_leaves_no_further_canvases(qtbot, opened):
    items = len(opened.stage.canvas2d.plot.items)
    for seed in range(4):
        inquiry = opened.session.ask(Bowl(seed=seed + 1))
        qtbot.waitUntil(lambda i=inquiry: i.state == "done", timeout=5000)
    assert len(opened.stage.canvas2d.plot.items) == items


def test_the_range_sliders_handles_are_dragged(qtbot, opened):
    slider = opened.stage.view_bar.slider
    y = slider.height() // 2
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=QPoint(slider.width() - 7, y))
    QTest.mouseMove(slider, QPoint(slider.width() // 2, y))
    qtbot.waitUntil(lambda: opened.session.look.limits is not None, timeout=3000)
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=QPoint(slider.width() // 2, y))
    assert slider.values[1] == pytest.approx(500, abs=20)  # a pixel is several steps


def test_the_window_is_made_without_torch_matplotlib_or_a_canvas():
    code = (
        "import sys\n"
        "from landscape_gui import app\n"
        "application = app.make_application()\n"
        "from landscape_gui.ui.session import Session\n"
        "from landscape_gui.ui.window import Window\n"
        "window = Window(Session(app.services()), app.sample_cards())\n"
        "window.show()\n"
        "print(sorted(m for m in ('torch', 'matplotlib', 'vispy', 'pyqtgraph', 'h5py') if m in sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


def test_it_is_no_larger_than_the_screen(monkeypatch, request):
    """Where no window manager cuts it to size, its right side would lie beyond the edge."""

    class Small:
        def availableGeometry(self):
            return QRect(0, 0, 1100, 700)

    monkeypatch.setattr(Window, "screen", lambda self: Small())
    own = request.getfixturevalue("own_window")
    assert (own.width(), own.height()) == (1100, 700)


def test_the_menu_marks_the_theme_that_is_worn_and_tells_its_key(qtbot, opened):
    menu = next(a.menu() for a in opened.menuBar().actions() if a.text() == "&View")
    entries = {a.objectName(): a for a in menu.actions()}

    def marked():
        menu.aboutToShow.emit()
        return [name for name, entry in entries.items() if name.startswith("theme_") and entry.isChecked()]

    assert marked() == ["theme_light"]
    entries["theme_dark"].trigger()
    assert theme.current() is theme.DARK and marked() == ["theme_dark"]
    entries["action_theme"].trigger()
    assert theme.current() is theme.LIGHT and marked() == ["theme_light"]
    assert entries["action_theme"].shortcut().toString() == "Ctrl+D"


def test_words_on_the_tool_bar_keep_apart_from_their_icons_and_menus_have_none_of_it(opened):
    for name in ("open", "compute", "view_3d", "export"):
        action = opened.actions_by_name[name]
        assert opened.toolbar.widgetForAction(action).text() == f" {action.text().replace('&', '').replace(' …', '')}"


def test_the_whole_tool_bar_is_seen_in_the_narrowest_window(qtbot, opened):
    before = opened.size()
    opened.resize(opened.minimumSize())
    qtbot.wait(50)
    help_button = opened.toolbar.widgetForAction(opened.actions_by_name["help"])
    assert help_button.isVisible() and help_button.geometry().right() <= opened.toolbar.contentsRect().right()
    assert opened.toolbar.sizeHint().width() <= opened.minimumWidth()
    opened.resize(before)
