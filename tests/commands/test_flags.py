"""A probe's fields become flags, and the flags that are given become the probe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from landscape_gui.commands import flags
from landscape_gui.commands.parser import Parser, UsageError
from landscape_gui.errors import QuestionError
from landscape_gui.probes import Surface, base
from landscape_gui.probes.base import CheckpointRef, FileRef


@dataclass(frozen=True, kw_only=True)
class Example(base.Probe):
    name: ClassVar[str] = "example"
    title: ClassVar[str] = "Example"
    summary: ClassVar[str] = "An example."

    directions: str = base.field("filter", label="Directions", help="Axes.", choices={"filter": "as Li et al.", "raw": "Gaussian"})
    steps: tuple[int, int] = base.field((51, 51), label="Points", help="Points on each axis.", minimum=2)
    span: tuple[float, ...] = base.field((), label="Span", help="How far, 100 % of the weights at 1.", unit="directions")
    tolerance: float = base.field(0.01, label="Tolerance", help="Of ln loss.", minimum=0, advanced=True)
    adaptive: bool = base.field(False, label="Adaptive", help="Skip what is smooth.")
    centred: bool = base.field(True, label="Centred", help="Around the checkpoint.")
    towards: CheckpointRef | None = base.field(None, label="Towards", help="Another checkpoint.")
    directions_file: FileRef | None = base.field(None, label="File", help="Axes from a file.", flag="directions-from")
    run: tuple[CheckpointRef, ...] = base.field((), label="Run", help="", hidden=True)


@dataclass(frozen=True, kw_only=True)
class Several(base.Probe):
    name: ClassVar[str] = "several"
    title: ClassVar[str] = "Several"
    summary: ClassVar[str] = "About several checkpoints."

    others: tuple[CheckpointRef, ...] = base.field((), label="Others", help="", metavar="PATH", hidden=True, positional=True)
    points: int = base.field(25, label="Points", help="Points.")


class Opened:
    """Stands where a problem would: it only makes references."""

    def reference(self, path: str) -> CheckpointRef:
        return CheckpointRef(path, digest=f"digest of {path}")


def ask(line: str, probe: type[base.Probe] = Example) -> Any:
    parser = Parser(prog="landscape-gui example")
    flags.add_probe_flags(parser, probe)
    return flags.make_probe(probe, parser.parse(line.split()), Opened())  # type: ignore[arg-type]


def test_nothing_given_is_the_probe_s_own_default() -> None:
    assert ask("") == Example()


def test_one_number_of_points_is_for_both_axes_and_two_are_x_then_y() -> None:
    assert ask("--steps 31").steps == (31, 31)
    assert ask("--steps 31 21").steps == (31, 21)


def test_a_span_takes_any_count_of_numbers_with_signs() -> None:
    assert ask("--span -1 .5 -2e-1 3").span == (-1.0, 0.5, -0.2, 3.0)


def test_paths_behind_the_first_one_are_checkpoints_that_a_question_names() -> None:
    question = ask("b.pt c.pt --points 9", Several)
    assert [reference.path for reference in question.others] == ["b.pt", "c.pt"]
    assert question.others[1].digest == "digest of c.pt"
    assert question.points == 9
    with pytest.raises(UsageError):
        ask("--points 9", Several)


def test_switches_turn_the_default_around() -> None:
    assert ask("--adaptive").adaptive is True
    assert ask("--no-centred").centred is False


def test_references_are_made_by_the_problem_and_files_get_their_digest(tmp_path: Path) -> None:
    file = tmp_path / "d.h5"
    file.write_bytes(b"axes")
    question = ask(f"--towards b.pt --directions-from {file}")
    assert question.towards == CheckpointRef("b.pt", digest="digest of b.pt")
    assert question.directions_file.path == str(file)
    before = question.directions_file.digest
    file.write_bytes(b"other axes")
    assert ask(f"--directions-from {file}").directions_file.digest != before


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--steps takes one number or 2, not 3"):
        ask("--steps 1 2 3")
    with pytest.raises(UsageError, match=r"--steps takes whole numbers, not '5\.5'"):
        ask("--steps 5.5")
    with pytest.raises(UsageError, match="--directions cannot be 'filters'; choose one of filter, raw"):
        ask("--directions filters")
    with pytest.raises(QuestionError, match=r"Points is 1\. It must be at least 2\."):
        ask("--steps 1")
    with pytest.raises(QuestionError, match=r"nowhere\.h5 cannot be read"):
        ask(f"--directions-from {tmp_path}/nowhere.h5")


def test_hidden_fields_are_no_flags_and_help_says_choices_units_and_defaults() -> None:
    parser = Parser(prog="landscape-gui example")
    flags.add_probe_flags(parser, Example)
    text = " ".join(parser.format_help().split())
    assert "--run" not in text
    assert "Axes (default: filter) filter: as Li et al. raw: Gaussian" in text
    assert "How far, 100 % of the weights at 1 (unit: directions)" in text
    assert "(default: 51 51)" in text


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--directions filter --directions-from F", "--directions-from contradicts --directions filter"),
        ("--directions filter --towards a.pt --third b.pt", "--towards contradicts --directions filter"),
        ("--directions principal --towards a.pt", "--towards contradicts --directions principal"),
        ("--directions towards --towards a.pt --third b.pt", "--third contradicts --directions towards"),
        ("--towards a.pt --directions-from F", "--towards contradicts --directions file"),
        ("--third b.pt", "--third contradicts --directions filter"),
    ],
)
def test_flags_that_contradict_each_other_are_refused(line: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "axes.h5").write_bytes(b"axes")
    with pytest.raises(QuestionError, match=said) as error:
        ask(line.replace("F", str(tmp_path / "axes.h5")), Surface)
    assert error.value.remedy


def test_naming_what_the_axes_are_made_of_needs_no_directions() -> None:
    assert ask("--towards a.pt", Surface).directions == "towards"
    assert ask("--towards a.pt --third b.pt", Surface).directions == "plane"
    assert ask("--directions plane --towards a.pt --third b.pt", Surface).directions == "plane"
