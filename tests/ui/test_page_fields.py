"""The fields of a page: exact widths whatever is shown, units, columns, and what the settings keep of them."""

import json
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QComboBox

from landscape_gui.errors import LandscapeError
from landscape_gui.page_setup import PageSetup
from landscape_gui.style import DARK
from landscape_gui.ui.page_choice import PageChoice, remembered, usual
from landscape_gui.ui.page_fields import OWN, PageFields, select
from landscape_gui.venues import VENUES, setup_for


@pytest.fixture
def fields(qtbot, dressed):
    fields = PageFields()
    qtbot.addWidget(fields)
    return fields


@pytest.mark.parametrize("venue", VENUES)
def test_what_a_venue_asks_for_is_shown_and_comes_back_to_the_digit(fields, venue):
    for columns in range(1, len(VENUES[venue].widths) + 1):
        fields.show_choice(replace(usual(venue), columns=columns))
        assert fields.choice().setup() == setup_for(venue, columns)


def test_widths_are_the_same_in_every_unit(fields):
    fields.show_choice(replace(usual("nature"), height=2.0))
    for unit in ("in", "pt", "cm", "mm"):
        select(fields.unit, unit)
        choice = fields.choice()
        assert (choice.unit, choice.inches, choice.height) == (unit, 89 / 25.4, 2.0)
    assert (fields.width_field.value(), fields.height_field.value()) == (89.0, 50.8)


def test_a_typed_width_is_ones_own_and_a_columns_is_the_columns(fields):
    fields.show_choice(usual("ieee"))
    fields.width_field.setValue(3.0)
    assert (fields.columns.currentText(), fields.choice().inches) == (OWN, 3.0)
    fields.width_field.setValue(7.16)
    assert (fields.columns.currentData(), fields.choice().inches) == (2, 7.16)
    select(fields.columns, 1)
    assert fields.width_field.value() == 3.5


def test_no_height_is_as_high_as_it_needs(fields):
    assert fields.choice().height is None and fields.height_field.text() == "auto"
    fields.height_field.setValue(2.5)
    assert fields.choice().setup().height == 2.5


def test_every_field_reaches_the_page(fields):
    select(fields.font_field, "mathtext")
    fields.font_size.setValue(7.5)
    fields.line_width.setValue(0.8)
    fields.dpi.setValue(450)
    select(fields.theme_field, True)
    for switch in (fields.transparent, fields.letters):
        switch.setChecked(True)
    fields.titles.setChecked(False)
    expected = PageSetup(
        width=3.5, font="mathtext", font_size=7.5, line_width=0.8, dpi=450, theme=DARK, transparent=True, letters=True, titles=False
    )
    assert fields.choice().setup() == expected


def test_showing_tells_nobody_and_changing_tells_once(qtbot, fields):
    told = []
    fields.changed.connect(lambda: told.append("changed"))
    fields.venue_chosen.connect(told.append)
    fields.show_choice(usual("icml"))
    assert told == []
    for change in (lambda: select(fields.columns, 2), lambda: select(fields.unit, "mm"), lambda: fields.dpi.setValue(90)):
        told.clear()
        change()
        assert told == ["changed"]
    told.clear()
    select(fields.venue, "acl")
    assert told == ["acl"]


def test_what_is_kept_comes_back(fields):
    choice = replace(usual("cvpr"), columns=2, font_size=7.5, height=3.25, unit="cm", letters=True)
    assert remembered(choice.kept(), "cvpr") == choice


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "no json",
        "[]",
        '"x"',
        '{"dpi": "many"}',
        '{"dpi": -1}',
        '{"font": "comic"}',
        '{"unit": "ell"}',
        '{"columns": 7}',
        '{"width": null}',
    ],
)
def test_what_makes_no_sense_is_as_the_venue_asks_for(broken):
    assert remembered(broken, "icml") == usual("icml")


def test_a_field_that_was_not_there_yet_has_its_usual_value():
    told = json.loads(replace(usual("icml"), dpi=600).kept())
    del told["letters"]
    told["newer"] = 3
    assert remembered(json.dumps(told), "icml") == replace(usual("icml"), dpi=600)


def test_a_page_that_makes_no_sense_is_refused_in_words():
    with pytest.raises(LandscapeError, match="width of 100 inches"):
        PageChoice(width=100.0).setup()


def test_every_list_can_be_reached_by_its_name(fields):
    assert all(box.accessibleName() for box in fields.findChildren(QComboBox))
