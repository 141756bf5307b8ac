"""Where one is on which path, and the model there: in the helper's thread, the latest place first."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from pairs import net, opener
from ways import Paths, Trainer, Ways, connection

from landscape_gui.ui.documents import Document, Shown
from landscape_gui.ui.services import Services
from landscape_gui.ui.way import REST, Way


@pytest.fixture
def ways():
    return Ways()


@pytest.fixture
def services(ways):
    return Services(opener=opener, answerer=Trainer(), probes=lambda: {"connect": Paths}, way=ways)


@pytest.fixture
def way(session):
    return Way(session)


@pytest.fixture
def shown(session):
    document = Document(path="a.pt", state="ready", problem=net("a.pt"))
    session.documents.append(document)
    probe = Paths(path=("line", "bezier", "chain"))
    return Shown(probe=probe, result=connection(probe, *probe.path), document=document)


def settled(qtbot, way):
    qtbot.waitUntil(lambda: way.result is not None and way.result.t == way.t and not way._busy, timeout=5000)


def test_the_model_where_the_handle_is_is_looked_at(qtbot, way, shown):
    way.follow(shown, "line")
    settled(qtbot, way)
    assert float(way.result.quantities["train_loss"].values) == 1.5
    way.move(0.25)
    settled(qtbot, way)
    assert float(way.result.quantities["train_loss"].values) == 1.25
    assert way.t == 0.25 and not way.rough


def test_places_beyond_what_was_measured_are_not_gone_to(qtbot, way, shown):
    way.follow(shown, "line")
    for asked, t in ((-0.3, 0.0), (1.2, 1.0)):
        way.move(asked)
        assert way.t == t


def test_of_many_places_the_latest_is_looked_at_and_nothing_waits_in_a_queue(qtbot, way, shown, ways):
    gate = ways.how["gate"] = threading.Event()
    gate.set()
    way.follow(shown, "line")
    settled(qtbot, way)
    gate.clear()
    for k in range(1, 40):
        way.move(0.5 + k / 100)
    assert way.result.t == 0.5 and way.t == 0.89
    gate.set()
    settled(qtbot, way)
    assert ways.made["line"].asked == [0.5, 0.51, 0.89]


def test_a_quick_look_at_a_part_is_followed_by_all_data_once_the_handle_rests(qtbot, way, shown, ways):
    ways.how["rough"] = True
    way.follow(shown, "line")
    qtbot.waitUntil(lambda: way.result is not None, timeout=5000)
    assert way.rough and float(way.result.quantities["train_loss"].values) == 7.0
    assert ways.made["line"].asked == []
    qtbot.waitUntil(lambda: not way.rough, timeout=REST + 5000)
    assert float(way.result.quantities["train_loss"].values) == 1.5 and ways.made["line"].asked == [0.5]


def test_a_look_at_all_data_is_given_up_as_soon_as_the_handle_moves_on(qtbot, way, shown, ways):
    ways.how |= {"rough": True, "slow": threading.Event()}
    way.follow(shown, "line")
    qtbot.waitUntil(lambda: bool(ways.made) and ways.made["line"].begun == [0.5], timeout=REST + 5000)
    way.move(0.7)
    qtbot.waitUntil(lambda: way.result.t == 0.7, timeout=5000)
    assert way.rough and ways.made["line"].asked == [], "the first look never came to its end"
    ways.how["slow"].set()
    qtbot.waitUntil(lambda: not way.rough, timeout=REST + 5000)
    assert ways.made["line"].asked == [0.7]


def test_news_of_a_path_that_was_left_meanwhile_are_dropped(qtbot, way, shown, ways):
    gate = ways.how["gate"] = threading.Event()
    way.follow(shown, "line")
    qtbot.waitUntil(lambda: bool(ways.made) and ways.made["line"].asked == [0.5], timeout=5000)
    way.follow(shown, "bezier")
    gate.set()
    settled(qtbot, way)
    assert way.result.path == "bezier"


def test_a_place_that_another_path_does_not_reach_is_left(way, shown):

    probe = replace(shown.probe, path=("line",))
    longer = replace(shown.result.paths["line"], t=np.linspace(-1, 2, 5))
    way.follow(replace(shown, probe=probe, result=replace(shown.result, paths={"line": longer})), "line")
    way.move(1.5)
    assert way.t == 1.5 and way.ends == (-1, 2)
    way.follow(shown, "line")
    assert way.t == 1.0


def test_standing_still_tells_nothing(way, shown):
    way.follow(shown, "line")
    told = []
    way.changed.connect(lambda: told.append(way.t))
    way.move(0.5)
    assert told == []


def test_another_path_has_other_models_and_the_place_stays(qtbot, way, shown, ways):
    way.follow(shown, "line")
    way.move(0.75)
    settled(qtbot, way)
    way.follow(shown, "bezier")
    assert way.result is None and way.t == 0.75
    settled(qtbot, way)
    assert way.result.path == "bezier" and list(ways.made) == ["line", "bezier"]


def test_more_of_the_same_answer_leaves_the_models_as_they_are(qtbot, way, shown, ways):
    way.follow(shown, "line")
    settled(qtbot, way)
    before = ways.made["line"]
    more = Shown(probe=shown.probe, result=connection(shown.probe, "line", "bezier"), document=shown.document)
    way.follow(more, "line")
    assert way.result is not None
    way.move(0.1)
    settled(qtbot, way)
    assert ways.made["line"] is before


def test_a_path_that_is_being_trained_is_waited_for(qtbot, way, shown, ways):
    partial = Shown(probe=shown.probe, result=connection(shown.probe, "line", "bezier", complete=False), document=shown.document)
    way.follow(partial, "bezier")
    assert not way.open
    way.move(0.3)
    way.follow(shown, "bezier")
    assert way.open
    settled(qtbot, way)
    assert way.result.t == 0.3


def test_a_path_that_is_lost_is_a_sentence_and_the_others_go_on(qtbot, way, shown):
    way.follow(shown, "chain")
    qtbot.waitUntil(lambda: bool(way.trouble), timeout=5000)
    assert way.trouble == "The curve is not in the store any more." and way.result is None
    way.follow(shown, "line")
    assert way.trouble == ""
    settled(qtbot, way)


def test_an_answer_without_its_model_has_no_models_on_the_way(way, shown):
    shown.document.problem = None
    way.follow(shown, "line")
    assert not way.open and not way._busy


def test_the_model_there_is_saved_and_stands_in_the_library(qtbot, session, way, shown, tmp_path):
    session.current, session.shown = shown.document, shown
    way.follow(shown, "bezier")
    settled(qtbot, way)
    path = tmp_path / "half.safetensors"
    said = []
    session.said.connect(said.append)
    way.save(str(path))
    qtbot.waitUntil(lambda: any(d.path == str(path) and d.state == "ready" for d in session.documents), timeout=5000)
    assert path.read_text() == "bezier at 0.5" and session.documents[-1].name == "half"
    assert session.current is shown.document, "what is shown stays"
    assert said[0].text.startswith("The model at t = 0.5 is saved in") and said[0].reveal == str(path)
    assert session.inquiries == [], "the new one is opened and not asked about"


def test_what_was_saved_and_cannot_be_read_is_a_sentence(qtbot, session, way, shown, tmp_path):
    way.follow(shown, "line")
    settled(qtbot, way)
    said = []
    session.said.connect(said.append)
    way.save(str(tmp_path / "lost.safetensors"))
    qtbot.waitUntil(lambda: len(said) == 2, timeout=5000)
    assert said[1].level == "error" and "is not there" in said[1].text
    assert session.documents == [shown.document]
    way.save(str(tmp_path / "nowhere" / "x.safetensors"))
    qtbot.waitUntil(lambda: len(said) == 3, timeout=5000)
    assert said[2].level == "error"


def test_nothing_is_looked_at_once_the_window_is_closed(qtbot, session, way, shown):
    session.closed = True
    way.follow(shown, "line")
    assert not way._busy
