"""Errors of the command line are sentences, and numbers after a flag end where the numbers end."""

from __future__ import annotations

import pytest

from landscape_gui.commands.parser import Parser, UsageError, join_numbers, split_numbers, whole_number


def make_parser() -> Parser:
    parser = Parser(prog="landscape-gui surface")
    parser.add_argument("path", metavar="PATH")
    parser.add_argument("--split", choices=("train", "test"))
    parser.add_argument("--seed", type=whole_number, default=0)
    parser.add_numbers("--steps", convert=lambda text: tuple(map(int, split_numbers(text))))
    return parser


def test_numbers_end_before_the_path() -> None:
    for line in ("--steps 51 31 net.pt", "net.pt --steps 51 31", "--steps=51,31 net.pt", "--steps 51x31 net.pt"):
        parsed = make_parser().parse(line.split())
        assert (parsed.path, parsed.steps) == ("net.pt", (51, 31))


def test_negative_and_exponential_numbers_are_numbers_not_flags() -> None:
    assert join_numbers(["--span", "-1e-3", "-.5", "+2", "1E5", "-o", "x"], {"--span"}) == ["--span=-1e-3,-.5,+2,1E5", "-o", "x"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "PATH is missing."),
        ("net.pt --sed 3", "--sed 3 is not known here. Did you mean --seed?"),
        ("net.pt --seed x", "--seed takes whole numbers, not 'x'."),
        ("net.pt --split valid", "--split cannot be 'valid'; choose one of train, test."),
        ("net.pt --seed", "--seed expected one argument."),
        ("net.pt --stepsize 5", "--stepsize 5 is not known here. Did you mean --steps?"),
    ],
)
def test_errors_are_sentences(line: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_parser().parse(line.split())
    assert str(caught.value) == f"{said} See landscape-gui surface --help."


def test_flags_are_not_abbreviated() -> None:
    """A script with --see would change its meaning when a second flag of that beginning comes."""
    with pytest.raises(UsageError):
        make_parser().parse(["net.pt", "--see", "3"])
