"""The pages of venues: what their style files say, in the units in which they say it."""

from __future__ import annotations

import pytest

from landscape_gui.errors import LandscapeError
from landscape_gui.page_setup import PageSetup, inches
from landscape_gui.venues import TIMES, VENUES, setup_for


@pytest.mark.parametrize(
    ("venue", "columns", "width"),
    [
        ("neurips", 1, "5.5in"), ("icml", 1, "3.25in"), ("icml", 2, "6.75in"), ("iclr", 1, "5.5in"), ("cvpr", 1, "3.25in"),
        ("cvpr", 2, "6.875in"), ("acl", 1, "7.7cm"), ("acl", 2, "16cm"), ("aaai", 2, "7in"), ("jmlr", 1, "6in"),
        ("ieee", 1, "3.5in"), ("ieee", 2, "7.16in"), ("nature", 1, "89mm"), ("nature", 2, "183mm"), ("science", 1, "5.7cm"),
        ("science", 3, "18.4cm"), ("pnas", 1, "8.7cm"), ("pnas", 2, "17.8cm"), ("slide", 1, "140mm"), ("slide43", 1, "108mm"),
    ],
)  # fmt: skip
def test_widths_are_those_of_the_style_files(venue: str, columns: int, width: str) -> None:
    assert setup_for(venue, columns).width == pytest.approx(inches(width), rel=1e-12)


@pytest.mark.parametrize("venue", VENUES)
def test_columns_grow_and_every_venue_says_where_it_is_from(venue: str) -> None:
    known = VENUES[venue]
    assert list(known.widths) == sorted(known.widths)
    assert known.source and known.font_size <= known.caption_size
    assert setup_for(venue).font == known.font
    assert setup_for(venue).height is None


def test_what_is_said_wins_and_times_is_told_to_latex() -> None:
    setup = setup_for("neurips", font_size=9, font="sans", letters=True)
    assert (setup.font_size, setup.font, setup.letters, setup.width) == (9, "sans", True, 5.5)
    assert setup_for("neurips", font="tex").tex_preamble == TIMES
    assert setup_for("jmlr", font="tex").tex_preamble == ""
    assert setup_for("neurips", font="tex", tex_preamble="% mine").tex_preamble == "% mine"


def test_a_venue_or_a_column_that_there_is_not_is_said() -> None:
    with pytest.raises(LandscapeError, match=r"no venue 'nips'.*neurips"):
        setup_for("nips")
    with pytest.raises(LandscapeError, match="NeurIPS has 1 column, not 2"):
        setup_for("neurips", 2)
    with pytest.raises(LandscapeError, match=r"ICML has 2 columns, not 3\. Choose 1 to 2"):
        setup_for("icml", 3)


@pytest.mark.parametrize(
    ("text", "value"),
    [("84mm", 84 / 25.4), ("8.4 cm", 84 / 25.4), ("3.25in", 3.25), ("240pt", 240 / 72), ("5.5", 5.5), (" 5IN ", 5)],
)
def test_a_length_has_a_unit(text: str, value: float) -> None:
    assert inches(text) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("text", ["", "mm", "wide", "5 feet", "1,5cm"])
def test_what_is_no_length_is_said(text: str) -> None:
    with pytest.raises(LandscapeError, match="is no length"):
        inches(text)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ({"width": 0.1}, "width of 0.1 inches"), ({"height": 99.0}, "height of 99 inches"), ({"dpi": 5.0}, "5 dots per inch"),
        ({"font_size": 0.0}, "font size of 0 points"), ({"line_width": 0.0}, "line of 0 points"),
        ({"font": "comic"}, "no font 'comic'"), ({"dpi": float("nan")}, "nan dots per inch"),
        ({"width": float("inf")}, "width of inf"),
    ],
)  # fmt: skip
def test_a_page_that_makes_no_sense_is_said(field: dict[str, float], words: str) -> None:
    with pytest.raises(LandscapeError, match=words):
        PageSetup(**field)  # type: ignore[arg-type]
