"""figure PATH...: several answers in one figure, from a figure file, answers, checkpoints and samples."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_gui.commands import compute, flags, opening, outputs
from landscape_gui.commands.figure_flags import GIVEN_PAGE, prepare
from landscape_gui.commands.parser import Parser, UsageError
from landscape_gui.composition.composition import Cell, Composition
from landscape_gui.errors import LandscapeError, TrustNeeded
from landscape_gui.export_formats import format_of, suffixes
from landscape_gui.figure import Camera, Look

if TYPE_CHECKING:
    from landscape_gui.composition.lost import Lost
    from landscape_gui.figure import Figure
    from landscape_gui.page_setup import PageSetup
    from landscape_gui.probes.base import Probe
    from landscape_gui.problem import Problem
    from landscape_gui.results import Result

__all__ = ["add_flags", "prepare", "run"]


class Stopped(Exception):
    """Ctrl+C came before everything was computed."""


def add_flags(parser: Parser) -> None:
    from landscape_gui.commands.figure_flags import add_figure_flags

    add_figure_flags(parser)


def run(namespace: argparse.Namespace) -> int:
    from landscape_gui.composition import composed, write_composition
    from landscape_gui.composition.file import SUFFIX

    check_outputs(namespace)
    try:
        with compute.Interruption() as interruption:
            composition, answers = Composing(namespace, interruption).all()
    except Stopped:
        print("landscape-gui: interrupted. What was computed is kept; the same command goes on from there.", file=sys.stderr)
        return compute.INTERRUPTED
    setup = composition.setup()
    figure = composed(composition, answers)
    for name in namespace.output:
        if name.lower().endswith(SUFFIX):
            write_composition(name, composition)
        else:
            write(figure, name, setup, namespace)
    tell_lost(answers, quiet=namespace.quiet)
    if not namespace.quiet and (sys.stdout.isatty() or not namespace.output):
        print(figure.caption)
    return 0


def check_outputs(namespace: argparse.Namespace) -> None:
    """Said before anything is computed."""
    from landscape_gui.composition.file import SUFFIX

    kinds = (SUFFIX, *suffixes(figures=True))
    for name in namespace.output:
        if not name.lower().endswith(kinds):
            raise UsageError(f"{name}: the suffix decides what is written of a figure; it can be {', '.join(kinds)}.")
    outputs.check_folders(namespace.output)
    own = [os.path.realpath(path) for path in namespace.paths]
    if not namespace.overwrite:
        outputs.check_absent([name for name in namespace.output if os.path.realpath(name) not in own])


def write(figure: Figure, name: str, setup: PageSetup, namespace: argparse.Namespace) -> None:
    """One -o that is no figure file. LandscapeError where the figure is no such thing."""
    kind = format_of(name)
    if not kind.fits(figure, None):
        raise LandscapeError(
            f"{name}: a mesh is one surface, and this figure shows none or those of several answers.",
            remedy="Write each by itself: landscape-gui export ANSWER -o NAME, or figure with one PATH.",
        )
    if kind.group == "mesh":
        from landscape_gui.export.meshes import write_mesh

        write_mesh(figure, name, heights=namespace.heights)
    else:
        kind.write(Path(name), figure, None, setup)


def tell_lost(answers: Sequence[Result | Lost | None], *, quiet: bool) -> None:
    from landscape_gui.composition.lost import Lost

    for answer in answers:
        if isinstance(answer, Lost) and not quiet:
            print(f"landscape-gui: {answer.sentence}", file=sys.stderr)


class Composing:
    """The composition that the command line describes, with an answer for each cell."""

    def __init__(self, namespace: argparse.Namespace, interruption: compute.Interruption) -> None:
        from landscape_gui.store import Store

        self.namespace, self.interruption, self.store = namespace, interruption, Store()
        self.problems: dict[str, Problem] = {}
        self.known: dict[str, Result] = {}
        """Answers by the key of the store, or by the file's path."""

    def all(self) -> tuple[Composition, list[Result | Lost | None]]:
        from landscape_gui.composition import is_composition, read_composition

        paths = self.namespace.paths
        saved = [path for path in paths if is_composition(path)]
        if len(saved) > 1 or (saved and saved[0] != paths[0]):
            raise UsageError("One figure file can be opened at a time. Name it first, then what is added to it.")
        begun = read_composition(saved[0]) if saved else Composition()
        if saved and self.namespace.refresh:
            begun = self.refresh(begun)
        added = self.new_cells(paths[len(saved) :])
        composition = begun.added(*self.titled(added)) if added else replace(begun, cells=tuple(self.titled(list(begun.cells))))
        composition = self.with_difference(self.described(composition, new=not saved))
        if not composition.cells:
            raise UsageError("Nothing is to be shown. Name checkpoints, samples or answers.")
        composition.setup()
        return composition, [self.answer_of(cell, saved[0] if saved else "") for cell in composition.cells]

    def answer_of(self, cell: Cell, file: str) -> Result | Lost | None:
        from landscape_gui.composition.answers import found

        kept = self.known.get(cell.answer or cell.key)
        return kept if kept is not None else found(cell, self.store, f"landscape-gui figure {file} --refresh" if file else "")

    # what is named

    def new_cells(self, paths: Sequence[str]) -> list[Cell]:
        """A cell for every path, question and view, in the order in which they were named."""
        from landscape_gui.export.peers_kinds import is_answer

        cells: list[Cell] = []
        for path in paths:
            if is_answer(path):
                if self.namespace.over_epochs is not None:
                    raise UsageError(f"{path} is an answer. --over-epochs takes the checkpoints of a run: name its folder.")
                cells += self.of_file(path)
                continue
            cells += [cell for name in self.over_epochs(path) for cell in self.of_problem(name, self.opened(name))]
        return cells

    def over_epochs(self, path: str) -> list[str]:
        """The path, or so many checkpoints of its run as were asked for."""
        count = self.namespace.over_epochs
        if count is None:
            return [path]
        from landscape_gui.composition.answers import picked

        problem = self.opened(path)
        entries = problem.run.checkpoints if problem.run is not None else ()
        if len(entries) < 2:
            raise UsageError(f"{path} is no run: it has one checkpoint. Leave --over-epochs out, or name the folder of a run.")
        return [str(entry.path) for entry in picked(entries, count)]

    def of_file(self, path: str) -> list[Cell]:
        from landscape_gui.composition.answers import cell_of_result
        from landscape_gui.export.peers_opening import read_answer

        result = read_answer(path)
        where = os.path.abspath(path)
        self.known[where] = result
        return [cell_of_result(result, answer=where, look=look) for look in self.looks(result)]

    def of_problem(self, path: str, problem: Problem) -> list[Cell]:
        from landscape_gui.composition.answers import cell_for

        cells = []
        for question in self.questions(problem):
            result = self.computed(question, problem)
            given = self.opening_of()
            cells += [cell_for(question, problem, path, given, look=look) for look in self.looks(result)]
            self.known[cells[-1].key] = result
        return cells

    def questions(self, problem: Problem) -> list[Probe]:
        """The first with its flags; the others take what has the same name."""
        from landscape_gui.probes import PROBES

        first = flags.make_probe(PROBES[self.namespace.probe[0]], self.namespace, problem)
        first = compute.sized(first, self.namespace, problem)
        found = [first]
        for name in self.namespace.probe[1:]:
            kind = PROBES[name]
            named = {key.removeprefix(flags.PREFIX) for key in vars(self.namespace) if key.startswith(flags.PREFIX)}
            same = {f.name: f.default for f in dataclasses.fields(kind)}
            values = {key: getattr(first, key) for key in named & same.keys() if type(getattr(first, key)) is type(same[key])}
            found.append(kind(**values))
        return found

    def looks(self, result: Result) -> list[Look]:
        """How the answer is looked at: in each view that was asked for, where it has a surface."""
        from landscape_gui.composition.questions import probe_of

        base = replace(Look(), **look_changes(self.namespace))
        figure = probe_of(result).figure(result, base)
        views = self.namespace.view if figure.panels and figure.panels[0].surface is not None else ()
        return [replace(base, view=view) for view in views] or [base]

    # what is computed

    def opened(self, path: str) -> Problem:
        if path not in self.problems:
            self.problems[path] = opening.open_named(path, self.namespace)
        return self.problems[path]

    def opening_of(self) -> dict[str, Any]:
        from landscape_gui.composition.file import OPENING

        return {name: getattr(self.namespace, name, None) for name in OPENING}

    def computed(self, question: Probe, problem: Problem) -> Result:
        result = compute.ask(question, problem, self.interruption, quiet=self.namespace.quiet)
        if result is None:
            raise Stopped
        return result

    def refresh(self, composition: Composition) -> Composition:
        """Every cell with the answer about its checkpoint as it is now; one whose checkpoint cannot be opened stays as it is."""
        from landscape_gui.composition.answers import refreshed

        cells = []
        for cell in composition.cells:
            if cell.checkpoint:
                try:
                    fresh, result = refreshed(cell, self.open_cell, self.computed)
                    cell = replace(fresh, answer="")
                    self.known[cell.key] = result
                except TrustNeeded:
                    raise
                except LandscapeError as error:
                    print(f"landscape-gui: {cell.name}: {error}", file=sys.stderr)
            cells.append(cell)
        return replace(composition, cells=tuple(cells))

    def open_cell(self, cell: Cell) -> Problem:
        given = vars(self.namespace) | {name: cell.opening.get(name, usual) for name, usual in UNSAID.items()}
        return opening.open_named(cell.checkpoint, argparse.Namespace(**given))

    # what is said of the whole

    def titled(self, cells: list[Cell]) -> list[Cell]:
        titles = self.namespace.panel_title
        if len(titles) > len(cells):
            raise UsageError(f"There are {len(titles)} titles and {len(cells)} panels. Give one --title a panel, in their order.")
        return [replace(cell, title=title) for cell, title in zip(cells, titles, strict=False)] + cells[len(titles) :]

    def with_difference(self, composition: Composition) -> Composition:
        if not self.namespace.difference:
            return composition
        if len(composition.cells) < 2:
            raise UsageError("--difference needs two panels. Name two checkpoints or answers.")
        if any(cell.difference == (1, 0) for cell in composition.cells):
            return composition
        look = replace(composition.cells[1].look, view="2d", limits=None)
        return composition.added(Cell(difference=(1, 0), look=look))

    def described(self, composition: Composition, *, new: bool) -> Composition:
        """With what the flags say of the figure as a whole; what they do not say stays as the file has it."""
        told = self.namespace
        page = dict(composition.page) | page_changes(told)
        changes: dict[str, Any] = {"page": page}
        for name, value in (("columns", told.across), ("share", told.share), ("bar", told.bar), ("title", told.figure_title)):
            if value is not None:
                changes[name] = value
        for name, values in (("heads", told.column_title), ("sides", told.row_title)):
            if values:
                changes[name] = tuple(values)
        if told.camera:
            changes["camera"] = Camera(azimuth=told.camera[0], elevation=told.camera[1])
        if told.limits:
            changes["limits"] = told.limits
        found = replace(composition, **changes)
        return found if new else found.looked(**look_changes(told, of_file=True))


UNSAID: dict[str, Any] = {
    "code": None, "data": None, "normalise": None, "size": None, "resize": None, "target": "", "block": 0, "architecture": None,
}  # fmt: skip


def look_changes(told: argparse.Namespace, *, of_file: bool = False) -> dict[str, Any]:
    """What the flags say of a look. Limits and camera are the figure's."""
    names = ("quantity", "statistic", "colour_map", "levels")
    given: dict[str, Any] = {name: getattr(told, name) for name in names if getattr(told, name) is not None}
    given |= {"height": told.relief} if told.relief is not None else {}
    given |= {"scale": "log"} if told.log else {}
    given |= {"width": told.kernel_width} if told.kernel_width is not None else {}
    given |= {"contour_lines": False} if told.no_contours else {}
    if told.view and (not of_file or len(told.view) == 1):
        given["view"] = told.view[0]
    return given


def page_changes(told: argparse.Namespace) -> dict[str, Any]:
    """What the flags say of the page."""
    given = {name: value for name, flag in GIVEN_PAGE.items() if (value := getattr(told, flag)) is not None}
    given |= {"transparent": True} if told.transparent else {}
    given |= {"titles": False} if told.no_title else {}
    given |= {"theme": "dark"} if told.theme == "dark" else {}
    given |= {"letters": True} if told.letters else {"letters": False} if told.no_letters else {}
    return given
