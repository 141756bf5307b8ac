"""analyze: one command from a network to a folder with figures, tables, answers and a report."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_gui.commands import analyze_parts, analyze_subject, opening
from landscape_gui.commands.analyze_parts import ANSWERS, FIGURES, TABLES, Outcome, Part, Settings
from landscape_gui.commands.compute import INTERRUPTED, Interruption, ask
from landscape_gui.commands.parser import Parser, UsageError, number, whole_number
from landscape_gui.errors import LandscapeError, StoreError

if TYPE_CHECKING:
    from landscape_gui.problem import Problem

MARK = "analysis.json"
WANTED = {"visualize": "visualize", "compute_hessian": "hessian", "track_trajectory": "trajectory"}
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
    parts = parser.add_argument_group("what is done (nothing named: all that there is something for)")
    parts.add_argument("--visualize", action="store_true", help="the loss on a plane of random directions")
    parts.add_argument("--compute-hessian", action="store_true", help="eigenvalues, trace, density, sharpness by name")
    help = "the run's path in the plane of its principal components, and its dynamics; a network by name is trained briefly for it"
    parts.add_argument("--track-trajectory", action="store_true", help=help)
    size = parser.add_argument_group("how much")
    size.add_argument("--save-dir", default="results", metavar="FOLDER", help="where everything goes (default: results)")
    size.add_argument("--limit", type=whole_number, metavar="N", help="a random subset of so many examples; 0: all")
    size.add_argument(
        "--minutes", type=number, default=10.0, metavar="M", help="without --limit: as many examples as this allows (10)"
    )
    size.add_argument("--steps", type=steps_of, default=31, metavar="N", help="points a side of the surface (default: 31)")
    size.add_argument("--top", type=opening.at_least_one, default=10, metavar="N", help="eigenvalues (default: 10)")
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
    folder = Path(namespace.save_dir)
    spec = analyze_subject.spec_of(namespace)
    check_folder(folder, spec, overwrite=namespace.overwrite)
    with Interruption() as interruption:
        subject = analyze_subject.open_subject(
            namespace, folder, interruption.requested, lambda: prepare_folder(folder, spec)
        )  # fmt: skip
        if subject.problem is None:
            print(
                "landscape-gui: interrupted while training; the run so far is kept, and the same command trains anew.",
                file=sys.stderr,
            )
            return INTERRUPTED
        for warning in subject.warnings:
            print(f"landscape-gui: {warning}", file=sys.stderr)
        return analyse(namespace, subject.problem, subject.warnings, folder, spec, interruption)


def analyse(
    namespace: argparse.Namespace,
    problem: Problem,
    warnings: tuple[str, ...],
    folder: Path,
    spec: dict[str, Any],
    interruption: Interruption,
) -> int:
    wanted = wanted_of(namespace)
    settings = settings_of(namespace, problem, wanted, folder, spec)
    parts, missing = analyze_parts.parts_of(problem, wanted, settings)
    missing = missing if namespace.track_trajectory else {}  # nobody asked for what there is nothing for
    if not namespace.quiet:
        print("\n".join(analyze_parts.estimate(parts, problem, settings)), file=sys.stderr)
    warnings = (*warnings, *analyze_parts.subset_words(problem, settings))
    outcome = Outcome(missing=missing)
    interrupted = answer_all(parts, problem, outcome, interruption, quiet=namespace.quiet)
    path = write_all(parts, problem, outcome, warnings, folder, spec)
    if not namespace.quiet:
        print(f"{path}" if not outcome.missing else f"{path} (without {', '.join(outcome.missing)})")
    if interrupted:
        print("landscape-gui: interrupted. What was computed is kept; the same command goes on from there.", file=sys.stderr)
        return INTERRUPTED
    return 1 if outcome.missing.keys() - missing.keys() else 0


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
    for name in (analyze_subject.MODEL, analyze_subject.RUN):
        place = folder / name
        if place.exists():
            number = next(k for k in range(1, 10_000) if not (folder / f"{name}-before-{k}").exists())
            place.rename(folder / f"{name}-before-{number}")


def read_mark(folder: Path) -> dict[str, Any] | None:
    """What a report's folder says of itself; None where it is none."""
    try:
        found = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def write_mark(folder: Path, content: dict[str, Any]) -> None:
    (folder / MARK).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def settings_of(namespace: argparse.Namespace, problem: Problem, wanted: list[str], folder: Path, spec: dict[str, Any]) -> Settings:
    """How large it is: as asked, else as last time in this folder, else what the minutes allow."""
    settings = Settings(limit=0, steps=namespace.steps, top=namespace.top, seed=namespace.seed)
    known = read_mark(folder) or {}
    limit = namespace.limit
    if limit is None:
        asked = {"minutes": namespace.minutes, "wanted": wanted, "steps": namespace.steps, "top": namespace.top}
        same = known.get("asked") == asked
        limit = known["limit"] if same else analyze_parts.chosen_limit(problem, wanted, settings, 60 * namespace.minutes)
        write_mark(folder, {"subject": spec, "asked": asked, "limit": limit})
    elif limit < 0:
        raise UsageError(f"--limit is {limit}. Give how many examples, or 0 for all.")
    return Settings(limit=limit, steps=namespace.steps, top=namespace.top, seed=namespace.seed)


def answer_all(parts: list[Part], problem: Problem, outcome: Outcome, interruption: Interruption, *, quiet: bool) -> bool:
    """Ask one question after the other; whether that was interrupted."""
    for place, part in enumerate(parts):
        try:
            found = None if interruption.requested() else ask(part.question, problem, interruption, quiet=quiet)
        except LandscapeError as error:
            outcome.missing[part.title] = str(error)
            print(f"landscape-gui: no {part.title.lower()}: {error}", file=sys.stderr)
            continue
        if found is None:
            outcome.missing |= {
                p.title: "interrupted before it was done; the same command goes on from there." for p in parts[place:]
            }
            return True
        outcome.answers[part.name] = found
    return False


def write_all(
    parts: list[Part], problem: Problem, outcome: Outcome, warnings: tuple[str, ...], folder: Path, spec: dict[str, Any]
) -> Path:
    """Every file of the folder. Returns the path of the report."""
    from landscape_gui.commands.analyze_report import page_of
    from landscape_gui.export import write
    from landscape_gui.export.report_html import as_html
    from landscape_gui.export.report_markdown import as_markdown
    from landscape_gui.jobs import answer
    from landscape_gui.store import Store

    sections = []
    for part in parts:
        result = outcome.answers.get(part.name)
        if result is None:
            continue
        sections.append(analyze_parts.write_part(part, result, folder))
        for more in analyze_parts.along(part, problem):
            sections.append(analyze_parts.write_part(more, answer(more.question, problem, store=Store()), folder))
    page = page_of(problem, outcome, sections, warnings, command_line(), datetime.now(UTC))
    write(folder / "report.md", as_markdown(page).encode())
    path = write(folder / "report.html", as_html(page).encode())
    mark = read_mark(folder) or {"subject": spec}
    write_mark(folder, {**mark, "done": list(outcome.answers), "missing": outcome.missing})
    return path


def command_line() -> str:
    import shlex

    arguments = sys.argv[1:] if Path(sys.argv[0]).name.startswith(("landscape-gui", "__main__")) else []
    return shlex.join(["landscape-gui", *arguments]) if arguments else ""
