"""A composition as a file: JSON that is read and edited by hand as well, with every path as seen from the file's folder."""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

from landscape_gui.arrangement import letter
from landscape_gui.composition.composition import MOST, SHARING, BarPlace, Cell, Composition
from landscape_gui.errors import LandscapeError
from landscape_gui.figure import Camera, Look, Scale, View
from landscape_gui.style import COLOUR_MAPS

FORMAT, VERSION = "landscape_gui composition", 1
SUFFIX = ".figure.json"
LARGEST = 4 << 20
"""Bytes of such a file; it holds no numbers."""
DEEPEST = 12
SCALAR = r'(?:[-+.\deE]+|true|false|null|"[\w .,:()-]*")'
PLAIN = re.compile(rf"\[\s*(?:{SCALAR}\s*,\s*)*{SCALAR}\s*\]")
"""A list of what has no parts."""
HEAD = 4096
OPENING = {"code": str, "data": str, "normalise": str, "size": int, "resize": str, "target": str, "block": int, "architecture": str}
"""Arguments of `open_problem` that a cell may name."""
LOCAL = ("code", "data")
PAGE = {
    "venue": str, "columns": int, "width": float, "height": float, "dpi": float, "font": str, "font_size": float,
    "line_width": float, "theme": str, "transparent": bool, "letters": bool, "titles": bool,
}  # fmt: skip
WORDS: dict[type, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "{...}",
    list: "[...]",
}
CHOICES: dict[str, tuple[str, ...]] = {
    "view": get_args(View),
    "scale": get_args(Scale),
    "colour_map": tuple(COLOUR_MAPS),
    "statistic": ("first", "median", "minimum", "maximum", "spread"),
}


class Wrong(LandscapeError):
    """What in the file cannot be read, and where in it."""


def is_composition(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a composition, by how it begins, or is called one: reading then says what it is instead."""
    try:
        if not os.path.isfile(path):
            return False
        with open(path, "rb") as file:
            head = file.read(HEAD)
    except (OSError, ValueError):
        return False
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return os.fspath(path).endswith(SUFFIX) or (text[:1] == b"{" and f'"{FORMAT}"'.encode() in text)


def write_composition(path: str | os.PathLike[str], composition: Composition) -> None:
    """Save it; what was there before stays until all of the new file is. Raises LandscapeError where it cannot be written."""
    from landscape_gui.export.files import check_target, write

    target = check_target(path, (".json",))
    write(target, text_of(composition, target.parent).encode())


def text_of(composition: Composition, folder: Path) -> str:
    """The file's text; what is as usual is left out."""
    away = outward(folder)
    found: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    found |= differing(composition, Composition(), leave=("cells", "camera", "limits", "share"))
    if composition.share != Composition().share:
        found["share"] = list(composition.share)
    found["camera"] = dataclasses.asdict(composition.camera)
    found["limits"] = list(composition.limits) if composition.limits else None
    found["cells"] = [told_cell(cell, away) for cell in composition.cells]
    return in_lines(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def in_lines(text: str) -> str:
    """Lists of numbers and of short words in one line each."""
    return PLAIN.sub(lambda found: re.sub(r"\s*\n\s*", " ", found[0]).replace("[ ", "[").replace(" ]", "]"), text)


def told_cell(cell: Cell, away: Callable[[str], str]) -> dict[str, Any]:
    places = (("checkpoint", cell.checkpoint), ("answer", cell.answer))
    found: dict[str, Any] = {"title": cell.title} if cell.title else {}
    found |= {name: away(value) for name, value in places if value}
    found |= differing(cell, Cell(), leave=("title", "look", "difference", "checkpoint", "answer", "opening", "question"))
    if cell.opening:
        found["opening"] = {k: away(v) if k in LOCAL else v for k, v in cell.opening.items()}
    if cell.question:
        found["question"] = finite(cell.question)
    if cell.difference is not None:
        found["difference"] = [letter(k) for k in cell.difference]
    look = differing(cell.look, Look(), leave=("camera",))
    if cell.look.camera != Camera():
        look["camera"] = dataclasses.asdict(cell.look.camera)
    if look:
        found["look"] = finite(look)
    return found


def differing(value: Any, usual: Any, leave: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields that are not as usual."""
    names = (f.name for f in dataclasses.fields(value) if f.name not in leave)
    return {name: plain(getattr(value, name)) for name in names if getattr(value, name) != getattr(usual, name)}


def plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Mapping) else value


def finite(value: Any) -> Any:
    """Numbers that are not finite as words, which JSON has no others for."""
    if isinstance(value, Mapping):
        return {str(k): finite(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [finite(v) for v in value]
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def outward(folder: Path) -> Callable[[str], str]:
    """A path as seen from the folder where it lies in it, or not far from it; else whole."""

    def away(path: str) -> str:
        if path.startswith("samples:") or not os.path.isabs(path):
            return path
        try:
            near = os.path.relpath(path, folder.resolve())
        except ValueError:  # another drive
            return path
        return near.replace(os.sep, "/") if near.count("..") <= 2 else path

    return away


# reading


def read_composition(path: str | os.PathLike[str]) -> Composition:
    """The composition in a file. Nothing that it names is opened. Raises LandscapeError with the place of what is wrong."""
    name, folder = Path(path).name, Path(path).resolve().parent
    try:
        if Path(path).stat().st_size > LARGEST:
            raise LandscapeError(f"{name} is too large for a figure file.", remedy="Figure files hold no numbers.")
        found = json.loads(Path(path).read_text(encoding="utf-8-sig"), parse_constant=no_number)
    except OSError as error:
        raise LandscapeError(f"{path} cannot be read: {error.strerror or error}.", remedy="Check its name.") from error
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise LandscapeError(f"{name} is no JSON{where}.", remedy="Mend it, or compose the figure again.") from error
    try:
        return composition_of(found, folder)
    except LandscapeError as error:
        raise LandscapeError(f"{name}: {error.message}", remedy=error.remedy) from error


def no_number(word: str) -> float:
    raise ValueError(f"{word} is no number in JSON")


def composition_of(found: Any, folder: Path) -> Composition:
    """The composition that JSON holds, its paths as seen from a folder."""
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise Wrong("This is no figure file.", remedy=f'One begins with {{"format": "{FORMAT}", "version": {VERSION}.')
    version = found.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise Wrong(f"The version is {version!r:.40}.", remedy=f"This program writes {VERSION}.")
    if version > VERSION:
        raise Wrong(f"It is of version {version}, which this program does not know.", remedy="Install a newer version.")
    check_depth(found)
    known = Reader(found, "the figure")
    cells = known.take("cells", list, [])
    if len(cells) > MOST:
        raise Wrong(f"It has {len(cells)} panels.", remedy=f"Take {MOST} at most.")
    names = [letter(k) for k in range(len(cells))]
    made = Composition(
        cells=tuple(cell_of(cell, f"panel ({name})", folder, names) for cell, name in zip(cells, names, strict=True)),
        columns=known.take("columns", int, 0),
        share=tuple(known.names("share", tuple(SHARING), tuple(SHARING))),  # type: ignore[arg-type]
        camera=camera_of(known.take("camera", dict, {}), "camera"),
        limits=known.pair("limits"),
        bar=known.choice("bar", get_args(BarPlace), ""),  # type: ignore[arg-type]
        title=known.take("title", str, ""),
        heads=tuple(known.texts("heads")),
        sides=tuple(known.texts("sides")),
        page=page_of(known.take("page", dict, {})),
        note=known.take("note", str, ""),
    )
    known.done(("format", "version"))
    made.setup()
    return made


def cell_of(found: Any, where: str, folder: Path, names: list[str]) -> Cell:
    if not isinstance(found, dict):
        raise Wrong(f"{where} is {found!r:.40}.", remedy="It must be {...}.")
    known = Reader(found, where)
    opening = known.take("opening", dict, {})
    reader = Reader(opening, f"opening of {where}")
    opened = {name: reader.take(name, kind, None) for name, kind in OPENING.items() if name in opening}
    reader.done()
    cell = Cell(
        title=known.take("title", str, ""),
        checkpoint=inward(known.take("checkpoint", str, ""), folder),
        opening={k: inward(v, folder) if k in LOCAL and not is_module(k, v) else v for k, v in opened.items()},
        probe=known.take("probe", str, ""),
        question=known.take("question", dict, {}),
        key=known.take("key", str, ""),
        answer=inward(known.take("answer", str, ""), folder),
        panel=known.take("panel", int, 0),
        look=look_of(known.take("look", dict, {}), f"look of {where}"),
        difference=known.difference(names),
        group=known.take("group", str, ""),
        span=max(1, min(known.take("span", int, 1), MOST)),
        note=known.take("note", str, ""),
    )
    known.done()
    check_key(cell.key, where)
    return cell


def check_key(key: str, where: str) -> None:
    from landscape_gui.store import KEY

    if key and not KEY.fullmatch(key):
        raise Wrong(f"the key of {where} is {key!r:.40}.", remedy="It has 32 digits, 0 to f; leave it out where it is not known.")


def inward(path: str, folder: Path) -> str:
    if not path or path.startswith("samples:") or os.path.isabs(path):
        return path
    return os.path.normpath(folder / path)


def is_module(name: str, value: Any) -> bool:
    """Whether code is named as MODULE:FUNCTION and not by its file."""
    return name == "code" and isinstance(value, str) and ".py" not in value


def look_of(found: dict[str, Any], where: str) -> Look:
    known, usual = Reader(found, where), Look()
    given: dict[str, Any] = {}
    for f in dataclasses.fields(Look):
        if f.name not in found or f.name in ("camera", "limits"):
            continue
        if f.name in CHOICES:
            given[f.name] = known.choice(f.name, CHOICES[f.name], getattr(usual, f.name))
        else:
            given[f.name] = known.take(f.name, type(getattr(usual, f.name)), None)
    limits, camera = known.pair("limits"), camera_of(known.take("camera", dict, {}), f"camera in the {where}")
    known.done()
    return Look(**given, limits=limits, camera=camera)


def camera_of(found: dict[str, Any], where: str) -> Camera:
    known, usual = Reader(found, where), Camera()
    values = {name: known.take(name, float, getattr(usual, name)) for name in ("azimuth", "elevation", "distance")}
    pan = known.pair("pan", rising=False)
    known.done()
    if not 0.05 <= values["distance"] <= 50:
        raise Wrong(f"The distance of the {where} is {values['distance']:g}.", remedy="1 is the usual one.")
    return Camera(**values, pan=pan or (0.0, 0.0))


def page_of(found: dict[str, Any]) -> dict[str, Any]:
    known = Reader(found, "page")
    values = {name: known.take(name, kind, None) for name, kind in PAGE.items() if name in found}
    known.done()
    return values


def check_depth(found: Any) -> None:
    level, depth = [found], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise Wrong("It is nested too deeply.", remedy="Compose the figure again.")
        level = [v for node in level if isinstance(node, dict | list) for v in (node.values() if isinstance(node, dict) else node)]


class Reader:
    """The fields of one object of the file, each asked for once and of one kind."""

    def __init__(self, found: dict[str, Any], where: str) -> None:
        self.found, self.where = found, where
        self.asked: set[str] = set()

    def take(self, name: str, kind: type, usual: Any) -> Any:
        self.asked.add(name)
        if name not in self.found or self.found[name] is None:
            return usual
        value = self.found[name]
        if kind is float and isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
            value = float(value)
        right = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        if not right or (kind is float and not math.isfinite(value)):
            raise Wrong(f"{name} of {self.where} is {value!r:.40}.", remedy=f"It must be {WORDS[kind]}.")
        return value

    def choice(self, name: str, choices: tuple[str, ...], usual: str) -> str:
        value = str(self.take(name, str, usual))
        if value not in choices:
            raise Wrong(f"{name} of {self.where} is {value!r:.40}.", remedy=f"Choose one of {', '.join(filter(None, choices))}.")
        return value

    def texts(self, name: str) -> list[str]:
        values: list[Any] = self.take(name, list, [])
        if not all(isinstance(v, str) for v in values):
            raise Wrong(f"{name} of {self.where} must be texts.", remedy='For example ["SGD", "Adam"].')
        return values

    def names(self, name: str, choices: tuple[str, ...], usual: tuple[str, ...]) -> list[str]:
        values = self.texts(name) if name in self.found else list(usual)
        self.asked.add(name)
        for value in values:
            if value not in choices:
                raise Wrong(f"{name} of {self.where} names {value!r:.40}.", remedy=f"Choose among {', '.join(choices)}.")
        return values

    def pair(self, name: str, *, rising: bool = True) -> tuple[float, float] | None:
        values = self.take(name, list, None)
        if values is None:
            return None
        numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < 1e300]
        if len(values) != 2 or len(numbers) != 2 or (rising and not numbers[0] < numbers[1]):
            words = "two numbers, the smaller one first" if rising else "two numbers"
            raise Wrong(f"{name} of {self.where} is {values!r:.60}.", remedy=f"It must be {words}.")
        return float(numbers[0]), float(numbers[1])

    def difference(self, names: list[str]) -> tuple[int, int] | None:
        if "difference" not in self.found:
            return None
        values = self.texts("difference")
        if len(values) != 2 or not set(values) <= set(names):
            raise Wrong(
                f"difference of {self.where} is {values!r:.60}.", remedy='Name two panels by letter: ["b", "a"] is b minus a.'
            )
        return names.index(values[0]), names.index(values[1])

    def done(self, besides: tuple[str, ...] = ()) -> None:
        """What was never asked for is not known: said, so that a misspelt word does not do nothing."""
        for name in self.found:
            if name not in self.asked and name not in besides:
                near = difflib.get_close_matches(str(name), list(self.asked), 1)
                hint = f"Did you mean {near[0]}? " if near else ""
                remedy = f'{hint}What you want to remember can stand in "note".'
                raise Wrong(f"{name!r:.60} in {self.where} is not known.", remedy=remedy)
