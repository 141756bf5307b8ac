"""Fields that hold several values: choices ticked in an order, checkpoints in a list."""

import pytest
from ways import Paths

from landscape_gui.probes import PROBES
from landscape_gui.probes.base import CheckpointRef
from landscape_gui.ui.form import Context, Form
from landscape_gui.ui.several_editors import ChecksEditor, FilesEditor


@pytest.fixture
def form(qtbot):
    form = Form(Paths, Context(splits={"train": 10}))
    qtbot.addWidget(form)
    return form


def test_choices_are_given_in_the_order_in_which_they_were_ticked(form):
    editor = form.editors["path"]
    assert isinstance(editor, ChecksEditor) and editor.value() == ("line",)
    changes = []
    editor.changed.connect(lambda: changes.append(editor.value()))
    editor.boxes["chain"].setChecked(True)
    editor.boxes["bezier"].setChecked(True)
    editor.boxes["line"].setChecked(False)
    assert form.probe().path == ("chain", "bezier") and changes[-1] == ("chain", "bezier")


def test_a_question_put_into_the_form_keeps_its_order(form):
    form.set_probe(Paths(path=("bezier", "line")))
    assert form.probe().path == ("bezier", "line")
    assert [name for name, box in form.editors["path"].boxes.items() if box.isChecked()] == ["line", "bezier"]


def test_other_checkpoints_are_listed_and_taken_out(qtbot):
    editor = FilesEditor("Models")
    qtbot.addWidget(editor)
    references = CheckpointRef("run/b.pt", "b" * 32, "b"), CheckpointRef("run/c.pt", "c" * 32)
    editor.set_value(references)
    assert editor.value() == references
    assert [editor.list.item(k).text() for k in range(2)] == ["b", "c.pt"]
    editor.list.item(0).setSelected(True)
    editor.remove.click()
    assert editor.value() == references[1:]
    editor.set_value(references[:1])
    assert editor.value() == references[:1], "others than before"


def test_other_models_of_a_table_stay_in_a_question_that_is_asked_again(qtbot):
    kind = PROBES["barriers"]
    form = Form(kind, Context(splits={"train": 10}))
    qtbot.addWidget(form)
    asked = kind(others=(CheckpointRef("b.pt", "b" * 32, "b"),))
    form.set_probe(asked)
    assert form.probe() == asked


def test_another_checkpoint_keeps_its_digest_and_name_while_its_path_stands_there(form):
    asked = Paths(towards=CheckpointRef("run/b.pt", "b" * 32, "b"))
    form.set_probe(asked)
    assert form.probe() == asked
    form.editors["towards"].box.setEditText("run/c.pt")
    assert form.probe().towards == CheckpointRef("run/c.pt", "", "c.pt")
    form.set_probe(Paths())
    assert form.probe().towards is None
