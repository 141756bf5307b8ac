"""The literature as BibTeX, and which of it a question uses."""

from __future__ import annotations

import re
import unicodedata

import pytest

from landscape_gui import methods
from landscape_gui.bibliography import ENTRIES, bibtex
from landscape_gui.methods import methods as methods_of
from landscape_gui.number_references import CONNECTIVITY, REFERENCES, TOPOLOGY
from landscape_gui.probes import PROBES
from landscape_gui.probes.base import question
from landscape_gui.results import Provenance

FIELD = re.compile(r"^  (\w+) += \{(.*)\},$")
NEEDED = {"article": "journal", "inproceedings": "booktitle", "book": "publisher", "misc": "author"}
CITED = {**REFERENCES, **CONNECTIVITY, **TOPOLOGY}


def parsed(text: str) -> dict[str, tuple[str, dict[str, str]]]:
    """Key -> kind and fields, of BibTeX with one field a line; fails on unbalanced braces and what no line of BibTeX is."""
    found: dict[str, tuple[str, dict[str, str]]] = {}
    for block in text.strip().split("\n\n"):
        head, *lines, end = block.split("\n")
        opened = re.fullmatch(r"@(\w+)\{([a-z]+[0-9]*),", head)
        assert opened and end == "}" and opened[2] not in found, block
        fields = [FIELD.match(line) for line in lines]
        assert all(fields), block
        found[opened[2]] = opened[1], {f[1]: f[2] for f in fields if f}
        for value in found[opened[2]][1].values():
            depths = [value[: k + 1].count("{") - value[: k + 1].count("}") for k in range(len(value))]
            assert min(depths) >= 0 and depths[-1] == 0, value
    return found


def plain(text: str) -> str:
    """Letters without accents, TeX's commands and braces."""
    bare = re.sub(r"\\['\"`^~]", "", text).replace("{", "").replace("}", "")
    return "".join(c for c in unicodedata.normalize("NFKD", bare) if not unicodedata.combining(c)).lower()


def test_every_entry_is_bibtex_with_what_its_kind_needs() -> None:
    found = parsed(bibtex(ENTRIES))
    assert set(found) == {*ENTRIES, "landscapegui"}
    for key, (kind, fields) in found.items():
        assert {"author", "title", NEEDED[kind]} <= fields.keys(), key
        assert all(value.isascii() and value.strip() == value for value in fields.values()), key
        assert re.fullmatch(r"\d{4}\.\d{4,5}", fields.get("eprint", "2001.00001")), key
        assert re.fullmatch(r"10\.\d{4,}/\S+", fields.get("doi", "10.1000/x")), key
        assert re.fullmatch(r"\d+--\d+", fields.get("pages", "1--2")), key
        if key != "landscapegui":
            assert fields["year"] in key and plain(fields["author"].split(" and ")[0])


@pytest.mark.parametrize("key", CITED)
def test_entries_and_what_the_numbers_cite_are_the_same_works(key: str) -> None:
    entry, words = ENTRIES[key], plain(CITED[key])
    surname = plain(entry.authors.split(" and ")[0].split(" ")[-1])
    assert surname in words and str(entry.year) in words
    short = re.findall(r"[a-z]{4,}", plain(entry.title))[:2]
    assert all(word in words for word in short), (key, short)


def test_each_work_stands_once() -> None:
    assert bibtex(["li2018", "yao2020", "li2018"]).count("@inproceedings{li2018,") == 1


def test_every_method_has_its_entry() -> None:
    tables = (methods.DIRECTIONS, methods.OPERATORS, methods.PATHS, methods.PROBES, methods.READ)
    assert {key for table in tables for keys in table.values() for key in keys} <= set(ENTRIES)
    assert set(methods.PROBES) <= set(PROBES)


@pytest.mark.parametrize("name", PROBES)
def test_every_question_has_methods(name: str) -> None:
    asked = question(PROBES[name]())
    assert methods_of(Provenance(probe=name, question=asked)), name


@pytest.mark.parametrize(
    ("probe", "asked", "keys"),
    [
        ("surface", {"directions": "filter"}, ("li2018",)),
        ("trajectory", {"directions": "principal"}, ("lorch2016", "li2018", "antognini2018")),
        ("spectrum", {"operator": "gauss-newton"}, ("schraudolph2002", *methods.SPECTRUM)),
        (
            "connect",
            {"path": ["bezier", "repaired"]},
            ("garipov2018", "ainsworth2023", "jordan2023", "entezari2022", "frankle2020"),
        ),
        ("path-plane", {"paths": [{"probe": "path", "path": "band"}]}, ("draxler2018", "garipov2018")),
        ("sharpness", {"operator": "hessian", "bound": True}, ("pearlmutter1994", *methods.SHARPNESS, "dziugaite2017")),
    ],
)
def test_methods_follow_from_the_question(probe: str, asked: dict[str, object], keys: tuple[str, ...]) -> None:
    assert methods_of(Provenance(probe=probe, question=asked)) == keys


def test_what_another_program_computed_cites_that_program() -> None:
    told = {"read_from": {"format": "dnn-mode-connectivity (plane.npz)"}}
    assert methods_of(Provenance(probe="path-plane", problem=told)) == ("garipov2018",)
