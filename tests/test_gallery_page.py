"""docs/gallery.md: each picture is there, and says inside that it shows what the command under it asks."""

from __future__ import annotations

import importlib.util
import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from landscape_gui import cli
from landscape_gui.commands import outputs
from landscape_gui.commands.flags import PREFIX
from landscape_gui.export.embedding import read_figure
from landscape_gui.export.record import Recorded
from landscape_gui.probes import PROBES

ROOT = Path(__file__).resolve().parent.parent
LARGEST = 6_000_000
"""Bytes of all pictures of the page."""
SEVERAL = {"figure": tuple(PROBES), "compare": ("report",)}
"""Commands whose figure shows several answers, and to which questions."""


def load_script() -> ModuleType:
    where = importlib.util.spec_from_file_location("gallery_script", ROOT / "scripts" / "gallery.py")
    assert where is not None and where.loader is not None
    module = importlib.util.module_from_spec(where)
    sys.modules["gallery_script"] = module
    where.loader.exec_module(module)
    return module


gallery = load_script()
ENTRIES = gallery.entries()
SHOWN = [entry for entry in ENTRIES if entry.picture]
DRAWN = [entry for entry in SHOWN if entry.picture.endswith(".png")]


def parsed(command: tuple[str, ...]) -> Namespace:
    name, *arguments = command
    return cli.make_parser(name, cli.commands()[name], arguments).parse(arguments)


def plain(value: Any) -> Any:
    """As JSON has it."""
    return [plain(item) for item in value] if isinstance(value, (tuple, list)) else value


def asked(namespace: Namespace) -> Mapping[str, Any]:
    """The fields of the question that the command names."""
    return {name.removeprefix(PREFIX): plain(value) for name, value in vars(namespace).items() if name.startswith(PREFIX)}


def check_answer(shown: Recorded, probe: str, fields: Mapping[str, Any], where: str) -> None:
    assert shown.provenance.probe == probe, where
    recorded = {name: plain(value) for name, value in shown.provenance.question.items()}
    for name, value in fields.items():
        if not refers(recorded.get(name)):
            same = recorded[name] == value or recorded[name] == [value] or [recorded[name]] == value
            assert same or recorded[name] == [*value, *value], f"{where}: {name} is {recorded[name]}, not {value}"


def refers(value: Any) -> bool:
    """Whether it names a checkpoint: by a digest instead of the path that was typed."""
    return isinstance(value, Mapping) or (isinstance(value, list) and any(isinstance(item, Mapping) for item in value))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: Path(entry.picture).stem or "meshes")
def test_its_commands_parse_and_write_the_picture_that_is_there(entry: Any) -> None:
    assert entry.commands
    written = [Path(name).name for command in entry.commands for name in outputs_of(parsed(command))]
    if entry.picture:
        assert Path(entry.picture).name in written
        assert (gallery.PAGE.parent / entry.picture).stat().st_size > 0


def outputs_of(namespace: Namespace) -> list[str]:
    found = namespace.output or []
    return [found] if isinstance(found, str) else list(found)


@pytest.mark.parametrize("entry", DRAWN, ids=lambda entry: Path(entry.picture).stem)
def test_a_picture_says_inside_what_its_command_asks(entry: Any) -> None:
    (command,) = entry.commands
    namespace, where = parsed(command), Path(entry.picture).name
    record = read_figure(gallery.PAGE.parent / entry.picture)
    sample = next(argument for argument in command if argument.startswith("samples:")).removeprefix("samples:").partition("/")[0]
    assert any(sample in str(shown.provenance.problem["checkpoint"]["path"]) for shown in record.answers), where
    if command[0] in SEVERAL:
        assert {shown.provenance.probe for shown in record.answers} <= set(SEVERAL[command[0]])
        assert len(record.answers) >= len([argument for argument in command if argument.startswith("samples:")])
        return
    (shown,) = record.answers
    check_answer(shown, command[0], asked(namespace), where)
    assert shown.look == outputs.look_of(namespace), where


def test_every_question_has_a_picture() -> None:
    asked_of = {command[0] for entry in SHOWN for command in entry.commands}
    assert set(PROBES) - asked_of == {"report"}  # a table, which docs/curvature.md shows; compare draws it
    assert {"figure", "compare", "animate"} <= asked_of


def test_pictures_are_small_and_all_on_the_page() -> None:
    folder = gallery.PAGE.parent / "images" / "gallery"
    assert {path.name for path in folder.iterdir()} == {Path(entry.picture).name for entry in SHOWN}
    assert sum(path.stat().st_size for path in folder.iterdir()) < LARGEST


def test_a_picture_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its command, the one that the page shows, with the numbers that the picture there was drawn from."""
    monkeypatch.chdir(tmp_path)
    entry = next(entry for entry in SHOWN if Path(entry.picture).name == "line.png")
    gallery.make(entry)
    old, new = read_figure(gallery.PAGE.parent / entry.picture).answers[0], read_figure("line.png").answers[0]
    assert new.provenance.question == old.provenance.question and new.provenance.fingerprint == old.provenance.fingerprint
    assert set(new.numbers) == set(old.numbers)
