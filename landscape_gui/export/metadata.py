"""What a figure says inside its file: caption, facts and where the numbers come from, in each format's own terms."""

from __future__ import annotations

import json
from typing import Any

from landscape_gui import __version__
from landscape_gui.figure import Figure


def metadata(figure: Figure, suffix: str) -> dict[str, Any]:
    """Caption and provenance in the terms of matplotlib's writers; no dates, so that equal figures are equal files."""
    title = figure.title or next((p.title for p in figure.panels if p.title), "Loss landscape")
    program = f"landscape_gui {__version__}"
    origin = json.dumps(provenance(figure), sort_keys=True, ensure_ascii=False, default=str)
    facts = "; ".join(f"{name}: {value}" for name, value in figure.facts)
    if suffix == ".pdf":
        return {
            "Title": title,
            "Subject": figure.caption,
            "Keywords": f"{facts} | {origin}",
            "Creator": program,
            "CreationDate": None,
        }
    if suffix == ".svg":
        return {"Title": title, "Description": f"{figure.caption}\n{facts}\n{origin}", "Creator": program, "Date": None}
    if suffix == ".eps":
        return {"Creator": program}
    return {"Title": title, "Description": figure.caption, "Facts": facts, "Provenance": origin, "Software": program}


def provenance(figure: Figure) -> dict[str, Any]:
    """Where the numbers come from, without what differs from run to run (when, how long)."""
    p = figure.provenance
    return {
        "probe": p.probe, "version": p.version, "key": p.key, "fingerprint": p.fingerprint, "question": dict(p.question),
        "problem": dict(p.problem), "environment": dict(p.environment),
    }  # fmt: skip
