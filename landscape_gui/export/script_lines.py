"""Statements of a script in lines that are not too long, broken at their outermost brackets as formatters do it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

WIDTH = 120
STEP = "    "


def broken(lines: Iterable[str], width: int = WIDTH) -> Iterator[str]:
    """Each line, or the lines that it is broken into; their indent is kept. A lone word that is too long stays."""
    for line in lines:
        indent = line[: len(line) - len(line.lstrip())]
        yield from (indent + part for part in _broken(line.strip(), width - len(indent)))


def _broken(text: str, width: int) -> list[str]:
    span = outermost(text) if len(text) > width else None
    if span is None:
        return [text]
    start, end = span
    inner = text[start + 1 : end]
    if not inner.strip():
        return [text]
    if len(inner) + len(STEP) <= width and text[start] == "(" and text[start - 1 : start].isidentifier():
        return [text[: start + 1], STEP + inner, text[end:]]
    parts = pieces(inner)
    if "  # " in text[end:]:
        text, note = text.split("  # ", 1)
        return [f"# {note}", *_broken(text, width)]
    found = [STEP + line for part in parts for line in _broken(f"{part},", width - len(STEP))]
    return [text[: start + 1], *found, text[end:]]


def outermost(text: str) -> tuple[int, int] | None:
    """Places of the last bracket at the outermost level and of its partner."""
    found, opened, depth = None, 0, 0
    for k, mark in marks(text):
        if mark in "([{":
            opened, depth = (k if depth == 0 else opened), depth + 1
        elif mark in ")]}":
            depth -= 1
            found = (opened, k) if depth == 0 else found
    return found


def pieces(text: str) -> list[str]:
    """What stands between the outermost commas."""
    cuts, depth = [-1], 0
    for k, mark in marks(text):
        depth += (mark in "([{") - (mark in ")]}")
        if mark == "," and depth == 0:
            cuts.append(k)
    found = [text[a + 1 : b].strip() for a, b in zip(cuts, [*cuts[1:], len(text)], strict=True)]
    return [piece for piece in found if piece]


def marks(text: str) -> Iterator[tuple[int, str]]:
    """Brackets and commas outside of strings and comments, with their places."""
    quote, k = "", 0
    while k < len(text):
        mark = text[k]
        if quote:
            k += mark == "\\"
            quote = "" if mark == quote else quote
        elif mark in "\"'":
            quote = mark
        elif mark == "#":
            return
        elif mark in "()[]{},":
            yield k, mark
        k += 1
