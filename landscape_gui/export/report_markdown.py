"""A report as Markdown beside its figures: for a repository, an issue or a notebook."""

from __future__ import annotations

from collections.abc import Iterator

from landscape_gui.export.number_table import escaped
from landscape_gui.export.report_page import Page, Picture, Section, Table, coded


def as_markdown(page: Page) -> str:
    """The whole file; pictures are links to the .png files beside it."""
    return "\n".join(lines_of(page)).strip() + "\n"


def lines_of(page: Page) -> Iterator[str]:
    yield from (f"# {escaped(page.title)}", "")
    if page.subtitle:
        yield from (escaped(page.subtitle), "")
    for words in page.warnings:
        yield from (f"> **{escaped(words)}**", "")
    if page.missing:
        yield from ("**Not in this report**", "")
        yield from (f"- **{escaped(name)}**: {escaped(why)}" for name, why in page.missing)
        yield ""
    if page.headline:
        yield from table_lines(Table(heads=("", "value", "how sure"), groups=(("", page.headline),)))
    for part in page.sections:
        yield from section_lines(part)
    if page.references:
        yield from ("## References", "")
        yield from (f"{k}. {text}" for k, text in enumerate(page.references, 1))


def section_lines(part: Section) -> Iterator[str]:
    yield from (f"## {escaped(part.title)}", "")
    for words in part.text:
        yield from ("".join(f"`{piece}`" if code else spaced(piece) for piece, code in coded(words)), "")
    for shown in part.pictures:
        yield from picture_lines(shown)
    for table in part.tables:
        yield from table_lines(table)
    if part.notes:
        yield from (f"- {escaped(note)}" for note in part.notes)
        yield ""
    if part.meanings:
        yield from ("<details><summary>What each number is, and how to read it</summary>", "")
        yield from (f"- **{escaped(name)}**: {escaped(words)}" for name, words in part.meanings)
        yield from ("", "</details>", "")
    if part.files:
        yield from ("Files: " + ", ".join(f"[{escaped(name)}]({path})" for name, path in part.files.items()), "")


def spaced(words: str) -> str:
    """Escaped, with the spaces at its ends."""
    inner = escaped(words)
    return f"{' ' * words.startswith(' ')}{inner}{' ' * (words.endswith(' ') and bool(inner))}"


def picture_lines(shown: Picture) -> Iterator[str]:
    if ".png" in shown.files:
        yield from (f"![{escaped(shown.title)}]({shown.files['.png']})", "")
    links = ", ".join(f"[{suffix.lstrip('.')}]({path})" for suffix, path in shown.files.items())
    yield from (f"**{escaped(shown.title)}.** {escaped(shown.caption)} {links}", "")


def table_lines(table: Table) -> Iterator[str]:
    yield f"| {' | '.join(map(escaped, table.heads))} |"
    yield f"| {' | '.join('---:' if 0 < k < len(table.heads) - 1 else '---' for k in range(len(table.heads)))} |"
    for title, rows in table.groups:
        if title:
            yield f"| **{escaped(title)}** |{' |' * (len(table.heads) - 1)}"
        yield from (f"| {' | '.join(map(escaped, row))} |" for row in rows)
    yield ""
