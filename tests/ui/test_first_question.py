"""The first question of a problem: at the size that was measured, before anything else is asked, unless its card names one."""

import dataclasses
import threading

import pytest
from bowls import Bowl, make_problem

from landscape_gui.probes.base import Cost
from landscape_gui.ui.question_panel import cost_text
from landscape_gui.ui.services import Services


class Sizer:
    def __init__(self):
        self.gate, self.asked, self.fails = threading.Event(), [], False
        self.gate.set()

    def sized(self, probe, problem):
        self.asked.append(probe)
        assert self.gate.wait(10)
        if self.fails:
            raise RuntimeError("no time can be measured")
        return dataclasses.replace(probe, steps=(9, 9))


@pytest.fixture
def sizer():
    sizer = Sizer()
    yield sizer
    sizer.gate.set()


@pytest.fixture
def services(gate, sizer):
    def bare(path, *, trusted, code=None):
        problem = make_problem(path)
        problem.defaults = {"steps": [21, 11]} if "card" in path else {}
        return problem

    return Services(opener=bare, answerer=gate.answer, probes=lambda: {"surface": Bowl}, sized=sizer.sized)


def test_the_first_question_has_the_size_that_was_measured(qtbot, session, sizer):
    session.open(["net.pt"])
    qtbot.waitUntil(lambda: bool(session.inquiries), timeout=5000)
    assert [i.probe.steps for i in session.inquiries] == [(9, 9)] and sizer.asked == [Bowl()]


def test_a_size_that_a_card_names_is_asked_as_it_is(qtbot, session, sizer):
    session.open(["card.pt"])
    qtbot.waitUntil(lambda: bool(session.inquiries), timeout=5000)
    assert session.inquiries[0].probe.steps == (21, 11) and sizer.asked == []


def test_where_it_cannot_be_measured_the_usual_is_asked(qtbot, session, sizer):
    sizer.fails = True
    session.open(["net.pt"])
    qtbot.waitUntil(lambda: bool(session.inquiries), timeout=5000)
    assert session.inquiries[0].probe == Bowl()


def test_a_checkpoint_closed_meanwhile_is_asked_nothing(qtbot, session, sizer):
    sizer.gate.clear()
    session.open(["net.pt"])
    qtbot.waitUntil(lambda: bool(sizer.asked), timeout=5000)
    session.close(session.documents[0])
    sizer.gate.set()
    session.open(["other.pt"])
    qtbot.waitUntil(lambda: bool(session.inquiries), timeout=5000)
    assert [i.document.path for i in session.inquiries] == ["other.pt"]


def test_the_foot_of_the_form_says_what_the_usual_size_would_take():
    cost = Cost(points=441, examples=1000, seconds=200.0, finer=("51 × 51", 1200.0))
    assert cost_text(cost) == "441 points on 1,000 examples, about 3 min 20 s; 51 × 51 would take about 20 min"
    assert "would take" not in cost_text(Cost(points=441, examples=1000, seconds=200.0))
