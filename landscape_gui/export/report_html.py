"""A report as one HTML file: pictures inside, nothing loaded from elsewhere, light and dark, readable on a screen and printed."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from landscape_gui.export import render
from landscape_gui.export.report_page import Page, Picture, Section, Table, coded
from landscape_gui.figure import Figure
from landscape_gui.page_setup import PageSetup
from landscape_gui.style import DARK, LIGHT, Theme

DPI = 200.0
SHORT = 40
"""Letters of a table's last cell that stay on one line."""
STYLE = """
:root{--paper:#fff;--ink:#212429;--muted:#5b6270;--line:#dadde3;--soft:#f4f5f7;--accent:#0072b2;--warn:#fff4e5;--warn-edge:#d55e00}
@media (prefers-color-scheme:dark){:root{--paper:#16181d;--ink:#dadde2;--muted:#9aa0ab;--line:#33373f;--soft:#1e2127;
--accent:#4ba3da;--warn:#33261a;--warn-edge:#e69f00}}
@media print{:root{--paper:#fff;--ink:#000;--muted:#444;--line:#bbb;--soft:#fff;--accent:#000;--warn:#fff;--warn-edge:#000}}
*{box-sizing:border-box}
html{background:var(--paper);color:var(--ink);font:16px/1.55 "Open Sans",system-ui,-apple-system,"Segoe UI",sans-serif}
body{max-width:62rem;margin:0 auto;padding:2.5rem 1.5rem 4rem}
h1{font-size:2rem;line-height:1.2;margin:0 0 .3rem}h2{font-size:1.35rem;margin:2.8rem 0 .6rem;padding-top:.6rem;
border-top:1px solid var(--line)}
h3{font-size:1rem;margin:1.4rem 0 .3rem}.sub{color:var(--muted);margin:0 0 1.2rem}
a{color:var(--accent)}p{margin:.5rem 0;max-width:48rem}
.warn{background:var(--warn);border-left:4px solid var(--warn-edge);padding:.7rem 1rem;margin:1rem 0;border-radius:2px}
.warn p{margin:.2rem 0}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:.8rem;margin:1.4rem 0}
.card{background:var(--soft);border:1px solid var(--line);border-radius:6px;padding:.7rem .9rem}
.card b{display:block;font-size:.98rem;font-weight:600;font-variant-numeric:tabular-nums;margin:.1rem 0}
.card span{display:block;font-size:.84rem;color:var(--muted);line-height:1.35}
figure{margin:1.4rem 0;break-inside:avoid}figure img{max-width:100%;height:auto;display:block}
figcaption{font-size:.86rem;line-height:1.5;color:var(--muted);margin-top:.5rem;max-width:48rem}
figcaption b{color:var(--ink)}.caption{font-size:.86rem;line-height:1.5;color:var(--muted);margin:0 0 1rem}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(24rem,1fr));gap:0 2rem}
.single img{max-width:min(32rem,100%)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.92rem;margin:.8rem 0;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.28rem 1.4rem .28rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600}td.n{text-align:right;white-space:nowrap}th.n{text-align:right}td.s{color:var(--muted);white-space:nowrap}td.w{white-space:normal}
tr.g td{padding-top:.9rem;font-weight:600}tr{break-inside:avoid}
ul{padding-left:1.2rem;margin:.5rem 0}li{margin:.2rem 0;max-width:48rem}.small{font-size:.88rem;color:var(--muted)}
code{font:.9em ui-monospace,"DejaVu Sans Mono",monospace;background:var(--soft);padding:.1em .3em;border-radius:3px;
overflow-wrap:anywhere}
details{margin:.8rem 0;font-size:.92rem}summary{cursor:pointer;color:var(--accent)}
dl{margin:.6rem 0;max-width:48rem}dt{font-weight:600;margin-top:.7rem}dd{margin:.1rem 0 0}
nav{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;font-size:.92rem;margin:1rem 0}
@media print{.pair{grid-template-columns:1fr 1fr}.cards{grid-template-columns:repeat(4,1fr)}}
@media print{body{padding:0;max-width:none;font-size:10.5pt}nav{display:none}h2,.lead{break-after:avoid}
figure img{max-height:15.5cm;width:auto}a{text-decoration:none}}
"""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def as_html(page: Page) -> str:
    """The whole file. Pictures are drawn twice, for light and for dark; about 3 s each with a relief."""
    body = [
        f"<h1>{text(page.title)}</h1>",
        f'<p class="sub">{text(page.subtitle)}</p>' if page.subtitle else "",
        warnings(page.warnings),
        cards(page.headline),
        contents(page),
        missing(page.missing),
        *(section(each) for each in page.sections),
        listed("References", page.references),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n'
        f"<title>{text(page.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(filter(None, body))
        + "\n</body>\n"
        "</html>\n"
    )


def text(words: str) -> str:
    return html.escape(words)


def marked(words: str) -> str:
    """Text with its `code`."""
    return "".join(f"<code>{text(piece)}</code>" if code else text(piece) for piece, code in coded(words))


def meanings(said: Iterable[tuple[str, str]]) -> str:
    """What each number is, folded away on a screen."""
    rows = "".join(f"<dt>{text(name)}</dt><dd>{text(words)}</dd>" for name, words in said)
    return f"<details><summary>What each number is, and how to read it</summary><dl>{rows}</dl></details>" if rows else ""


def anchor(title: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in title.lower()).strip("-")


def warnings(said: Iterable[str]) -> str:
    found = "".join(f"<p>{text(words)}</p>" for words in said)
    return f'<div class="warn" role="note">{found}</div>' if found else ""


def cards(headline: Iterable[tuple[str, str, str]]) -> str:
    found = "".join(
        f'<div class="card"><span>{text(label)}</span><b>{text(value)}</b><span>{text(how)}</span></div>'
        for label, value, how in headline
    )
    return f'<div class="cards">{found}</div>' if found else ""


def contents(page: Page) -> str:
    links = "".join(f'<a href="#{anchor(each.title)}">{text(each.title)}</a>' for each in page.sections)
    return f"<nav>{links}</nav>" if len(page.sections) > 1 else ""


def missing(parts: Iterable[tuple[str, str]]) -> str:
    rows = "".join(f"<li><b>{text(name)}</b>: {text(why)}</li>" for name, why in parts)
    return f'<div class="warn" role="note"><p><b>Not in this report</b></p><ul>{rows}</ul></div>' if rows else ""


def section(part: Section) -> str:
    inner = [
        f'<h2 id="{anchor(part.title)}">{text(part.title)}</h2>',
        *(f'<p class="lead">{marked(words)}</p>' for words in part.text),
        gallery(part.pictures),
        *map(table, part.tables),
        listed("", part.notes),
        meanings(part.meanings),
        files(part.files),
    ]
    return f"<section>{''.join(inner)}</section>"


def gallery(pictures: Sequence[Picture]) -> str:
    """Pictures below one another, or small ones side by side above their captions; one by itself is no larger than those."""
    if len(pictures) == 1 and narrow(pictures[0]):
        return f'<div class="single">{picture(pictures[0])}</div>'
    if len(pictures) < 2 or not all(map(narrow, pictures)):
        return "".join(map(picture, pictures))
    beside = "".join(picture(replace(shown, caption="")) for shown in pictures)
    captions = "".join(f"<p class=caption>{text(shown.caption)}</p>" for shown in pictures if shown.caption)
    return f'<div class="pair">{beside}</div>{captions}'


def narrow(shown: Picture) -> bool:
    """Whether a picture stands well beside another."""
    return len(shown.figure.panels) == 1


def picture(shown: Picture) -> str:
    light, dark = data_uri(shown.png or drawn(shown.figure, LIGHT)), data_uri(drawn(shown.figure, DARK))
    links = " ".join(f'<a href="{text(path)}">{text(suffix.lstrip("."))}</a>' for suffix, path in shown.files.items())
    return (
        f'<figure><picture><source media="screen and (prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img alt="{text(shown.title)}" src="{light}"></picture>'
        f"<figcaption><b>{text(shown.title)}.</b> {text(shown.caption)} {links}</figcaption></figure>"
    )


def drawn(figure: Figure, theme: Theme) -> bytes:
    return render(figure, ".png", PageSetup(dpi=DPI, theme=theme))


def data_uri(picture: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


def table(shown: Table) -> str:
    head = "".join(f"<th{' class=n' if 0 < k < len(shown.heads) - 1 else ''}>{text(h)}</th>" for k, h in enumerate(shown.heads))
    rows = []
    for title, group in shown.groups:
        rows += [f'<tr class="g"><td colspan="{len(shown.heads)}">{text(title)}</td></tr>'] if title else []
        rows += [f"<tr>{''.join(cell(k, c, len(row)) for k, c in enumerate(row))}</tr>" for row in group]
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def cell(place: int, words: str, count: int) -> str:
    last = " class=s" if len(words) <= SHORT else ' class="s w"'
    kind = "" if place == 0 or count < 3 else last if place == count - 1 else " class=n"
    return f"<td{kind}>{text(words)}</td>"


def listed(title: str, items: Iterable[str]) -> str:
    rows = "".join(f"<li>{text(item)}</li>" for item in items)
    if not rows:
        return ""
    return (f"<h2>{text(title)}</h2><ol class=small>{rows}</ol>") if title else f"<ul class=small>{rows}</ul>"


def files(paths: Mapping[str, str]) -> str:
    links = ", ".join(f'<a href="{text(path)}">{text(name)}</a>' for name, path in paths.items())
    return f"<p class=small>Files: {links}</p>" if links else ""
