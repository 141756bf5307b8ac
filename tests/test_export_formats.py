"""One table of formats: what is offered for an answer, and that each of it is written."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from landscape_gui.errors import LandscapeError
from landscape_gui.export_formats import FORMATS, GROUPS, format_of, offered, suffixes
from landscape_gui.figure import Figure, Look, Panel
from landscape_gui.page_setup import PageSetup

sys.path.insert(0, str(Path(__file__).parent / "ui"))
from bowls import Bowl, bowl

RESULT = bowl(21, 11)
FIGURE = replace(Bowl().figure(RESULT, Look(view="2d")), caption="A bowl, in a sentence.")


def test_every_suffix_stands_once_and_every_group_is_named():
    names = [f.key for f in FORMATS]
    assert len(set(names)) == len(names)
    assert {f.group for f in FORMATS} <= set(GROUPS)
    assert all(name.startswith(".") and name == name.lower() for name in names)
    assert list(suffixes()) == [f.suffix for f in FORMATS if f.group != "animation" and not f.layout]
    assert all(f.writer for f in FORMATS if f.group != "animation")


@pytest.mark.parametrize("kind", [f for f in offered(FIGURE, RESULT) if f.group != "animation"], ids=lambda f: f.key)
def test_what_is_offered_is_written(kind, tmp_path):
    path = tmp_path / f"out{kind.suffix}"
    kind.write(path, FIGURE, RESULT, PageSetup(dpi=60))
    assert path.stat().st_size > 0


def test_groups_stand_together_and_a_second_name_is_not_offered():
    found = offered(FIGURE, RESULT)
    groups = [f.group for f in found]
    assert groups == sorted(groups, key=list(GROUPS).index)
    assert ".tif" not in [f.suffix for f in found]
    assert format_of("a.TIF").suffix == ".tif"


def test_a_figure_without_an_answer_is_offered_no_numbers():
    found = offered(FIGURE, None)
    assert found and all(f.takes == "figure" for f in found)


def test_layouts_of_others_are_offered_for_what_they_hold():
    keys = [f.key for f in offered(FIGURE, RESULT)]
    assert ".h5:loss-landscape" in keys and ".h5:projection" not in keys and ".json:epochs" not in keys
    assert format_of("a.h5").layout == ""


def test_surfaces_of_several_answers_are_a_film_and_no_mesh():
    both = replace(FIGURE, panels=FIGURE.panels * 2)
    of_two = replace(both, sources=(RESULT.provenance, RESULT.provenance))
    assert {".glb", ".mp4"} <= {f.key for f in offered(both, None)}
    assert {".glb", ".mp4"} & {f.key for f in offered(of_two, None)} == {".mp4"}


def test_what_needs_a_surface_is_not_offered_for_a_chart():
    mesh = replace(format_of("a.pdf"), surface=True)
    assert mesh.fits(FIGURE, None)
    assert not mesh.fits(Figure(panels=(Panel(marks=()),)), None)


def test_a_format_of_one_kind_of_answer_is_offered_for_that_alone():
    kind = replace(format_of("a.csv"), named=("spectrum",))
    assert not kind.fits(FIGURE, RESULT)
    spectrum = replace(RESULT, provenance=replace(RESULT.provenance, probe="spectrum"))
    assert kind.fits(FIGURE, spectrum)


def test_a_suffix_that_nothing_is_written_under_is_named():
    with pytest.raises(LandscapeError, match=r"“\.docx”"):
        format_of("a.docx")


def test_a_caption_is_written_as_it_is(tmp_path):
    path = tmp_path / "c.txt"
    format_of(path).write(path, FIGURE, None, PageSetup())
    assert path.read_text(encoding="utf-8") == FIGURE.caption + "\n"
    with pytest.raises(LandscapeError, match="no caption"):
        format_of(path).write(path, replace(FIGURE, caption=""), None, PageSetup())
