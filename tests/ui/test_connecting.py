"""Which models are connected, what is asked then, and the sentences for those that are not."""

import dataclasses

import pytest
from pairs import Among, Between, opener, zeros

from landscape_gui.ui.connecting import Connecting, misfit, name_of, same
from landscape_gui.ui.documents import Answer, Document
from landscape_gui.ui.services import Services

PROBES = {"connect": Between, "barriers": Among}


@pytest.fixture
def services():
    return Services(opener=opener, answerer=zeros, probes=lambda: PROBES)


@pytest.fixture
def connecting(session):
    return Connecting(session)


@pytest.fixture
def said(session):
    messages = []
    session.said.connect(messages.append)
    return messages


def opened(qtbot, session, *paths):
    found = session.open(list(paths), asks=False)
    qtbot.waitUntil(lambda: all(d.state == "ready" for d in found), timeout=5000)
    return found


def asked(qtbot, session):
    qtbot.waitUntil(lambda: bool(session.inquiries), timeout=5000)
    return session.inquiries[-1]


def test_two_models_are_asked_about_the_path_from_the_first_to_the_second(qtbot, session, connecting, said):
    a, b = opened(qtbot, session, "a.pt", "b.pt")
    connecting.connect_models([a, b])
    inquiry = asked(qtbot, session)
    assert inquiry.document is a and session.current is a
    assert isinstance(inquiry.probe, Between) and inquiry.probe.towards.digest == f"{'b':0<32}"
    assert said == []


def test_more_than_two_are_asked_about_the_barriers_between_all_of_them(qtbot, session, connecting):
    a, b, c = opened(qtbot, session, "a.pt", "b.pt", "c.pt")
    connecting.connect_models([c, a, b])
    inquiry = asked(qtbot, session)
    assert inquiry.document is c and inquiry.probe.name == "barriers"
    assert [r.label for r in inquiry.probe.others] == ["a", "b"]


def test_models_that_are_still_being_opened_are_waited_for(qtbot, session, connecting):
    a, b = session.open(["a.pt", "b.pt"], asks=False)
    assert a.state == "opening"
    connecting.connect_models([a, b])
    assert session.inquiries == []
    assert asked(qtbot, session).document is a


def test_a_runs_checkpoint_is_opened_where_a_path_begins_with_it(qtbot, session, connecting):
    (b,) = opened(qtbot, session, "b.pt")
    connecting.connect_models(["run/epoch2.pt", b])
    inquiry = asked(qtbot, session)
    assert inquiry.document.path == "run/epoch2.pt" and inquiry.document in session.documents
    assert inquiry.probe.towards.label == "b"


def test_nothing_else_is_asked_of_a_model_that_was_opened_to_be_connected(qtbot, session, connecting):
    session.open(["a.pt", "b.pt"])
    connecting.connect_models([session.documents[1], session.documents[0]])
    asked(qtbot, session)
    qtbot.waitUntil(lambda: not any(i.live for i in session.inquiries), timeout=5000)
    assert [i.probe.towards.label for i in session.inquiries] == ["a"]


@pytest.mark.parametrize(
    ("paths", "sentence"),
    [
        (["a.pt", "wide.pt"], "a and wide are different architectures: fc1.weight is of shape [16, 64] in the first and of shape"),
        (["a.pt", "a.pt"], "a cannot be connected with itself."),
        (["a.pt"], "Two models are needed."),
        (["a.pt", "a copy.pt"], "a and a copy hold the same weights: there is nothing between them."),
    ],
)
def test_pairs_that_do_not_go_together_are_a_sentence(qtbot, session, connecting, said, paths, sentence):
    found = opened(qtbot, session, *dict.fromkeys(paths))
    connecting.connect_models([next(d for d in found if d.path == p) for p in paths])
    qtbot.waitUntil(lambda: bool(said), timeout=5000)
    assert said[0].text.startswith(sentence) and said[0].level == "warning" and said[0].remedy
    assert session.inquiries == []


def test_a_file_that_does_not_fit_is_told_of_when_it_is_read(qtbot, session, connecting, said):
    (a,) = opened(qtbot, session, "a.pt")
    for path, words in (("wide2.pt", "fc1.weight is of another shape"), ("lost.pt", "lost.pt is not there")):
        said.clear()
        connecting.connect_models([a, path])
        qtbot.waitUntil(lambda: bool(said), timeout=5000)
        assert words in said[0].text
    assert session.inquiries == []


def test_an_answer_without_its_model_is_connected_with_none(qtbot, session, connecting, said):
    (a,) = opened(qtbot, session, "a.pt")
    alone = Document(path="answer.h5", state="ready", answers=[Answer(key="", probe="surface", title="answer.h5")])
    session.documents.append(alone)
    assert connecting.words([a], alone) == ("answer.h5 is an answer without its model.", False)
    connecting.connect_models([a, alone])
    assert said[0].text == "answer.h5 is an answer without its model."


def test_a_model_that_was_closed_meanwhile_is_not_asked_about(qtbot, session, connecting, said):
    a, b = session.open(["a.pt", "b.pt"], asks=False)
    connecting.connect_models([a, b])
    session.close(a)
    qtbot.waitUntil(lambda: bool(said), timeout=5000)
    assert said[0].text == "a.pt was closed." and session.inquiries == []


def test_what_letting_go_would_do_is_said_before(qtbot, session, connecting):
    a, b, c, wide = opened(qtbot, session, "a.pt", "b.pt", "c.pt", "wide.pt")
    assert connecting.words([a], b) == ("Connect a with b", True)
    assert connecting.words([a, b], c) == ("Barriers between 3 models: a, b and c", True)
    assert connecting.words([a], None) == ("Let a go on another model, to connect them.", False)
    assert connecting.words([a], a) == ("a cannot be connected with itself: choose another model.", False)
    words, fits = connecting.words([a], wide)
    assert not fits and words.startswith("a and wide are different architectures")
    assert connecting.words(["run/epoch1.pt"], b) == ("Connect run/epoch1 with b", True), "what is not read yet may fit"


def test_letting_go_on_nothing_says_how(session, connecting, said):
    connecting.drop(["a.pt"], None)
    assert said[0].text == "Nothing was connected: no model is there." and said[0].remedy.startswith("Drag one model")


def test_without_a_selection_the_two_that_are_open_are_connected(qtbot, session, connecting, said):
    a, _b = opened(qtbot, session, "a.pt", "b.pt")
    connecting.connect_selected([a])
    assert asked(qtbot, session).probe.towards.label == "b"
    opened(qtbot, session, "c.pt")
    connecting.connect_selected([a])
    assert said[-1].text == "Two models are needed."


def test_two_runs_are_asked_about_epoch_by_epoch(qtbot, session, connecting, said):
    a, b, _c = opened(qtbot, session, "a.pt", "run", "c.pt")
    connecting.runs_of([a])
    assert said[-1].text == "Two runs are needed."
    connecting.runs_of([a, b])
    qtbot.waitUntil(lambda: len(said) == 2, timeout=5000)
    assert said[-1].text == "There is no question here that compares two runs."
    session.services = dataclasses.replace(session.services, probes=lambda: {"instability": Between})
    connecting.runs_of([a, b])
    inquiry = asked(qtbot, session)
    assert inquiry.document is a and inquiry.probe.towards.path == "run"


def test_a_program_without_such_questions_says_so(qtbot, session, connecting, said):
    a, b = opened(qtbot, session, "a.pt", "b.pt")
    session.services = dataclasses.replace(session.services, probes=dict)
    connecting.connect_models([a, b])
    qtbot.waitUntil(lambda: bool(said), timeout=5000)
    assert said[0].text == "There is no question here that connects two models."


def test_rows_of_one_file_are_one_model(qtbot, session):
    (a,) = opened(qtbot, session, "a.pt")
    assert same(a, "a.pt") and not same(a, "b.pt")
    assert name_of(a) == "a" and name_of("run/epoch1.pt") == "run/epoch1"


def test_a_tensor_that_one_of_them_lacks_is_named(qtbot, session):
    a, b = opened(qtbot, session, "a.pt", "b.pt")
    b.problem.layout.segments = a.problem.layout.segments[:1]
    assert misfit(a, b).endswith("fc2.weight is of shape [10, 16] in the first and missing in the second.")
    assert misfit(b, a).endswith("fc2.weight is missing in the first and of shape [10, 16] in the second.")


def test_nets_whose_tensors_are_alike_but_compute_otherwise_do_not_go_together(qtbot, session, connecting, said):
    a, b = opened(qtbot, session, "a.pt", "b.pt")
    a.problem.description, b.problem.description = {"model": "with shortcuts"}, {"model": "without"}
    assert connecting.words([a], b)[1] is False
    connecting.connect_models([a, b])
    assert said[0].text == "a and b are different architectures with tensors of the same names: with shortcuts; without."
    assert session.inquiries == []


def test_models_opened_with_different_data_are_measured_on_the_firsts_and_that_is_said(qtbot, session, connecting, said):
    a, b = opened(qtbot, session, "a.pt", "b.pt")
    a.problem.description, b.problem.description = {"data": {"digest": "1"}}, {"data": {"digest": "2"}}
    connecting.connect_models([a, b])
    asked(qtbot, session)
    assert [(m.level, m.text) for m in said] == [("info", "b was opened with other data: all are measured on the data of a.")]


def test_a_table_is_asked_for_of_those_selected_or_of_all_that_are_open(qtbot, session, connecting):
    a, b, c = opened(qtbot, session, "a.pt", "b.pt", "c.pt")
    connecting.table_of([b])
    inquiry = asked(qtbot, session)
    assert inquiry.document is a and [r.label for r in inquiry.probe.others] == ["b", "c"]
    connecting.table_of([c, a])
    qtbot.waitUntil(lambda: len(session.inquiries) == 2, timeout=5000)
    assert session.inquiries[-1].probe.name == "barriers" and [r.label for r in session.inquiries[-1].probe.others] == ["a"]
