"""analyze: one command from a network to a folder with figures, tables, answers and a report."""

from __future__ import annotations

import argparse
import json
import math
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_gui.commands import analyze_course, analyze_parts, analyze_report, analyze_size, analyze_subject, opening
from landscape_gui.commands.analyze_parts import ANSWERS, FIGURES, TABLES, Outcome, Part
from landscape_gui.commands.analyze_reduced import reduced
from landscape_gui.commands.analyze_size import Remaining, Size
from landscape_gui.commands.compute import INTERRUPTED, Interruption, ask
from landscape_gui.commands.parser import Parser, UsageError, number, whole_number
from landscape_gui.commands.terminal import ProgressBar
from landscape_gui.errors import LandscapeError, StoreError
from landscape_gui.whole_files import write_whole

if TYPE_CHECKING:
    from landscape_gui.commands.analyze_course import Course
    from landscape_gui.commands.analyze_size import Costs
    from landscape_gui.commands.analyze_subject import Subject
    from landscape_gui.export.report_page import Section
    from landscape_gui.problem import Problem

MARK = "analysis.json"
WANTED = {"visualize": "visualize", "compute_hessian": "hessian", "track_trajectory": "trajectory"}
NAMES = {"visualize": ("surface",), "hessian": ("curvature",), "trajectory": ("trajectory", "dynamics")}
PICTURES = 12
"""Figures of a report, each for light and for dark."""
LATER = "interrupted before it was done; the same command goes on from there."
HELP_PATH = "a checkpoint, a folder of them (its last one counts), or samples:NAME"


def add_flags(parser: Parser) -> None:
    parser.add_argument("path", nargs="?", metavar="PATH", help=HELP_PATH)
    what = parser.add_argument_group("a network by name, instead of PATH")
    names = "mlp, cnn, lenet, resnet8 ... resnet110, resnet18, resnet34, resnet50, timm:NAME, torchvision:NAME"
    what.add_argument("--model", metavar="NAME", help=names)
    what.add_argument(
        "--dataset",
        metavar="NAME",
        help="digits, mnist1d (come with the program); mnist, fashion-mnist, cifar10, cifar100 (your files: --data PATH; nothing "
        "is downloaded)",
    )
    what.add_argument("--checkpoint", metavar="FILE", help="its weights; without them they are random, which the report says")
    what.add_argument("--train", type=opening.at_least_one, metavar="EPOCHS", help="train it first, and record the run")
    parts = parser.add_argument_group("what is done (nothing named: all three)")
    parts.add_argument("--visualize", action="store_true", help="the loss on a plane of random directions")
    parts.add_argument("--compute-hessian", action="store_true", help="eigenvalues, trace, density, sharpness by name")
    help = "the run's path in its principal plane, and its dynamics; a lone checkpoint: those of a copy that is optimised from it"
    parts.add_argument("--track-trajectory", action="store_true", help=help)
    size = parser.add_argument_group("how much")
    size.add_argument("--save-dir", default="results", metavar="FOLDER", help="where everything goes (default: results)")
    size.add_argument("--limit", type=whole_number, metavar="N", help="a random subset of so many examples; 0: all")
    size.add_argument(
        "--minutes", type=number, default=10.0, metavar="M", help="without --limit: as large as is estimated at so long (10)"
    )
    size.add_argument(
        "--steps", type=steps_of, metavar="N", help="points a side of the surface (31, or fewer that fit into --minutes)"
    )
    size.add_argument("--top", type=opening.at_least_one, metavar="N", help="eigenvalues (10, or fewer that fit into --minutes)")
    size.add_argument("--seed", type=whole_number, default=0, metavar="N", help="of everything random (default: 0)")
    size.add_argument("--overwrite", action="store_true", help="replace the report of something else in that folder")
    size.add_argument("-q", "--quiet", action="store_true", help="no estimate, no progress, no summary")
    opening.add_opening_flags(parser)


def steps_of(text: str) -> int:
    count = whole_number(text)
    if not 3 <= count <= 1025:
        raise argparse.ArgumentTypeError(f"takes 3 to 1025, not {count}")
    return count


def run(namespace: argparse.Namespace) -> int:
    analyze_subject.check(namespace)
    if namespace.limit is not None and namespace.limit < 0:
        raise UsageError(f"--limit is {namespace.limit}. Give how many examples, or 0 for all.")
    folder = Path(namespace.save_dir)
    spec = analyze_subject.spec_of(namespace)
    check_folder(folder, spec, overwrite=namespace.overwrite)
    analysis = Analysis(namespace, folder, spec)
    with Interruption() as interruption:
        analysis.say(f"Opening {namespace.path or namespace.checkpoint or namespace.model} ...")
        subject = analyze_subject.open_subject(
            namespace, folder, interruption.requested, lambda: prepare_folder(folder, spec), analysis.allowance
        )
        if subject.problem is None:
            print(
                "landscape-gui: interrupted while training. What was trained is kept; the same command goes on from there.",
                file=sys.stderr,
            )
            return INTERRUPTED
        return analysis.go(subject.problem, subject, interruption)


class Analysis:
    """One analysis under way."""

    def __init__(self, namespace: argparse.Namespace, folder: Path, spec: dict[str, Any]) -> None:
        self.namespace, self.folder, self.spec = namespace, folder, spec
        self.wanted = wanted_of(namespace)
        self.asked = asked_of(namespace, self.wanted)
        known = read_mark(folder) or {}
        self.known: dict[str, Any] = known if known.get("asked") == self.asked and known.get("subject") == spec else {}
        seconds = 60.0 * namespace.minutes if namespace.limit is None else math.inf
        self.allowance = analyze_subject.Allowance(seconds, self.known.get("examples"), decided=self.decided)

    def say(self, words: str) -> None:
        if not self.namespace.quiet:
            print(words, file=sys.stderr, flush=True)

    def decided(self, examples: int) -> None:
        """Keep how many examples are known, so that the same command goes on with them."""
        self.known = {**self.known, "subject": self.spec, "asked": self.asked, "examples": examples}
        write_mark(self.folder, self.known)

    def go(self, problem: Problem, subject: Subject, interruption: Interruption) -> int:
        """Everything about the problem, and the folder written."""
        if not analyze_report.untrained(subject.warnings):
            opening.say_warnings(problem)
        for warning in subject.warnings:
            print(f"landscape-gui: {warning}", file=sys.stderr)
        outcome = Outcome()
        own = analyze_course.own_course(problem, trained_here=subject.trained) if "trajectory" in self.wanted else None
        costs = analyze_size.costs_of(problem, subject.pace, self.wanted, own.checkpoints if own else 0)
        size = self.size(costs, subject)
        course = own or self.continued(problem, size, outcome, interruption)
        parts = analyze_parts.parts_of(self.wanted, size, course)
        if course is not None and not course.own:
            costs = analyze_size.with_course(costs, course.problem, course.checkpoints)
        left = Remaining([analyze_parts.seconds_of(part, costs, size) for part in parts])
        self.say("\n".join(analyze_parts.estimate(parts, left, costs, size)))
        interrupted = self.answer_all(parts, problem, left, outcome, interruption)
        warnings = (*subject.warnings, *analyze_parts.subset_words(costs, size))
        path = self.write_all(parts, problem, outcome, (*warnings,), reduced(costs, size, self.namespace))
        if not self.namespace.quiet:
            print(f"{path}" if not outcome.missing else f"{path} (without {', '.join(outcome.missing)})")
        if interrupted:
            print("landscape-gui: interrupted. What was computed is kept; the same command goes on from there.", file=sys.stderr)
            return INTERRUPTED
        return 1 if outcome.missing else 0

    def size(self, costs: Costs, subject: Subject) -> Size:
        """As asked, else as last time in this folder, else the largest that the minutes allow."""
        given, known = self.namespace, self.known.get("size")
        if known is not None:
            return Size(**known)
        fixed = {"steps": given.steps, "top": given.top}
        size = Size(limit=given.limit or 0, examples=subject.examples, seed=given.seed, **{k: v for k, v in fixed.items() if v})
        if given.limit is None:
            names = [name for what in self.wanted for name in NAMES[what]]
            left = self.allowance.left - analyze_parts.DRAWING * PICTURES - 2 * self.facts(costs)
            size = analyze_size.largest(costs, names, size, left, **fixed)
        self.known = {**self.known, "size": size.kept()}
        write_mark(self.folder, self.known)
        return size

    @staticmethod
    def facts(costs: Costs) -> float:
        """A pass over everything that is known."""
        return costs.pace.loss(sum(costs.problem.splits.values())) if costs.pace is not None else 0.0

    def continued(self, problem: Problem, size: Size, outcome: Outcome, interruption: Interruption) -> Course | None:
        """A copy that is optimised from the checkpoint, where a trajectory is wanted and there is no run."""
        if "trajectory" not in self.wanted:
            return None
        self.say(f"No run of {analyze_course.FEWEST_CHECKPOINTS} checkpoints: optimising a copy for {size.how.updates} steps ...")
        bar = ProgressBar("Optimising a copy")
        bar.shown = bar.shown and not self.namespace.quiet
        try:
            course = analyze_course.continued_course(
                problem, self.folder, updates=size.how.updates, moments=size.how.moments, examples=size.limit, seed=size.seed,
                cancelled=interruption.requested, tell=bar.update,
            )  # fmt: skip
        except LandscapeError as error:
            self.missed("Trajectory", error, outcome)
            return None
        finally:
            bar.close()
        if course is None:
            outcome.missing["Trajectory"] = LATER
        return course

    def missed(self, title: str, error: LandscapeError, outcome: Outcome) -> None:
        outcome.missing[title] = str(error)
        print(f"landscape-gui: no {title.lower()}: {error}", file=sys.stderr)

    def answer_all(
        self, parts: list[Part], problem: Problem, left: Remaining, outcome: Outcome, interruption: Interruption
    ) -> bool:
        """Ask one question after the other; whether that was interrupted."""
        for place, part in enumerate(parts):
            self.say(f"{place + 1} of {len(parts)}: {part.title}, {left.words(place)}")
            left.begin()
            try:
                found = None if interruption.requested() else ask(
                    part.question, part.of or problem, interruption, quiet=self.namespace.quiet
                )  # fmt: skip
            except LandscapeError as error:
                self.missed(part.title, error, outcome)
                continue
            if found is None:
                outcome.missing |= {p.title: LATER for p in parts[place:]}
                return True
            left.end(place)
            outcome.answers[part.name] = found
        return interruption.requested()

    def write_all(
        self, parts: list[Part], problem: Problem, outcome: Outcome, warnings: tuple[str, ...], reductions: Section | None
    ) -> Path:
        """Every file of the folder. Returns the path of the report."""
        from landscape_gui.export import write
        from landscape_gui.export.report_html import as_html
        from landscape_gui.export.report_markdown import as_markdown
        from landscape_gui.jobs import answer
        from landscape_gui.store import Store

        self.say("Figures and report ...")
        sections = []
        for part in parts:
            result = outcome.answers.get(part.name)
            if result is None:
                continue
            sections.append(analyze_parts.write_part(part, result, self.folder))
            for more in analyze_parts.along(part, problem):
                sections.append(analyze_parts.write_part(more, answer(more.question, problem, store=Store()), self.folder))
        sections += [reductions] if reductions is not None else []
        page = analyze_report.page_of(problem, outcome, sections, warnings, command_line(), datetime.now(UTC))
        write(self.folder / "report.md", as_markdown(page).encode())
        path = write(self.folder / "report.html", as_html(page).encode())
        self.known = {**self.known, "done": list(outcome.answers), "missing": outcome.missing}
        write_mark(self.folder, self.known)
        return path


def asked_of(namespace: argparse.Namespace, wanted: list[str]) -> dict[str, Any]:
    """What decides how large an analysis is, JSON-able."""
    names = ("minutes", "limit", "steps", "top", "seed")
    return {"wanted": wanted, **{name: getattr(namespace, name) for name in names}}


def wanted_of(namespace: argparse.Namespace) -> list[str]:
    named = [what for flag, what in WANTED.items() if getattr(namespace, flag)]
    return named or list(WANTED.values())


def check_folder(folder: Path, spec: dict[str, Any], *, overwrite: bool) -> None:
    """UsageError where the folder holds something else. Writes nothing."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file. Name a folder with --save-dir.")
    if overwrite or not folder.exists() or not any(folder.iterdir()):
        return
    known = read_mark(folder)
    if known is None:
        raise UsageError(f"{folder} is there already and holds something else. Name another --save-dir, or add --overwrite.")
    if known.get("subject") != spec:
        raise UsageError(f"{folder} holds the report of something else. Name another --save-dir, or add --overwrite.")


def prepare_folder(folder: Path, spec: dict[str, Any]) -> None:
    """Make the folder. Raises StoreError."""
    known = read_mark(folder) or {}
    try:
        if known and known.get("subject") != spec:
            set_aside(folder)
            known = {}
        for place in (FIGURES, TABLES, ANSWERS):
            (folder / place).mkdir(parents=True, exist_ok=True)
        write_mark(folder, {**known, "subject": spec})
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror or error}.", remedy="Name another --save-dir.") from error


def set_aside(folder: Path) -> None:
    """Weights and runs that were made for another report keep a name of their own."""
    for name in (analyze_subject.MODEL, analyze_subject.RUN, analyze_course.CONTINUED):
        if (folder / name).exists():
            analyze_course.aside(folder / name)


def read_mark(folder: Path) -> dict[str, Any] | None:
    """What a report's folder says of itself; None where it is none."""
    try:
        found = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def write_mark(folder: Path, content: dict[str, Any]) -> None:
    """Whole or not at all: a folder whose mark is torn would be one of something else. Raises StoreError."""
    try:
        write_whole(folder / MARK, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror or error}.", remedy="Name another --save-dir.") from error


def command_line() -> str:
    import shlex

    arguments = sys.argv[1:] if Path(sys.argv[0]).name.startswith(("landscape-gui", "__main__")) else []
    return shlex.join(["landscape-gui", *arguments]) if arguments else ""
