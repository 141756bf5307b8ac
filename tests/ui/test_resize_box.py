"""The field of the resize length: what stands in it is what a choice of data holds, and only a person's change is told."""

import dataclasses

import pytest

from landscape_gui.data_choice import DataChoice, Preview
from landscape_gui.ui.data_fields import DataFields
from landscape_gui.ui.resize_box import ResizeBox, words


@pytest.mark.parametrize("value", ["", "256", "stretch", "stretch:300"])
def test_what_is_shown_is_what_is_meant(qtbot, dressed, value):
    box = ResizeBox()
    qtbot.addWidget(box)
    told = []
    box.chosen.connect(lambda: told.append(box.value))
    box.show_value(value, "36")
    assert box.value == value and told == []
    assert box.currentText() == (words(value) if value else "as usual (36 px)")


def test_a_length_is_typed_with_or_without_its_unit(qtbot, dressed):
    box = ResizeBox()
    qtbot.addWidget(box)
    told = []
    box.chosen.connect(lambda: told.append(box.value))
    for text, value in (("248", "248"), ("250 px", "250"), ("stretched", "stretch"), ("stretched to 30 px", "stretch:30")):
        box.lineEdit().setText(text)
        assert box.lineEdit().hasAcceptableInput()
        box.lineEdit().editingFinished.emit()
        assert told[-1] == value
    box.lineEdit().editingFinished.emit()
    assert len(told) == 4, "the same again is no change"
    for text in ("wide", "-3", "25000", "2.5"):
        box.lineEdit().setText(text)
        assert not box.lineEdit().hasAcceptableInput()


def test_it_stands_beside_the_size_once_images_have_one(qtbot, dressed):
    fields = DataFields()
    qtbot.addWidget(fields)
    choice = DataChoice(path="/d/images", size=224, resize="232")
    fields.show_choice(choice)
    assert not fields.groups[fields.resize_box].isHidden() and fields.choice("/d/images") == choice
    fields.size_box.setValue(0)
    assert fields.choice("/d/images").resize == "", "without a size there is nothing to crop"
    bare = DataChoice(path="/d/images")
    seen = Preview(problem=None, choice=bare, kind="images", shape=(3, 8, 8), splits={"data": 4})
    fields.show_preview(seen)
    assert fields.groups[fields.resize_box].isHidden(), "images as they are"
    fields.show_preview(dataclasses.replace(seen, resize="10"))
    assert not fields.groups[fields.resize_box].isHidden() and fields.resize_box.currentText() == "as usual (10 px)"
    fields.resize_box.setCurrentText("256 px")
    assert fields.choice("/d/images") == dataclasses.replace(bare, resize="256", normalise=fields.choice("").normalise)
