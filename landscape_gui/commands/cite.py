"""cite WHAT: the caption of a figure or an answer, and BibTeX of the methods that it uses."""

from __future__ import annotations

import argparse
from pathlib import Path

from landscape_gui.commands import outputs
from landscape_gui.commands.parser import Parser, UsageError
from landscape_gui.errors import LandscapeError
from landscape_gui.results import Provenance

SUFFIXES = {".txt": "caption", ".tex": "caption for LaTeX", ".bib": "BibTeX"}


def add_flags(parser: Parser) -> None:
    parser.add_argument(
        "what",
        metavar="WHAT",
        help="a figure, film, mesh or script that this program exported, an answer (.h5, or another program's), or the name of a "
        "question (surface, spectrum, ...)",
    )
    parser.add_argument("--caption", action="store_true", help="the caption alone")
    parser.add_argument("--latex", action="store_true", help="the caption alone, for LaTeX")
    parser.add_argument("--bibtex", action="store_true", help="BibTeX alone")
    parser.add_argument(
        "-o", "--output", action="append", default=[], metavar="FILE",
        help=f"write FILE, several times if wanted: {', '.join(f'{suffix} ({words})' for suffix, words in SUFFIXES.items())}",
    )  # fmt: skip
    parser.add_argument("--overwrite", action="store_true", help="replace files that -o names and that are there already")


def run(namespace: argparse.Namespace) -> int:
    from landscape_gui.export.files import write

    check(namespace)
    caption, bibliography = about(namespace.what)
    texts = {".txt": caption + "\n", ".tex": as_latex(caption) + "\n", ".bib": bibliography}
    for name in namespace.output:
        suffix = Path(name).suffix.lower()
        if suffix != ".bib" and not caption:
            raise LandscapeError(
                f"{namespace.what} has no caption.", remedy="Give a figure or an answer instead of a question's name."
            )
        write(Path(name), texts[suffix].encode())
    if not namespace.output:
        print(shown(namespace, caption, bibliography).rstrip())
    return 0


def check(namespace: argparse.Namespace) -> None:
    for name in namespace.output:
        if Path(name).suffix.lower() not in SUFFIXES:
            raise UsageError(
                f"{name}: what is written is {', '.join(f'{suffix} ({words})' for suffix, words in SUFFIXES.items())}."
            )
    outputs.check_folders(namespace.output)
    if not namespace.overwrite:
        outputs.check_absent(namespace.output)


def shown(namespace: argparse.Namespace, caption: str, bibliography: str) -> str:
    if namespace.caption:
        return caption
    if namespace.latex:
        return as_latex(caption)
    return bibliography if namespace.bibtex or not caption else f"{caption}\n\n{bibliography}"


def as_latex(caption: str) -> str:
    from landscape_gui.export.report_latex import latex

    return latex(caption)


def about(what: str) -> tuple[str, str]:
    """Caption and BibTeX of a question's name (without a caption), a figure or an answer. LandscapeError: it is none of them."""
    from landscape_gui.export.embedding import KINDS, read_figure
    from landscape_gui.export.references import references_of
    from landscape_gui.probes import PROBES

    if what in PROBES and not Path(what).exists():
        return "", references_of([of_question(what)])
    if Path(what).suffix.lower() in KINDS:
        record = read_figure(what)
        return record.caption, references_of([recorded.provenance for recorded in record.answers])
    return about_answer(what)


def of_question(name: str) -> Provenance:
    """As an answer to the question with its usual fields would say."""
    from landscape_gui.probes import PROBES
    from landscape_gui.probes.base import question

    return Provenance(probe=name, question=question(PROBES[name]()))


def about_answer(path: str) -> tuple[str, str]:
    from landscape_gui.export.peers_opening import read_answer
    from landscape_gui.export.references import references
    from landscape_gui.figure import Look
    from landscape_gui.probes import kind_of

    result = read_answer(path)
    figure = kind_of(result)().figure(result, Look())
    return figure.caption, references(figure)
