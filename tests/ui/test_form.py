import dataclasses
from collections.abc import Iterator
from itertools import takewhile
from types import SimpleNamespace

import pytest
from bowls import Bowl
from PySide6.QtCore import Qt

from landscape_gui.errors import QuestionError
from landscape_gui.probes import PROBES
from landscape_gui.probes.base import CheckpointRef
from landscape_gui.ui.form import Context, Form
from landscape_gui.ui.probe_box import HEADING, ProbeBox
from landscape_gui.ui.questions import default_question, make, probe_of

CONTEXT = Context(splits={"train": 1437, "test": 360}, checkpoints={"/run/a.pt": "epoch 1", "/run/b.pt": "epoch 2"})


@pytest.fixture
def form(qtbot, dressed):
    def made(kind):
        form = Form(kind, CONTEXT)
        qtbot.addWidget(form)
        return form

    return made


@pytest.mark.parametrize("name", list(PROBES))
def test_an_untouched_form_is_the_question_with_its_defaults(form, name):
    assert form(PROBES[name]).probe() == PROBES[name]()


@pytest.mark.parametrize("name", list(PROBES))
def test_every_field_that_is_not_hidden_has_an_editor_with_its_help(form, name):
    made = form(PROBES[name])
    for f in dataclasses.fields(PROBES[name]):
        if not f.metadata["hidden"]:
            assert made.editors[f.name].toolTip() == f.metadata["help"]


def test_what_is_typed_is_asked(form):
    made = form(PROBES["surface"])
    made.editors["steps"].boxes[0].setValue(81)
    made.editors["steps"].boxes[1].setValue(41)
    made.editors["span"].line.setText("-1, 1 \N{MINUS SIGN}0.5 0.5")
    made.editors["split"].set_value("test")
    made.editors["limit"].set_value(200)
    probe = made.probe()
    assert probe.steps == (81, 41)
    assert probe.span == (-1.0, 1.0, -0.5, 0.5)
    assert (probe.split, probe.limit) == ("test", 200)


def test_what_is_no_number_is_refused_and_marked(form):
    made = form(PROBES["surface"])
    made.editors["span"].line.setText("wide")
    with pytest.raises(QuestionError, match="wide"):
        made.probe()
    assert made.editors["span"].line.property("invalid") is True
    assert "Span" in made.trouble()
    made.editors["span"].line.setText("0.5")
    assert made.probe().span == (0.5,)
    assert made.editors["span"].line.property("invalid") is False


def test_fields_that_mean_nothing_for_the_directions_are_hidden_and_left_out(form):
    made = form(PROBES["surface"])
    assert not made.editors["seed"].isHidden()
    assert made.editors["towards"].isHidden()
    made.editors["directions"].set_value("towards")
    assert not made.editors["towards"].isHidden()
    made.editors["towards"].box.setCurrentIndex(2)
    assert made.probe().towards == CheckpointRef("/run/b.pt", label="b.pt")
    made.editors["directions"].set_value("filter")
    assert made.probe().towards is None


def test_a_question_is_read_back_into_the_form(form):
    probe = PROBES["surface"](steps=(31, 21), span=(0.5,), seed=7, split="train")
    made = form(PROBES["surface"])
    made.set_probe(probe)
    assert made.probe() == probe


def test_the_default_question_takes_the_cards_suggestion():
    problem = SimpleNamespace(defaults={"steps": [41, 31], "span": [1.0], "limit": 512, "unheard_of": 3})
    probe = default_question(PROBES, problem)
    assert (probe.steps, probe.span, probe.limit) == ((41, 31), (1.0,), 512)


def test_a_question_that_cannot_be_read_back_falls_back_to_its_kind():
    from bowls import bowl

    result = bowl(5, 4, probe=Bowl(seed=3))
    assert probe_of({"surface": Bowl}, result) == Bowl(steps=(5, 4), seed=3)
    odd = dataclasses.replace(result, provenance=dataclasses.replace(result.provenance, question={"seed": "x", "steps": 3}))
    assert isinstance(probe_of({"surface": Bowl}, odd), Bowl)


def test_references_come_back_from_plain_values():
    probe = make(PROBES["surface"], {"towards": {"path": "/b.pt", "digest": "0" * 32, "label": "b"}, "directions": "towards"})
    assert probe.towards == CheckpointRef("/b.pt", "0" * 32, "b")


def test_a_question_about_one_split_offers_the_splits_alone_and_means_the_first(qtbot):
    from landscape_gui.probes import PROBES

    form = Form(PROBES["spectrum"], Context(splits={"train": 100, "test": 40}, layers=("fc1", "fc2")))
    qtbot.addWidget(form)
    box = form.editors["split"].box
    assert [box.itemData(k) for k in range(box.count())] == ["train", "test"]
    assert form.probe().split == ""
    form.set_probe(PROBES["spectrum"](split="test", layer="fc2"))
    assert (form.probe().split, form.probe().layer) == ("test", "fc2")
    form.set_probe(PROBES["spectrum"](split="train"))
    assert (form.probe().split, form.probe().layer) == ("", "")
    layers = form.editors["layer"].box
    assert [layers.itemText(k) for k in range(layers.count())] == ["", "fc1", "fc2"]


def test_a_number_of_directions_hides_no_seed_and_no_draws(form):
    made = form(PROBES["sharpness"])
    assert not made.editors["seed"].isHidden()
    asked = PROBES["sharpness"](seed=3, draws=50, directions=7)
    made.set_probe(asked)
    assert made.probe() == asked


def test_the_checkpoints_of_a_run_are_not_kept_from_another_question(form):
    made = form(PROBES["spectra"])
    made.set_probe(PROBES["spectra"](checkpoints=2, run_checkpoints=(CheckpointRef("", "0" * 32),)))
    assert made.probe() == PROBES["spectra"](checkpoints=2)


@pytest.mark.parametrize(
    ("probe", "field", "value", "shown"),
    [
        ("spectra", "checkpoints", 0, "all"),
        ("sharpness", "groups", 0, "none"),
        ("spectrum", "budget", 0, "none"),
        ("spectra", "budget", 4, "4 products"),
        ("eigenvalues", "smallest", 0, "0"),
    ],
)
def test_nought_is_a_word_where_it_means_all_or_none(form, probe, field, value, shown):
    made = form(PROBES[probe])
    made.editors[field].set_value(value)
    assert made.editors[field].box.text() == shown


def test_names_and_small_numbers_are_written_as_people_write_them(form):
    made = form(PROBES["spectrum"])
    assert made.editors["tolerance"].line.text() == "1e-5"
    operators = made.editors["operator"].box
    names = [operators.itemText(k).partition(":")[0] for k in range(operators.count())]
    assert names == ["Hessian", "Gauss-Newton", "Residual", "NTK"]


def test_labels_and_what_is_folded_away_stand_in_one_column(form):
    made = form(PROBES["sharpness"])
    assert made.plain.columnMinimumWidth(0) == made.folded.columnMinimumWidth(0) >= made.rows["pairs"][0].sizeHint().width()


def test_an_empty_field_of_words_says_what_emptiness_means(form):
    made = form(PROBES["topology"])
    assert made.editors["quantity"].line.placeholderText() == "the first loss"


def rest_until_heading(listed: list[tuple[str, bool]], heading: str) -> Iterator[tuple[str, bool]]:
    return takewhile(lambda entry: not entry[1], listed[listed.index((heading, True)) + 1 :])


def test_questions_are_listed_under_what_they_are_for(qtbot, dressed):
    box = ProbeBox()
    qtbot.addWidget(box)
    box.offer(PROBES)
    listed = [(box.itemText(k), bool(box.itemData(k, HEADING))) for k in range(box.count())]
    assert [text for text, heading in listed if heading] == list(dict.fromkeys(kind.purpose for kind in PROBES.values()))
    assert sorted(box.itemData(k) for k, (_, heading) in enumerate(listed) if not heading) == sorted(PROBES)
    under = {text: [other for other, _ in rest_until_heading(listed, text)] for text, heading in listed if heading}
    assert min(map(len, under.values())) > 1  # a heading over a single question says nothing
    training = {"Trajectory", "Training dynamics", "Implicit bias", "Gradient noise scale", "Mean step of SGD"}
    assert training <= set(under["Training"]), under
    assert box.currentData() == "surface"
    qtbot.keyClick(box, Qt.Key.Key_Up)  # a heading is above
    assert box.currentData() == "surface"
    box.offer({"surface": PROBES["surface"]})
    assert box.count() == 1
