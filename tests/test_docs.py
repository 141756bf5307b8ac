"""What README and docs/ show is run as it stands: Python blocks, and commands that do not open the window.

A block fenced as ```python no-run or ```bash no-run is left out: it names files of the reader's own. One fenced as ```python needs
PACKAGE or ```bash needs PACKAGE runs where that package is installed.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import itertools
import re
import shlex
from pathlib import Path

import pytest

from landscape_gui import cli, connection_results, curvature_results
from landscape_gui.results import ConnectedResult, CurvatureResult

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
RUN_HERE = [page for page in PAGES if page.parent.name != "theory"]
"""Those of docs/theory are run by test_theory.py, which holds what they print to what they show."""
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```\s*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)|<img[^>]*src=\"(?!https?:)([^\"]+)\"")


def blocks(page: Path) -> list[tuple[str, str]]:
    """Language and body of a page's fenced blocks, in order."""
    return [(language_of(found["info"].strip()), found["body"]) for found in FENCE.finditer(page.read_text(encoding="utf-8"))]


def language_of(info: str) -> str:
    """The language of a block that is to be run; "python needs transformers" stays as it is where the package is missing."""
    language, _, package = info.partition(" needs ")
    return language if package and importlib.util.find_spec(package) is not None else info


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def commands(body: str) -> list[str]:
    """The commands without a window in a shell block."""
    lines = [line.strip() for line in body.replace("\\\n", " ").splitlines()]
    found = [line.split("  #")[0].strip() for line in lines if line.startswith("landscape-gui ")]
    return [line for line in found if line.split()[1] in cli.commands() or line.split()[1].startswith("--")]


def run_command(line: str) -> None:
    """Exit status 0, and the files that it names are there."""
    arguments = shlex.split(line)[1:]
    assert cli.main(arguments) == 0, line
    for flag, value in itertools.pairwise(arguments):
        if flag in ("-o", "--output", "--save-directions", "--save-surface"):
            assert Path(value).stat().st_size > 0, line


@pytest.mark.parametrize("page", [p for p in RUN_HERE if {"python", "bash"} & dict(blocks(p)).keys()], ids=name_of)
def test_what_a_page_shows_runs_as_written(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One block after another in one folder and one namespace, as a reader would type them."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    for number, (language, body) in enumerate(blocks(page), 1):
        if language == "python":
            exec(compile(body, f"{name_of(page)}, block {number}", "exec"), names)
        elif language == "bash":
            for line in commands(body):
                run_command(line)


def test_the_readme_shows_commands_and_python() -> None:
    shown = blocks(ROOT / "README.md")
    assert sum(len(commands(body)) for language, body in shown if language == "bash") >= 4
    assert [language for language, _ in shown].count("python") == 1


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


def test_the_layout_of_every_answer_about_curvature_is_described() -> None:
    """Each class's row names every field that it adds; what all have stands above the table."""
    page = (ROOT / "docs" / "store.md").read_text(encoding="utf-8")
    part = page.partition("## Answers about curvature")[2].partition("\n## ")[0]
    rows = {line.split("`")[1]: line for line in part.splitlines() if line.startswith("| `")}
    shared = {f.name for f in dataclasses.fields(CurvatureResult)}
    assert {name for name in shared if f"`{name}`" not in part} == set()
    answers = {
        name: found for name, found in vars(curvature_results).items() if name.endswith("Result") and found is not CurvatureResult
    }
    assert len(answers) >= 8
    for name, found in answers.items():
        own = {f.name for f in dataclasses.fields(found)} - shared
        assert {field for field in own if f"`{field}`" not in rows.get(name, "")} == set(), f"docs/store.md does not say of {name}"


def test_the_page_on_answers_describes_every_answer_about_connected_models() -> None:
    """Field for field, under the class that the file's `class` attribute names."""
    page = (ROOT / "docs" / "store.md").read_text(encoding="utf-8")
    part = page.partition("## Answers about connected models")[2].partition("\n## ")[0]
    rows = {line.split("`")[1]: line for line in part.splitlines() if line.startswith("| `")}
    shared = {f.name for f in dataclasses.fields(ConnectedResult)}
    assert {name for name in shared if f"`{name}`" not in part} == set()
    answers = {
        name: found
        for name, found in vars(connection_results).items()
        if isinstance(found, type) and issubclass(found, ConnectedResult) and found is not ConnectedResult
    }
    assert len(answers) >= 10
    for name, found in answers.items():
        own = {f.name for f in dataclasses.fields(found)} - shared
        assert {field for field in own if f"`{field}`" not in rows.get(name, "")} == set(), f"docs/store.md does not say of {name}"


def test_every_command_is_in_the_docs_and_every_documented_flag_exists() -> None:
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    flags = set()
    for name, command in cli.commands().items():
        assert f"`{name}" in text, f"docs/commands.md does not name {name}"
        flags |= set(cli.make_parser(name, command)._option_string_actions)
    documented = {flag.rstrip(".,") for flag in re.findall(r"`(--[a-z][a-z-]*)", text)} - {"--version", "--help"}
    assert documented <= flags, f"docs/commands.md names flags that do not exist: {sorted(documented - flags)}"
