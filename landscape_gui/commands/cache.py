"""cache ls | verify | clear: the answers that are kept."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from landscape_gui.commands.parser import Parser
from landscape_gui.commands.terminal import table

if TYPE_CHECKING:
    from landscape_gui.store import Store

ACTIONS = {"ls": "list them", "verify": "check every one against its checksum", "clear": "delete them"}


def add_flags(parser: Parser) -> None:
    words = "; ".join(f"{name}: {meaning}" for name, meaning in ACTIONS.items())
    parser.add_argument(
        "action", nargs="?", default="ls", choices=tuple(ACTIONS), metavar="ls|verify|clear", help=f"{words} (default: ls)"
    )


def run(namespace: argparse.Namespace) -> int:
    from landscape_gui.store import Store

    store = Store()
    if namespace.action == "verify":
        return verify(store)
    if namespace.action == "clear":
        count = counted(len(store.entries(partial=True)))
        store.clear()
        print(f"{count} deleted from {store.folder}.")
        return 0
    return list_entries(store)


def list_entries(store: Store) -> int:
    entries = store.entries(partial=True)
    if entries:
        rows = [("created", "question", "about", "done", "seconds", "kB", "key")]
        for e in entries:
            done = "all" if e.finished else f"{e.done / e.total:.0%}" if e.total else ""
            rows.append(
                (e.created[:19].replace("T", " "), e.probe, e.title, done, f"{e.seconds:.1f}", f"{e.size / 1e3:,.0f}", e.key[:12])
            )
        print(table(rows, right=(3, 4, 5)))
    print(f"{counted(len(entries))}, {sum(e.size for e in entries) / 1e6:.1f} MB, in {store.folder}.")
    return 0


def verify(store: Store) -> int:
    """Returns 1 where an answer is broken."""
    report = store.verify()
    wrong = {name: text for name, text in report.items() if text != "ok"}
    for name, text in wrong.items():
        print(f"{name}: {text}")
    print(f"{counted(len(report))} examined, {len(wrong) or 'none'} broken.")
    return int(bool(wrong))


def counted(count: int) -> str:
    return f"{count} {'answer' if count == 1 else 'answers'}"
