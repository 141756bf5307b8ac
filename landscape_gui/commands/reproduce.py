"""reproduce FIGURE: find or compute again what a figure shows, and say whether it is the same to the bit."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_gui.commands import outputs
from landscape_gui.commands.compute import INTERRUPTED, Interruption
from landscape_gui.commands.opening import add_opening_flags, chosen_before
from landscape_gui.commands.parser import Parser, UsageError
from landscape_gui.commands.terminal import ProgressBar, plain
from landscape_gui.export_formats import FIGURES

if TYPE_CHECKING:
    from landscape_gui.export.record import Record
    from landscape_gui.probes.base import Probe, Progress
    from landscape_gui.problem import Problem
    from landscape_gui.reproduction.again import Reproduced, Search
    from landscape_gui.results import Result

SAME, OTHERWISE = 0, 1
GIVEN = ("code", "data", "normalise", "size", "resize", "target", "block", "architecture", "device", "threads")


def add_flags(parser: Parser) -> None:
    parser.add_argument(
        "figure", metavar="FIGURE", help="a figure, film, mesh or script that this program exported, or an answer (.h5, .json)"
    )
    parser.add_argument(
        "--checkpoint",
        action="append",
        default=[],
        metavar="PATH",
        help="where the weights (or another program's file) lie, several times if wanted (default: where they are remembered to "
        "be, beside the figure, in this folder, among the samples)",
    )
    parser.add_argument("--recompute", action="store_true", help="compute everything again, whatever is kept")
    parser.add_argument(
        "--exact", action="store_true", help="exit status 1 also where numbers are equal to 1e-5 and not to the bit"
    )
    parser.add_argument("--json", action="store_true", help="what was found, as JSON")
    parser.add_argument("--open", action="store_true", help="open the window on it")
    parser.add_argument("-o", "--output", action="append", default=[], metavar="FILE", help=f"draw it again: {', '.join(FIGURES)}")
    parser.add_argument("--overwrite", action="store_true", help="replace files that -o names and that are there already")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress; the exit status alone")
    add_opening_flags(parser)
    parser.set_defaults(threads=None, device=None)


def run(namespace: argparse.Namespace) -> int:
    from landscape_gui.export.embedding import read_figure
    from landscape_gui.export.peers_kinds import is_answer
    from landscape_gui.reproduction.again import drawn_again, record_of_answer

    check(namespace)
    answer = is_answer(namespace.figure)
    record = record_of_answer(namespace.figure) if answer else read_figure(namespace.figure)
    if namespace.open:
        from landscape_gui.cli import open_window

        return open_window([namespace.figure])
    with Interruption() as interruption:
        found = reproduce(record, search(namespace, interruption, again=answer))
    if found is None:
        print("landscape-gui: interrupted. What was computed is kept; the same command goes on from there.", file=sys.stderr)
        return INTERRUPTED
    if namespace.output:
        redraw(namespace, record, drawn_again(record, found))
    if not namespace.quiet:
        print(json.dumps(told(record, found), indent=2) if namespace.json else words(record, found))
    return SAME if all(good(one, exact=namespace.exact) for one in found) else OTHERWISE


def check(namespace: argparse.Namespace) -> None:
    for name in namespace.output:
        if Path(name).suffix.lower() not in FIGURES:
            raise UsageError(f"{name}: a figure is drawn again as {', '.join(FIGURES)}.")
    outputs.check_folders(namespace.output)
    if not namespace.overwrite:
        outputs.check_absent(namespace.output)


def search(namespace: argparse.Namespace, interruption: Interruption, *, again: bool = False) -> Search:
    """again: ask again, whatever is kept."""
    from landscape_gui.reproduction.again import Search
    from landscape_gui.store import Store

    store = None if namespace.recompute or again else Store()

    def opened(path: str, asked: Mapping[str, Any]) -> Problem:
        from landscape_gui.problem import open_problem

        given = {name: value for name in GIVEN if (value := getattr(namespace, name))}
        trusted = (lambda digest: True) if namespace.trust else None
        return open_problem(path, trusted=trusted, chosen=chosen_before(path), **{**asked, **given})

    def answered(question: Probe, problem: Problem) -> Result:
        from landscape_gui.jobs import answer

        bar = ProgressBar(question.title)
        bar.shown = bar.shown and not namespace.quiet

        def show(progress: Progress) -> None:
            bar.update(progress.done / progress.total if progress.total else 0.0, progress.note)

        try:
            return answer(question, problem, store=store, on_progress=show, cancelled=interruption.requested)
        finally:
            bar.close()

    return Search(
        figure=Path(namespace.figure), opener=opened, answerer=answered, store=store, checkpoints=tuple(namespace.checkpoint)
    )


def reproduce(record: Record, search: Search) -> list[Reproduced] | None:
    """Every answer of the figure; None where Ctrl+C came first."""
    from landscape_gui.jobs import Cancelled

    try:
        return [search.answer(recorded) for recorded in record.answers]
    except (Cancelled, KeyboardInterrupt):
        return None


def redraw(namespace: argparse.Namespace, record: Record, figure: Any) -> None:
    """Every -o, on the page that the figure was printed on."""
    from landscape_gui.export import export

    for name in namespace.output:
        written = export(figure, name, record.setup)
        original = Path(namespace.figure)
        if original.suffix.lower() == written.suffix.lower() and not namespace.quiet and not namespace.json:
            same = written.read_bytes() == original.read_bytes()
            print(f"{name} is {'the same file, byte for byte' if same else 'another file than ' + namespace.figure}.")


def good(found: Reproduced, *, exact: bool) -> bool:
    return found.comparison.verdict == "same" or (found.comparison.verdict == "equal" and not exact)


def words(record: Record, found: Sequence[Reproduced]) -> str:
    lines = [f"drawn by landscape_gui {plain(record.program, 40)}"] if record.program else []
    for one in found:
        where = one.recorded.provenance
        title = one.question.title if one.question is not None else where.probe
        lines += [f"{plain(title)} of {plain(where.problem.get('title', '') or where.fingerprint)}, {one.how}:"]
        lines += [f"  {plain(one.comparison.sentence, 1000)}"]
    return "\n".join(lines)


def told(record: Record, found: Sequence[Reproduced]) -> dict[str, Any]:
    from landscape_gui.export.record import plain as jsonable

    return {
        "program": record.program,
        "answers": [
            {
                "probe": one.recorded.provenance.probe,
                "key": one.recorded.provenance.key,
                "fingerprint": one.recorded.provenance.fingerprint,
                "found": one.how,
                "verdict": one.comparison.verdict,
                "arrays": one.comparison.arrays,
                "changed": jsonable(one.comparison.changed),
                "surroundings": list(one.comparison.surroundings),
                "problem": list(one.comparison.problem),
                "absent": list(one.comparison.absent),
                "sentence": one.comparison.sentence,
            }
            for one in found
        ],
    }
