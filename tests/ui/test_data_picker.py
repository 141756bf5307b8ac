"""A checkpoint without data asks for some; what is seen of them; and the question that follows once they are chosen."""

import dataclasses
import threading

import numpy as np
import pytest
from bowls import Bowl, make_problem, opener, shown_whole
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QDialog

from landscape_gui import app
from landscape_gui.data_choice import DataChoice, DataNeeded, Example, Preview, Tried
from landscape_gui.errors import ProblemError
from landscape_gui.ui.balance_bars import BalanceBars
from landscape_gui.ui.data_preview import doubt_of, how_it_fares, what_they_are
from landscape_gui.ui.example_tiles import ExampleTiles, caption
from landscape_gui.ui.services import Services
from landscape_gui.ui.session import Session
from landscape_gui.ui.settings import Settings
from landscape_gui.ui.window import Window

RED = np.zeros((4, 4, 3), np.uint8) + np.array([200, 10, 30], np.uint8)


def seen(choice, **changes):
    made = Preview(
        problem=make_problem(choice.path),
        choice=choice,
        kind="images",
        shape=(3, 4, 4),
        splits={"train": 60, "test": 20},
        examples=tuple(Example(picture=RED, label="cat", prediction="dog", share=0.6, right=False) for _ in range(9)),
        counts=(40, 20),
        classes=("cat", "dog"),
        tried=(Tried(name="none", loss=2.0, accuracy=0.4), Tried(name="mnist", loss=0.5, accuracy=0.9)),
        few=60,
        notes=("Pixels were divided by 255.",),
    )
    return dataclasses.replace(made, **changes)


OPEN = threading.Event()
OPEN.set()


class Reader:
    """Previews, each path's as soon as its gate is open; what was asked for and what was kept."""

    def __init__(self):
        self.asked, self.kept, self.gates = [], [], {}
        self.known, self.tried = {}, ()
        self.beside = None

    def preview(self, path, choice, trusted):
        self.asked.append((path, choice))
        assert self.gates.get(choice.path, OPEN).wait(10)
        if "wrong" in choice.path:
            raise ProblemError(f"{choice.path} holds nothing.", remedy="Give another.")
        return seen(choice, **({"tried": self.tried} if self.tried else {}))

    def keep(self, path, choice):
        self.kept.append((path, choice))


@pytest.fixture
def reader():
    reader = Reader()
    yield reader
    for gate in reader.gates.values():
        gate.set()


@pytest.fixture
def services(gate, reader):
    def bare_opener(path, *, trusted, code=None):
        if "bare" in path:
            raise DataNeeded(f"{path} has no data to compute a loss on.", remedy="Name the data with --data.")
        return opener(path, trusted=trusted, code=code)

    return Services(
        opener=bare_opener,
        answerer=gate.answer,
        probes=lambda: {"surface": Bowl},
        preview=reader.preview,
        known_data=reader.known.get,
        data_beside=lambda path: reader.beside,
        keep_data=reader.keep,
    )


@pytest.fixture
def picker(qtbot, window):
    window.open_paths(["bare.pt"])
    qtbot.waitUntil(lambda: window.findChild(QDialog, "data_picker") is not None, timeout=5000)
    picker = window.findChild(QDialog, "data_picker")
    yield picker
    if picker in window.findChildren(QDialog):
        picker.reject()
        qtbot.waitUntil(lambda: window.findChild(QDialog, "data_picker") is None, timeout=5000)


def looked(qtbot, picker):
    qtbot.waitUntil(lambda: picker.use.isEnabled(), timeout=5000)


def test_a_checkpoint_without_data_is_asked_about_and_nothing_is_computed_before(qtbot, window, picker, gate, reader):
    assert window.session.current.state == "opening"
    assert not picker.use.isEnabled()
    picker.choose("/d/images")
    looked(qtbot, picker)
    assert reader.asked == [("bare.pt", DataChoice(path="/d/images"))]
    assert len(picker.page.tiles.examples) == 9
    assert "train 60, test 20 examples of 3 × 4 × 4" in picker.page.what.text()
    assert "40.0 % right, loss 2" in picker.page.fares.text()
    assert "from 20 examples (dog) to 40 (cat), in train" in picker.page.classes.text()
    assert "divided by 255" in picker.page.notes.text()
    assert gate.asked == []


def test_what_was_chosen_is_asked_about_and_remembered(qtbot, window, picker, gate, reader):
    picker.choose("/d/images")
    looked(qtbot, picker)
    picker.use.click()
    qtbot.waitUntil(lambda: shown_whole(window.session), timeout=5000)
    assert gate.asked == [Bowl(steps=(21, 11))]
    assert window.session.current.problem.title == "net of /d/images"
    assert ("bare.pt", DataChoice(path="/d/images")) in reader.kept


def test_a_better_normalisation_is_one_press_away(qtbot, picker, reader):
    picker.choose("/d/images")
    looked(qtbot, picker)
    assert "MNIST's normalisation: 90.0 % right" in picker.page.better.text()
    assert "90.0 % right" in picker.fields.normalise.itemText(picker.fields.normalise.findData("mnist"))
    reader.gates["/d/images"] = threading.Event()
    picker.page.better.click()
    assert not picker.use.isEnabled()
    qtbot.waitUntil(lambda: len(reader.asked) == 2, timeout=5000)
    assert picker.preview is None and picker.page.seen.problem is None  # there may be no room for two
    reader.gates["/d/images"].set()
    looked(qtbot, picker)
    assert reader.asked[-1][1].normalise == "mnist" == picker.preview.choice.normalise
    assert not picker.page.better.isVisibleTo(picker.page)


def test_data_are_read_as_last_time(qtbot, picker, reader):
    reader.known["/d/images"] = DataChoice(path="/d/images", normalise="mnist", size=28)
    picker.choose("/d/images")
    looked(qtbot, picker)
    assert [choice for _, choice in reader.asked] == [DataChoice(path="/d/images", normalise="mnist", size=28)]


def test_data_of_a_neighbour_are_offered_and_not_taken_unasked(qtbot, window, reader, gate):
    reader.beside = DataChoice(path="/d/beside", normalise="mnist")
    window.open_paths(["bare.pt"])
    qtbot.waitUntil(lambda: window.findChild(QDialog, "data_picker") is not None, timeout=5000)
    picker = window.findChild(QDialog, "data_picker")
    looked(qtbot, picker)
    assert picker.path.text() == "/d/beside"
    assert gate.asked == [] and reader.kept == []
    picker.reject()


def test_a_normalisation_that_came_with_the_checkpoint_stands_until_another_is_chosen(qtbot, picker, reader):
    reader.tried = (Tried(name="", loss=0.3, accuracy=0.95), Tried(name="none", loss=2.0, accuracy=0.4))
    picker.choose("/d/images")
    looked(qtbot, picker)
    assert picker.fields.normalise.currentText() == "the checkpoint's own:  95.0 % right"
    assert "95.0 % right" in picker.page.fares.text() and not picker.page.better.isVisibleTo(picker.page)
    assert picker.choice.normalise == ""
    picker.fields.choose_normalisation("none")
    qtbot.waitUntil(lambda: len(reader.asked) == 2 and picker.use.isEnabled(), timeout=5000)
    assert reader.asked[-1][1].normalise == "none"


def test_what_cannot_be_read_is_said_in_the_dialog(qtbot, picker, reader):
    picker.choose("/d/wrong")
    qtbot.waitUntil(lambda: picker.wrong.isVisible(), timeout=5000)
    assert picker.wrong.text() == "/d/wrong holds nothing. Give another."
    assert not picker.use.isEnabled()
    picker.choose("/d/images")
    looked(qtbot, picker)
    assert not picker.wrong.isVisible()


def test_no_data_chosen_is_the_sentence_that_it_was(qtbot, window, picker):
    picker.reject()
    qtbot.waitUntil(lambda: window.session.documents == [], timeout=5000)
    assert any("bare.pt has no data" in text and "--data" in text for text in window.messages.texts)


def test_an_answer_to_what_is_no_longer_asked_is_dropped(qtbot, window, picker, reader):
    reader.gates = {"/d/first": threading.Event(), "/d/second": threading.Event()}
    picker.choose("/d/first")
    qtbot.waitUntil(lambda: len(reader.asked) == 1, timeout=5000)
    picker.choose("/d/second")
    reader.gates["/d/first"].set()
    qtbot.waitUntil(lambda: len(reader.asked) == 2, timeout=5000)
    window.session.mailbox.deliver()  # the first answer came before the second was asked for
    assert picker.preview is None and not picker.use.isEnabled()
    reader.gates["/d/second"].set()
    looked(qtbot, picker)
    assert picker.preview.choice.path == "/d/second"


def test_data_can_be_dropped(qtbot, picker):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile("/d/dropped")])
    event = QDropEvent(
        QPointF(QPoint(30, 30)), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    picker.dropEvent(event)
    looked(qtbot, picker)
    assert picker.preview.choice.path == "/d/dropped"


def test_other_data_for_an_open_checkpoint(qtbot, window, gate):
    action = window.actions_by_name["data"]
    assert not action.isEnabled()
    window.open_paths(["a.pt"])
    qtbot.waitUntil(lambda: shown_whole(window.session), timeout=5000)
    assert action.isEnabled()
    action.trigger()
    picker = window.findChild(QDialog, "data_picker")
    picker.choose("/d/other")
    looked(qtbot, picker)
    picker.use.click()
    qtbot.waitUntil(lambda: window.session.current.problem.title == "net of /d/other", timeout=5000)
    qtbot.waitUntil(lambda: len(gate.asked) == 2 and shown_whole(window.session), timeout=5000)
    assert len(window.session.documents) == 1


def test_cancelling_leaves_an_open_checkpoint_as_it_is(qtbot, window):
    window.open_paths(["a.pt"])
    qtbot.waitUntil(lambda: shown_whole(window.session), timeout=5000)
    window.actions_by_name["data"].trigger()
    window.findChild(QDialog, "data_picker").reject()
    assert window.session.current.problem.title == "net of a.pt"


def test_fields_are_those_that_say_something_of_the_data(qtbot, picker, tmp_path):
    for name, shown in (("d.csv", "target"), ("t.txt", "block"), ("i.zip", "size_box")):
        picker.fields.show_choice(DataChoice(path=str(tmp_path / name)))
        for field in ("target", "block", "size_box"):
            assert getattr(picker.fields, field).isVisible() == (field == shown)
    choice = DataChoice(path="/d/t.csv", target="b")
    picker.fields.show_preview(seen(choice, kind="numbers", columns=("a", "b"), target="b"))
    assert [picker.fields.target.itemText(i) for i in range(2)] == ["a", "b"]
    assert picker.fields.choice("/d/t.csv") == DataChoice(path="/d/t.csv", normalise="none", target="b")


def pixel(widget, x, y):
    return widget.grab().toImage().pixelColor(round(x), round(y))


def test_tiles_paint_pictures_values_and_texts(qtbot, dressed):
    tiles = ExampleTiles()
    qtbot.addWidget(tiles)
    tiles.resize(450, 450)
    ramp = np.linspace(-1, 1, 100)
    tiles.show_examples(
        [Example(picture=RED), Example(values=ramp), Example(values=np.array([np.nan])), Example(text="abc"), Example()]
    )
    tiles.show()
    middle = tiles.tile(0).center()
    assert pixel(tiles, middle.x(), middle.y() - 20).getRgb()[:3] == (200, 10, 30)
    assert tiles.tile(8).bottom() <= 450


def test_captions():
    assert caption(Example(label="7", prediction="7", share=0.994, right=True)) == ("7", "right, 99 %")
    assert caption(Example(label="7", prediction="1", share=0.61, right=False)) == ("7", "said 1, 61 %")
    assert caption(Example(label="2.5", prediction="2.61")) == ("2.5", "gives 2.61")
    assert caption(Example(label="2.5")) == ("2.5", "")
    assert caption(Example(text="abc", label="'d'", prediction="'d'", share=0.5, right=True)) == ("next 'd'", "right, 50 %")
    assert caption(Example(text="abc", label="good", prediction="good", right=True, whole=True)) == ("good", "right")


def test_bars_are_as_tall_as_there_are_examples(qtbot, dressed):
    bars = BalanceBars()
    qtbot.addWidget(bars)
    bars.resize(200, 100)
    bars.show_counts((10, 5, 0), ("a",))
    assert bars.bar(0).height() == pytest.approx(2 * bars.bar(1).height())
    assert bars.bar(2).height() == 0
    assert bars.sentence == "3 classes: from 0 examples (2) to 10 (a)"
    bars.show_counts((1200,), ("<b>x</b>",))
    assert bars.tip(0) == "<qt>&lt;b&gt;x&lt;/b&gt;: 1,200 examples</qt>"
    bars.show_counts((7, 7), ())
    assert bars.sentence == "2 classes of 7 examples each"
    bars.show_counts((), ())
    assert bars.sentence == ""
    bars.grab()


def test_chance_is_doubted_and_more_than_chance_is_not():
    choice = DataChoice(path="/d", normalise="none")
    low = seen(choice, tried=(Tried(name="none", loss=2.0, accuracy=0.66),))
    assert "That is chance" in doubt_of(low) and "normalised in training" in doubt_of(low)
    assert doubt_of(seen(choice, tried=(Tried(name="none", loss=0.2, accuracy=0.95),))) == ""
    text = seen(choice, kind="texts", shape=(128,), splits={"data": 1234})
    assert what_they_are(text) == "1,234 blocks of 128 tokens"
    assert how_it_fares(text) == "Of the tokens of 60 blocks: 40.0 % right, loss 2, perplexity 7.389."


def test_the_real_program_opens_weights_with_chosen_data_and_knows_them_again(qtbot, dressed, tmp_path):
    import torch

    torch.manual_seed(0)
    x = torch.randn(60, 6)
    net = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    torch.save(net.state_dict(), tmp_path / "net.pt")
    rows = "\n".join(",".join([*(f"{v:.5f}" for v in row), "abc"[int(row[:3].argmax())]]) for row in x)
    (tmp_path / "d.csv").write_text(f"u,v,w,p,q,r,kind\n{rows}\n")
    window = Window(Session(app.services(), Settings()))
    with qtbot.waitSignal(window.stage_ready, timeout=20000):
        window.show()
    try:
        session = window.session
        window.open_paths([str(tmp_path / "net.pt")])
        qtbot.waitUntil(lambda: window.findChild(QDialog, "data_picker") is not None, timeout=60000)
        picker = window.findChild(QDialog, "data_picker")
        picker.choose(str(tmp_path / "d.csv"))
        qtbot.waitUntil(lambda: picker.use.isEnabled(), timeout=60000)
        assert picker.page.balance.names == ("a", "b", "c")
        few = picker.preview.now
        picker.use.click()
        qtbot.waitUntil(lambda: session.current is not None and session.current.state == "ready", timeout=60000)
        assert few.loss == pytest.approx(session.current.facts["data_loss"], rel=1e-5)
        document = session.current
        session.close(document)
        session.open([str(tmp_path / "net.pt")], asks=False)
        qtbot.waitUntil(lambda: session.current is not None and session.current.state == "ready", timeout=60000)
        assert session.current.problem.fingerprint == document.problem.fingerprint
        assert window.findChild(QDialog, "data_picker") is None
    finally:
        window.close()
        window.session.shut()
        window.deleteLater()
