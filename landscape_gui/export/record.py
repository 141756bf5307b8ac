"""What a figure says inside its file for a program to read: the answers it shows, how they are looked at, the page. NumPy only.

It tells of the machine what a difference to the bit may come from: processor, system, versions. Of a path it keeps the last two
names, which with the digests is enough to know a file again; the name of a user and the tree of folders are nobody's business.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from landscape_gui import __version__
from landscape_gui.errors import LandscapeError
from landscape_gui.export.answer_digests import ArrayDigest, digests
from landscape_gui.figure import Camera, Figure, Look, Source
from landscape_gui.page_setup import PageSetup
from landscape_gui.results import Provenance
from landscape_gui.style import Theme

FORMAT, VERSION = "landscape_gui figure", 1
ABSOLUTE = re.compile(r"(?:[A-Za-z]:[\\/]|[\\/])")
HOME = re.compile(r"(?:[A-Za-z]:)?[\\/](?:home|Users|root)(?:[\\/][^\\/\s:;,'\"]+)?(?=[\\/])")
LONG = ("layers", "fits", "summary")
"""Of the description of a problem, what says nothing that its digests do not."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One answer of a figure. look: the fields of `figure.Look`; numbers: by their place in the answer."""

    provenance: Provenance
    look: Look = field(default_factory=Look)
    numbers: Mapping[str, ArrayDigest] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Record:
    """What was found inside a figure. program: the version that made it; drawn: the digest of what it draws; setup: the page;
    composition: how a composed figure is arranged, as its file says it; comparison: of models, what its rows are called, which
    numbers and which gap; both empty for a figure of one answer."""

    program: str
    answers: tuple[Recorded, ...]
    drawn: str = ""
    setup: PageSetup = field(default_factory=PageSetup)
    composition: Mapping[str, Any] = field(default_factory=dict)
    comparison: Mapping[str, Any] = field(default_factory=dict)
    caption: str = ""


def record(figure: Figure, setup: PageSetup = PageSetup()) -> dict[str, Any]:
    """The record of a figure, JSON-able; the same figure on the same page gives the same record."""
    told = figure.sources or (figure.provenance,)
    answers = [answer_of(source) for source in figure.drawn_from] or [plain_provenance(where) for where in told]
    composition = figure.extra.get("composition")
    more = {"composition": arrangement_of(composition)} if composition is not None else {}
    if "comparison" in figure.extra:
        more["comparison"] = plain(figure.extra["comparison"])
    return {
        **more,
        "format": FORMAT, "version": VERSION, "program": __version__, "answers": answers, "drawn": drawn_digest(figure),
        "page": plain(dataclasses.asdict(setup)), "caption": figure.caption,
    }  # fmt: skip


def arrangement_of(composition: Any) -> dict[str, Any]:
    """How a composed figure is arranged: its file without where its answers come from, which they say themselves."""
    from landscape_gui.composition.file import text_of as written

    cells = tuple(
        dataclasses.replace(cell, checkpoint="", opening={}, answer="", question={}, note="") for cell in composition.cells
    )
    found: dict[str, Any] = json.loads(written(dataclasses.replace(composition, cells=cells, note=""), Path.cwd()))
    return found


def answer_of(source: Source) -> dict[str, Any]:
    numbers = {
        name: {"shape": list(d.shape), "dtype": d.dtype, "xxh3": d.xxh3, "sample": plain(list(d.sample))}
        for name, d in digests(source.result).items()
    }
    return {**plain_provenance(source.result.provenance), "look": plain(dataclasses.asdict(source.look)), "numbers": numbers}


def plain_provenance(where: Provenance) -> dict[str, Any]:
    """Where numbers come from, without what differs from run to run (when, how long) and where on the disk it was."""
    problem = {name: value for name, value in where.problem.items() if name not in LONG}
    return {
        "probe": where.probe, "version": where.version, "key": where.key, "fingerprint": where.fingerprint,
        "question": plain(where.question), "problem": plain(problem), "environment": plain(where.environment),
    }  # fmt: skip


def plain(value: Any) -> Any:
    """JSON-able, without the folders that paths lead through; numbers that are not finite are words."""
    if isinstance(value, Mapping):
        paths = {name: last_names(item) for name, item in value.items() if name == "path" and isinstance(item, str)}
        return {str(name): paths[name] if name in paths else plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if np.isfinite(value) else repr(value)
    if value is None or isinstance(value, bool | int):
        return value
    return without_folders(str(value))


def without_folders(text: str) -> str:
    """The last two names of an absolute path; elsewhere in a text the home folder as ~."""
    return last_names(text) if ABSOLUTE.match(text) and "\n" not in text else HOME.sub("~", text)


def last_names(path: str) -> str:
    return "/".join([part for part in re.split(r"[\\/]", path) if part][-2:])


def drawn_digest(figure: Figure) -> str:
    """xxh3-128 of the panels: marks, axes, titles, cameras."""
    digest = xxhash.xxh3_128()

    def take(value: Any) -> None:
        if isinstance(value, np.ndarray):
            digest.update(f"{value.dtype.str}{value.shape}".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            digest.update(type(value).__name__.encode())
            for f in dataclasses.fields(value):
                take(getattr(value, f.name))
        elif isinstance(value, tuple | list):
            digest.update(f"({len(value)}".encode())
            for item in value:
                take(item)
        else:
            digest.update(f"{type(value).__name__}:{value!r};".encode())

    take((figure.panels, figure.title, figure.columns, figure.heads, figure.sides, figure.bars))
    return digest.hexdigest()


def read_record(found: Any) -> Record:
    """The record that JSON holds. LandscapeError where it is none, of a later version, or something in it is of the wrong kind."""
    if not isinstance(found, dict) or found.get("format") != FORMAT or not isinstance(found.get("version"), int):
        raise LandscapeError("What the figure says of itself is no record of landscape_gui.", remedy="Export the figure again.")
    if found["version"] > VERSION:
        raise LandscapeError(
            f"The figure was made by landscape_gui {found.get('program', '')!s:.20}, which records more than this version reads.",
            remedy="Install a newer version.",
        )
    try:
        return Record(
            program=str(found["program"])[:40],
            answers=tuple(recorded(answer) for answer in found["answers"][:1000]),
            drawn=str(found["drawn"]),
            setup=setup_of(found["page"]),
            composition=dict(found.get("composition") or {}),
            comparison=dict(found.get("comparison") or {}),
            caption=str(found.get("caption", "")),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise LandscapeError(
            f"What the figure says of itself is not whole ({type(error).__name__}: {str(error)[:100]}).",
            remedy="Export the figure again.",
        ) from error


def recorded(answer: dict[str, Any]) -> Recorded:
    names = ("question", "problem", "environment")
    parts = {name: answer.get(name, {}) for name in names}
    if not all(isinstance(part, dict) for part in parts.values()):
        raise TypeError(f"{' or '.join(names)} is no mapping")
    probe, key, fingerprint = (str(answer.get(name, "")) for name in ("probe", "key", "fingerprint"))
    provenance = Provenance(probe=probe, version=int(answer.get("version", 0)), key=key, fingerprint=fingerprint, **parts)
    numbers = {str(name): array_digest(told) for name, told in answer.get("numbers", {}).items()}
    return Recorded(provenance=provenance, look=look_of(answer.get("look", {})), numbers=numbers)


def array_digest(told: dict[str, Any]) -> ArrayDigest:
    return ArrayDigest(
        shape=tuple(int(n) for n in told["shape"]),
        dtype=str(told["dtype"]),
        xxh3=str(told["xxh3"]),
        sample=tuple(float(v) for v in told["sample"]),
    )


def look_of(told: dict[str, Any]) -> Look:
    """A look from its fields; those that this version does not know are passed over."""
    given = known(Look, told)
    if isinstance(given.get("camera"), dict):
        given["camera"] = Camera(**known(Camera, given["camera"]))
    return Look(**given)


def setup_of(told: dict[str, Any]) -> PageSetup:
    """The page from its fields, without what LaTeX was told first: a stranger's figure gives no orders."""
    given = known(PageSetup, told) | {"tex_preamble": ""}
    if isinstance(given.get("theme"), dict):
        given["theme"] = Theme(**known(Theme, given["theme"]))
    return PageSetup(**given)


def known(kind: type, told: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the fields that the class has, each of the kind of its default; lists as tuples."""
    found: dict[str, Any] = {}
    for f in dataclasses.fields(kind):
        if f.name in told:
            value = told[f.name]
            found[f.name] = tuple(value) if isinstance(value, list) else value
            usual = f.default
            if isinstance(usual, bool | int | float | str) and not isinstance(value, type(usual) | int):
                raise TypeError(f"{f.name} is {value!r:.60}")
    return found


def text_of(found: Mapping[str, Any]) -> str:
    """The record as JSON, ASCII alone, its names in order."""
    return json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
