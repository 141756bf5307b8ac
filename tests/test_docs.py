"""What README and docs/ show is run as it stands: Python blocks, and commands that do not open the window.

A block fenced as ```python no-run or ```bash no-run is left out: it names files of the reader's own.
"""

from __future__ import annotations

import itertools
import re
import shlex
from pathlib import Path

import pytest

from landscape_gui import cli

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```\s*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)|<img[^>]*src=\"(?!https?:)([^\"]+)\"")


def blocks(page: Path, language: str) -> list[str]:
    """The bodies of a page's fenced blocks whose info string is exactly the language."""
    return [found["body"] for found in FENCE.finditer(page.read_text(encoding="utf-8")) if found["info"].strip() == language]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=name_of)
def test_python_blocks_run_as_written(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a page one after another in one namespace, as a reader would type them."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    for number, body in enumerate(blocks(page, "python"), 1):
        exec(compile(body, f"{name_of(page)}, block {number}", "exec"), names)


def commands(page: Path) -> list[str]:
    """The commands without a window in a page's shell blocks."""
    lines = [line.strip() for body in blocks(page, "bash") for line in body.replace("\\\n", " ").splitlines()]
    found = [line.split("  #")[0].strip() for line in lines if line.startswith("landscape-gui ")]
    return [line for line in found if line.split()[1] in cli.commands() or line.split()[1].startswith("--")]


def test_the_readme_shows_commands() -> None:
    assert len(commands(ROOT / "README.md")) >= 2


@pytest.mark.parametrize("page", [p for p in PAGES if commands(p)], ids=name_of)
def test_commands_run_as_written(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And write the files that they name."""
    monkeypatch.chdir(tmp_path)
    for line in commands(page):
        arguments = shlex.split(line)[1:]
        assert cli.main(arguments) == 0, line
        for flag, value in itertools.pairwise(arguments):
            if flag in ("-o", "--output", "--save-directions"):
                assert Path(value).stat().st_size > 0, line


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for found in LINK.finditer(FENCE.sub("", page.read_text(encoding="utf-8"))):
        target = found[1] or found[3]
        if target:
            assert (page.parent / target).exists(), f"{name_of(page)} links to {target}"


def test_every_page_of_the_docs_can_be_reached_from_their_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name}" in index, f"docs/README.md does not name {page.name}"


def test_every_command_is_in_the_docs_and_every_documented_flag_exists() -> None:
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    flags = set()
    for name, command in cli.commands().items():
        assert f"`{name}" in text, f"docs/commands.md does not name {name}"
        flags |= set(cli.make_parser(name, command)._option_string_actions)
    documented = {flag.rstrip(".,") for flag in re.findall(r"`(--[a-z][a-z-]*)", text)} - {"--version", "--help"}
    assert documented <= flags, f"docs/commands.md names flags that do not exist: {sorted(documented - flags)}"
