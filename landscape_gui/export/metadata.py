"""What a figure says inside its file: caption, facts and where the numbers come from, in each format's own terms."""

from __future__ import annotations

import json
from typing import Any

from landscape_gui import __version__
from landscape_gui.export.embedding import seal
from landscape_gui.export.record import plain_provenance, record
from landscape_gui.figure import Figure
from landscape_gui.page_setup import PageSetup

RECORD = "LandscapeFigure"
"""What the record that `landscape-gui reproduce` reads is called in a PNG."""
ORIGIN = "LandscapeProvenance"
"""What the provenance is called in a PDF, as JSON for a reader."""
DATED = ("Computed at",)


def sealed(figure: Figure, setup: PageSetup) -> str:
    """The record of a figure as one word, for its file."""
    return seal(record(figure, setup))


def metadata(figure: Figure, suffix: str) -> dict[str, Any]:
    """Caption and provenance in the terms of matplotlib's writers; no dates, so that equal figures are equal files."""
    titles = [p.title for p in figure.panels if p.title][: None if len(figure.sources) > 1 else 1]
    title = figure.title or ", ".join(dict.fromkeys(titles)) or "Loss landscape"
    program = f"landscape_gui {__version__}"
    origin = provenance(figure)
    facts = "; ".join(f"{name}: {value}" for name, value in figure.facts if not name.endswith(DATED))
    if suffix == ".pdf":
        return {
            "Title": title,
            "Subject": figure.caption,
            "Keywords": facts,
            "Creator": program,
            "CreationDate": None,
        }
    if suffix == ".svg":
        return {"Title": title, "Description": f"{figure.caption}\n{facts}\n{origin}", "Creator": program, "Date": None}
    if suffix == ".eps":
        return {"Creator": program}
    return {"Title": title, "Description": figure.caption, "Facts": facts, "Provenance": origin, "Software": program}


def keywords(facts: str, record: str) -> str:
    """What stands in the one field of a PDF that most programs hand on: the facts for a reader, the record for a program."""
    return f"{facts} | {record}"


def provenance(figure: Figure) -> str:
    """Where the numbers come from as JSON, for a reader of the file; of a composed figure for each of its answers."""
    found = [plain_provenance(where) for where in figure.sources or (figure.provenance,)]
    return json.dumps(found[0] if len(found) == 1 else {"answers": found}, sort_keys=True, ensure_ascii=False, default=str)
