"""The export dialog: what is offered, previewed, remembered, written, refused and copied."""

import datetime
import io
import os
import resource
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from bowls import Bowl, bowl
from PIL import Image
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QCheckBox, QComboBox, QDialog, QMessageBox

from landscape_gui.export import render
from landscape_gui.export.apart import Drawer
from landscape_gui.export.peers import read_surface
from landscape_gui.figure import Look, Surface
from landscape_gui.ui import rehearsal, saving, taking_away
from landscape_gui.ui.export_dialog import ExportDialog
from landscape_gui.ui.exporting import Subject, over_words, size_words, suggested_name, with_suffix
from landscape_gui.ui.settings import Settings

RESULT = bowl(21, 11)
SUBJECT = Subject(
    figure_of=lambda view: replace(Bowl().figure(RESULT, Look(view=view)), caption="A bowl of 100 % & more."),
    views=("2d", "3d"),
    result_of=lambda: RESULT,
    name="samples:digits-mlp",
)


@pytest.fixture(scope="module")
def drawer():
    drawer = Drawer()
    yield drawer
    drawer.close()


@pytest.fixture
def make(qtbot, session, dressed, drawer):
    made = []
    session.drawing.drawer = drawer  # a process takes a second to start

    def dialog(subject=SUBJECT):
        dialog = ExportDialog(session, subject)
        made.append(dialog)
        dialog.show()
        return dialog

    yield dialog
    for dialog in made:
        dialog.done(0)
        dialog.deleteLater()
    session.drawing.drawer = Drawer()


@pytest.fixture
def dialog(qtbot, make):
    dialog = make()
    qtbot.waitUntil(lambda: dialog.preview.view.picture is not None, timeout=20000)
    return dialog


@pytest.fixture
def undrawn(make):
    """Its first picture is not waited for."""
    return make()


def choose(box, value):
    row = box.findData(value)
    assert row >= 0, value
    box.setCurrentIndex(row)


def drawn_again(qtbot, dialog, change):
    """Do what changes the picture and wait for the next."""
    with qtbot.waitSignal(dialog.rehearsal.drawn, timeout=20000):
        change()


def answer(qtbot, button):
    """Press a button of the question whether to replace, and say what it asked."""
    asked = []

    def press():
        box = next((w for w in QApplication.topLevelWidgets() if isinstance(w, QMessageBox) and w.isVisible()), None)
        if box is None:
            QTimer.singleShot(20, press)
            return
        asked.append(box.text())
        next(b for b in box.buttons() if b.text().replace("&", "") == button).click()

    QTimer.singleShot(20, press)
    return asked


# what is seen ahead


def test_the_preview_has_the_files_layout_at_fewer_pixels(qtbot, dialog):
    picture = dialog.preview.view.picture
    setup = dialog.form.page.choice().setup()
    file = Image.open(io.BytesIO(render(SUBJECT.figure_of("2d"), ".png", setup)))
    assert setup.width == 5.5
    assert (picture.width, picture.height) == pytest.approx((file.width / 300, file.height / 300), abs=1 / 300)
    assert picture.columns < file.width


def test_size_pixels_and_bytes_are_told_and_the_bytes_are_the_files(qtbot, dialog, tmp_path):
    dialog.form.format.choose(".png")
    qtbot.waitUntil(lambda: "kB" in dialog.preview.facts.text(), timeout=20000)
    words = dialog.preview.facts.text()
    assert "5.5 × " in words and "1,650 × " in words and "about" not in words
    path = tmp_path / "a.png"
    dialog.export_to(str(path))
    qtbot.waitUntil(path.exists, timeout=20000)
    assert size_words(path.stat().st_size) in words


def test_a_large_files_size_is_guessed_within_a_third(qtbot, dialog, monkeypatch):
    monkeypatch.setattr(rehearsal, "MOST", 4e5)
    drawn_again(qtbot, dialog, lambda: dialog.form.format.choose(".png"))
    with qtbot.waitSignal(dialog.rehearsal.sized, timeout=20000) as told:
        pass
    count, exact = told.args
    assert not exact and "about" in dialog.preview.facts.text()
    assert count == pytest.approx(len(render(SUBJECT.figure_of("2d"), ".png", dialog.form.page.choice().setup())), rel=0.33)


def test_what_a_reader_may_not_see_is_said(qtbot, dialog):
    with qtbot.waitSignal(dialog.rehearsal.judged, timeout=20000):
        drawn_again(qtbot, dialog, lambda: dialog.form.page.font_size.setValue(4.0))
    assert any("points as printed" in s for s in dialog.preview.concerns.sentences)


def test_a_page_that_makes_no_sense_is_a_sentence_and_the_next_one_is_drawn(qtbot, dialog):
    page = dialog.form.page
    page.dpi.setValue(2400)
    page.height_field.setValue(20.0)
    qtbot.waitUntil(lambda: "200 million pixels" in dialog.preview.words.text(), timeout=20000)
    drawn_again(qtbot, dialog, lambda: page.dpi.setValue(100))
    assert dialog.preview.pages.currentWidget() is dialog.preview.view


def test_numbers_are_shown_as_they_are_written(qtbot, undrawn, tmp_path):
    undrawn.form.format.choose(".csv")
    qtbot.waitUntil(lambda: undrawn.preview.pages.currentWidget() is undrawn.preview.text, timeout=20000)
    path = tmp_path / "a.csv"
    undrawn.export_to(str(path))
    qtbot.waitUntil(path.exists, timeout=20000)
    assert path.read_text().startswith(undrawn.preview.text.toPlainText().split("\n")[0])


def test_grey_print_has_no_colour_and_the_lightness_of_the_colours(qtbot, dialog):
    choose(dialog.preview.vision, "grey")
    image = dialog.preview.view.image
    pixels = np.array(image.constBits()).reshape(image.height(), image.bytesPerLine())[:, : 4 * image.width()]
    pixels = pixels.reshape(image.height(), image.width(), 4)[..., :3].astype(int)
    assert np.ptp(pixels, axis=-1).max() == 0
    original = np.frombuffer(dialog.preview.view.picture.pixels, np.uint8).reshape(*pixels.shape[:2], 4)[..., :3] / 255
    light = np.where(original <= 0.04045, original / 12.92, ((original + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
    grey = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    assert np.abs(grey - pixels[..., 0]).max() <= 1.5  # 4096 steps of light are one or two of 256 of the darkest greys


def test_at_100_per_cent_an_inch_of_the_page_is_an_inch_of_the_screen(qtbot, dialog):
    view = dialog.preview.view
    drawn_again(qtbot, dialog, lambda: dialog.preview.zoom_buttons["real"].click())
    assert view.picture.columns == round(5.5 * view.real_dpi)
    assert view.sheet.place().width() == pytest.approx(5.5 * view.real_dpi, abs=1)


def test_on_the_page_it_is_a_column_wide(qtbot, dialog):
    view = dialog.preview.view
    drawn_again(qtbot, dialog, lambda: choose(dialog.form.page.venue, "cvpr"))
    drawn_again(qtbot, dialog, lambda: dialog.preview.set_zoom("page"))
    assert view.sheet.place().width() == pytest.approx(view.paper().column * view.paper_scale(), abs=1)
    drawn_again(qtbot, dialog, lambda: choose(dialog.form.page.columns, 2))
    assert view.sheet.place().width() == pytest.approx(view.paper().text[0] * view.paper_scale(), abs=1)


def test_a_mesh_is_previewed_as_the_surface_alone_whatever_was_chosen_for_figures(qtbot, make):
    views = ("both", "3d")
    asked = []

    def figure_of(view):
        asked.append(view)
        return SUBJECT.figure_of("3d" if view == "3d" else "2d")

    dialog = make(replace(SUBJECT, figure_of=figure_of, views=views))
    qtbot.waitUntil(lambda: dialog.preview.view.picture is not None, timeout=20000)
    drawn_again(qtbot, dialog, lambda: dialog.preview.set_zoom("page"))
    assert dialog.form.view.isVisible() and asked == ["both"]
    drawn_again(qtbot, dialog, lambda: dialog.form.format.choose(".glb"))
    assert dialog.preview.view.zoom == "fit" and not dialog.preview.zoom_box.isVisible()
    assert not dialog.form.view.isVisible() and dialog.rehearsal.order.view == "3d" and asked[-1] == "3d"
    drawn_again(qtbot, dialog, lambda: dialog.form.format.choose(".pdf"))
    assert dialog.preview.view.zoom == "page" and dialog.rehearsal.order.view == "both"


# what can be chosen


def test_a_figure_without_an_answer_is_offered_no_numbers(qtbot, make):
    dialog = make(Subject(figure_of=lambda view: SUBJECT.figure_of("2d")))
    assert ".pdf" in dialog.form.format.formats and ".csv" not in dialog.form.format.formats
    assert not dialog.form.view.isVisible()
    qtbot.waitUntil(lambda: dialog.preview.view.picture is not None, timeout=20000)


def test_another_colour_map_is_drawn_and_those_that_are_unsafe_in_grey_are_marked(qtbot, dialog):
    drawn_again(qtbot, dialog, lambda: choose(dialog.form.colours, "magma"))
    marks = [m for m in dialog.figure().panels[0].marks if isinstance(m, Surface)]
    assert [m.colour_map for m in marks] == ["magma"]
    texts = {dialog.form.colours.itemData(k): dialog.form.colours.itemText(k) for k in range(dialog.form.colours.count())}
    assert "not safe" in texts["turbo"] and "not safe" in texts["coolwarm"]
    assert not any("not safe" in texts[name] for name in ("viridis", "cividis", "magma", "inferno", "grey"))


def test_what_latex_lacks_is_said_where_it_cannot_be_chosen(qtbot, undrawn):
    page = undrawn.form.page
    row = page.font_field.findData("tex")
    page.say_no_tex("the program latex")
    assert not page.font_field.model().item(row).isEnabled()
    assert "the program latex" in page.font_field.itemData(row, Qt.ItemDataRole.ToolTipRole)
    page.say_no_tex("")
    assert page.font_field.model().item(row).isEnabled()


def test_settings_are_remembered_for_each_venue(qtbot, undrawn, make, tmp_path):
    page = undrawn.form.page
    choose(page.venue, "icml")
    choose(page.columns, 2)
    page.font_size.setValue(7.5)
    undrawn.form.format.choose(".svg")
    undrawn.export_to(str(tmp_path / "a.svg"))
    qtbot.waitUntil(lambda: not undrawn.isVisible(), timeout=20000)
    again = make()
    choice = again.form.page.choice()
    assert (choice.venue, choice.columns, choice.font_size, again.form.format.key) == ("icml", 2, 7.5, ".svg")
    choose(again.form.page.venue, "neurips")
    assert again.form.page.choice().font_size == 8.0


# writing


@pytest.mark.parametrize("suffix", [".pdf", ".svg", ".png", ".tiff", ".eps", ".csv", ".json", ".h5", ".txt"])
def test_every_kind_is_written(qtbot, make, session, tmp_path, suffix):
    dialog = make()
    said = []
    session.said.connect(said.append)
    dialog.form.format.choose(suffix)
    path = tmp_path / f"out{suffix}"
    dialog.export_to(str(path))
    qtbot.waitUntil(lambda: not dialog.isVisible(), timeout=20000)
    assert path.stat().st_size > 20
    assert f"Exported to {path}" in said[-1].text and said[-1].reveal == str(path)


def test_a_figure_is_written_as_the_command_line_writes_it(qtbot, dialog, tmp_path):
    path = tmp_path / "a.pdf"
    dialog.export_to(str(path))
    qtbot.waitUntil(path.exists, timeout=20000)
    assert path.read_bytes() == render(SUBJECT.figure_of("2d"), ".pdf", dialog.form.page.choice().setup())


def test_the_suffix_that_is_typed_decides(qtbot, undrawn, tmp_path):
    undrawn.export_to(str(tmp_path / "a.png"))
    qtbot.waitUntil(lambda: not undrawn.isVisible(), timeout=20000)
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"


def test_nothing_is_replaced_without_a_yes(qtbot, undrawn, tmp_path):
    path = tmp_path / "a.pdf"
    path.write_text("precious")
    asked = answer(qtbot, "Keep it")
    undrawn.export_to(str(path))
    assert "a.pdf, written today at" in asked[0]
    assert path.read_text() == "precious" and undrawn.isVisible()
    answer(qtbot, "Replace")
    undrawn.export_to(str(path))
    qtbot.waitUntil(lambda: not undrawn.isVisible(), timeout=20000)
    assert path.read_bytes()[:4] == b"%PDF"


def test_a_folder_that_is_not_there_is_a_sentence_and_the_dialog_stays(qtbot, undrawn, tmp_path):
    for suffix in (".pdf", ".csv"):
        undrawn.form.format.choose(suffix)
        undrawn.export_to(str(tmp_path / "missing" / f"a{suffix}"))
        qtbot.waitUntil(lambda: undrawn.wrong.isVisible() and not undrawn.writing, timeout=20000)
        assert "does not exist" in undrawn.wrong.text() and undrawn.isVisible()


def test_where_there_is_no_room_it_says_so_and_leaves_no_half_file(qtbot, undrawn, tmp_path):
    """A limit on the size of files answers a write as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        undrawn.export_to(str(tmp_path / "a.pdf"))
        qtbot.waitUntil(undrawn.wrong.isVisible, timeout=20000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "could not be written: File too large" in undrawn.wrong.text() and "Free some space" in undrawn.wrong.text()
    assert undrawn.isVisible() and [p.name for p in tmp_path.iterdir()] == ["config"]


def test_esc_stops_a_long_writing_and_nothing_is_left(qtbot, make, tmp_path):
    dialog = make(replace(SUBJECT, views=("3d",)))
    dialog.form.format.choose(".png")
    dialog.form.page.dpi.setValue(2000)
    dialog.export_to(str(tmp_path / "a.png"))
    assert dialog.writing and dialog.close_button.text() == "Cancel"
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not dialog.writing, timeout=20000)
    assert dialog.isVisible() and not dialog.wrong.isVisible()
    assert [p.name for p in tmp_path.iterdir()] == ["config"]
    dialog.form.page.dpi.setValue(100)
    dialog.export_to(str(tmp_path / "b.png"))
    qtbot.waitUntil((tmp_path / "b.png").exists, timeout=20000)


def test_enter_asks_for_a_name_made_of_what_is_shown_and_esc_closes(qtbot, undrawn, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(saving, "ask_path", lambda parent, settings, kind, name: asked.append(name + kind.suffix) or "")
    QTest.keyClick(undrawn.form.page.font_size, Qt.Key.Key_Return)
    assert asked == ["digits-mlp-surface-2d.pdf"]
    QTest.keyClick(undrawn, Qt.Key.Key_Escape)
    assert not undrawn.isVisible()


def test_every_field_has_a_name_and_is_reached_with_tab(qtbot, undrawn):
    fields = [w for kind in (QComboBox, QAbstractSpinBox, QCheckBox) for w in undrawn.form.findChildren(kind) if w.isVisible()]
    assert len(fields) > 12
    assert all(w.accessibleName() or w.text() for w in fields)
    reached, at = set(), undrawn.form.format
    for _ in range(80):
        reached.add(at)
        at = at.nextInFocusChain()
    assert set(fields) <= reached
    assert all(w.focusPolicy() & Qt.FocusPolicy.TabFocus for w in fields)


def test_keys_of_labels_differ(qtbot, undrawn):
    from PySide6.QtWidgets import QAbstractButton, QLabel

    labels = [w.text() for w in undrawn.findChildren(QLabel) if w.buddy() is not None]
    texts = labels + [w.text() for w in undrawn.findChildren(QAbstractButton)]
    keys = [text[text.index("&") + 1].upper() for text in texts if "&" in text.replace("&&", "")]
    assert len(keys) == len(set(keys)) > 12


# copying


def test_the_caption_is_copied_as_text_and_for_latex(qtbot, undrawn):
    undrawn.copying.caption.click()
    assert QGuiApplication.clipboard().text() == "A bowl of 100 % & more."
    undrawn.copying.latex.click()
    assert QGuiApplication.clipboard().text() == r"A bowl of 100 \% \& more."


def test_the_picture_is_copied_with_the_files_pixels(qtbot, undrawn):
    QGuiApplication.clipboard().clear()
    undrawn.copying.picture.click()
    qtbot.waitUntil(lambda: not QGuiApplication.clipboard().image().isNull(), timeout=20000)
    image: QImage = QGuiApplication.clipboard().image()
    assert image.width() == 1650


# in the window


def test_export_again_writes_what_is_shown_now_to_the_same_file_after_asking(qtbot, window, tmp_path):
    window.open_paths(["a.pt"])
    session = window.session
    qtbot.waitUntil(lambda: session.shown is not None and not session.shown.partial, timeout=5000)
    session.drawing.last = None
    taking_away.export(window)
    dialog = window.findChild(ExportDialog)
    path = tmp_path / "a.csv"
    dialog.form.format.choose(".csv")
    dialog.export_to(str(path))
    qtbot.waitUntil(path.exists, timeout=20000)
    qtbot.waitUntil(lambda: window.findChild(ExportDialog) is None, timeout=5000)
    before = path.read_text()
    inquiry = session.ask(Bowl(steps=(5, 4)))
    qtbot.waitUntil(lambda: inquiry.state == "done", timeout=5000)
    asked = answer(qtbot, "Replace")
    window.actions_by_name["export_again"].trigger()
    qtbot.waitUntil(lambda: path.read_text() != before, timeout=20000)
    assert asked and len(path.read_text().splitlines()) == 21


def test_the_window_offers_the_views_of_what_it_shows(qtbot, window):
    window.open_paths(["a.pt"])
    qtbot.waitUntil(lambda: window.session.shown is not None and not window.session.shown.partial, timeout=5000)
    window.set_view("2d")
    taking_away.export(window)
    dialog = window.findChild(ExportDialog)
    assert dialog.form.shown_view == "2d"
    assert {dialog.form.view.itemData(k) for k in range(dialog.form.view.count())} == {"both", "3d", "2d", "chart"}
    choose(dialog.form.view, "both")
    assert [panel.view for panel in dialog.figure().panels] == ["3d", "2d"]
    dialog.reject()


# words


def test_names_sizes_and_dates():
    assert suggested_name("samples:digits mlp/7", "surface", "3d") == "digits-mlp-7-surface-3d"
    assert suggested_name("run.v2.h5", "surface", "both") == "run.v2-surface"
    assert suggested_name("", "", "") == "landscape"
    assert with_suffix("fig.v2", ".pdf").name == "fig.v2.pdf"
    assert with_suffix("fig.SVG", ".pdf").name == "fig.SVG"
    assert [size_words(n) for n in (12, 3210, 4_560_000)] == ["12 bytes", "3.21 kB", "4.56 MB"]


def test_what_is_there_is_named_with_its_date(tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(bytes(2000))
    os.utime(path, (datetime.datetime(2026, 3, 1, 9, 5).timestamp(),) * 2)
    assert over_words(path, datetime.datetime(2026, 3, 2, 1)) == "a.pdf, written yesterday at 09:05 (2 kB)"
    assert over_words(path, datetime.datetime(2026, 4, 2)) == "a.pdf, written on 2026-03-01 at 09:05 (2 kB)"


def test_settings_that_make_no_sense_are_passed_over(qtbot, make):
    settings = Settings()
    settings.set("export/venue", "nowhere")
    settings.set("export/page_any", '{"dpi": -3, "font": "comic"}')
    settings.set("export/suffix", ".exe")
    dialog = make()
    assert dialog.form.page.choice().venue == ""
    assert dialog.form.page.choice().dpi == 300
    assert dialog.form.format.key == ".pdf"


def test_a_window_of_another_size_has_a_picture_of_another_size(qtbot, dialog):
    view = dialog.preview.view
    drawn_again(qtbot, dialog, lambda: dialog.resize(dialog.width() + 200, dialog.height() + 200))
    assert max(view.picture.columns / view.room()[0], view.picture.rows / view.room()[1]) == pytest.approx(1, abs=0.01)


def test_animations_have_a_dialog_of_their_own(qtbot, make, monkeypatch):
    opened = []
    dialog = make()
    dialog.form.format.choose(".gif")
    qtbot.waitUntil(lambda: "up" in dialog.save.text(), timeout=5000)
    monkeypatch.setitem(sys.modules, "landscape_gui.ui.animation_dialog", None)
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert "cannot be made here" in dialog.wrong.text()
    keep = lambda session, subject, parent, suffix: opened.append((subject, suffix)) or QDialog(parent)  # noqa: E731
    own = SimpleNamespace(AnimationDialog=keep)
    monkeypatch.setitem(sys.modules, "landscape_gui.ui.animation_dialog", own)
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert opened == [(SUBJECT, ".gif")] and not dialog.isVisible()


def test_the_suffix_of_an_animation_that_is_typed_opens_its_dialog(qtbot, undrawn, monkeypatch, tmp_path):
    opened = []
    own = SimpleNamespace(AnimationDialog=lambda session, subject, parent, suffix: opened.append(suffix) or QDialog(parent))
    monkeypatch.setitem(sys.modules, "landscape_gui.ui.animation_dialog", own)
    undrawn.export_to(str(tmp_path / "a.webp"))
    assert opened == [".webp"] and not undrawn.isVisible()


def test_a_surface_is_written_as_loss_landscape_reads_it(qtbot, undrawn, tmp_path):
    assert undrawn.form.format.choose(".h5:loss-landscape")
    undrawn.export_to(str(tmp_path / "a.h5"))
    qtbot.waitUntil(lambda: not undrawn.isVisible(), timeout=20000)
    again = read_surface(tmp_path / "a.h5")
    np.testing.assert_array_equal(again.quantities["train_loss"].values, RESULT.quantities["train_loss"].values)
