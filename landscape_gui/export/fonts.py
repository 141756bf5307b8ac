"""The fonts of the page: what they are called, how wide they run, and how a text is written for them.

A text is plain Unicode everywhere else; where Computer Modern or LaTeX sets it, its Greek letters and symbols become mathematics.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import font_manager
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser
from PIL import ImageFont

from landscape_gui.errors import LandscapeError
from landscape_gui.page_setup import Font
from landscape_gui.scene3d.lettering import FAMILY, font_file, text_width

SYMBOLS = {
    "\N{MINUS SIGN}": "-", "×": r"\times", "·": r"\cdot", "±": r"\pm", "≤": r"\leq", "≥": r"\geq", "≈": r"\approx", "≠": r"\neq",
    "∞": r"\infty", "∇": r"\nabla", "∂": r"\partial", "∈": r"\in", "→": r"\rightarrow", "←": r"\leftarrow",
    "‖": r"\Vert", "∑": r"\sum", "∫": r"\int", "°": r"^\circ", "<": "<", ">": ">", "|": "|", "~": r"\sim", "ε": r"\varepsilon",
    "ς": r"\varsigma", "ο": "o", "⁻": "^{-}", "\\": r"\backslash", "^": r"\wedge",
    "\ue000": r"\lambda_{\max}", "\ue001": r"\lambda_{\min}",
}  # fmt: skip
"""Mathematics for characters; Greek letters and raised or lowered digits are found by their names."""
PLAIN = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:;()[]!?'`/+=*-@#%&\n")
"""Characters that stand in the text font of Computer Modern under their own codes."""
DOLLAR = r"\$"
OPTICAL = 1.07
"""Small letters of LaTeX's fonts are wider than the ten-point ones made small."""
GREEK = re.compile(
    r"GREEK (SMALL|CAPITAL) LETTER (ALPHA|BETA|GAMMA|DELTA|EPSILON|ZETA|ETA|THETA|IOTA|KAPPA|LAMDA|MU|NU|XI|OMICRON|PI|RHO|SIGMA|"
    r"TAU|UPSILON|PHI|CHI|PSI|OMEGA)$"
)
LATIN = {"ALPHA": "A", "BETA": "B", "EPSILON": "E", "ZETA": "Z", "ETA": "H", "IOTA": "I", "KAPPA": "K", "MU": "M", "NU": "N",
         "OMICRON": "O", "RHO": "P", "TAU": "T", "CHI": "X"}  # fmt: skip
"""Capitals that look like Latin ones."""
ESCAPED = {"#": r"\#", "$": r"\$", "%": r"\%", "&": r"\&", "_": r"\_", "{": r"\{", "}": r"\}", "^": r"\^{}", "~": r"\~{}",
           "…": r"\ldots{}", "–": "--", "—": "---", "’": "'",
           "√": r"$\surd$", "‘": "`", "“": "``", "”": "''", '"': "''"}  # fmt: skip


@lru_cache(maxsize=1)
def _open_sans() -> list[str]:
    """Open Sans where vispy ships it, also in bold."""
    path = font_file()
    if path is None:
        return []
    for name in ("OpenSans-Regular.ttf", "OpenSans-Bold.ttf"):
        if (path.parent / name).is_file():
            font_manager.fontManager.addfont(str(path.parent / name))
    return [FAMILY]


def settings_of(font: Font, preamble: str = "", formulas: bool = True) -> dict[str, Any]:
    """matplotlib's settings for a font; for what it lacks there is one that is always there. LandscapeError without LaTeX."""
    if font == "tex":
        check_tex()
        return {"font.family": ["serif"], "font.serif": ["Computer Modern Roman"], "text.usetex": True,
                "text.latex.preamble": preamble}  # fmt: skip
    families = {
        "sans": [*_open_sans(), "DejaVu Sans"], "serif": ["STIXGeneral", "DejaVu Serif", "DejaVu Sans"],
        "mathtext": ["cmr10", "STIXGeneral", "DejaVu Serif"],
    }[font]  # fmt: skip
    return {
        "font.family": families,
        "text.usetex": False,
        "text.parse_math": font == "mathtext" and formulas,
        "axes.formatter.use_mathtext": font == "mathtext",
        "mathtext.fontset": "cm",
    }


def check_tex() -> None:
    """Raises LandscapeError where LaTeX, or what matplotlib needs of it, is not installed."""
    missing = missing_of_tex()
    if missing:
        raise LandscapeError(
            f"LaTeX cannot set this figure's letters here: {missing} cannot be found.",
            remedy="Install TeX Live with cm-super and latex-extra, or choose the font mathtext, which needs none.",
        )


@contextmanager
def told_by_tex() -> Iterator[None]:
    """LaTeX's own words, where it fails, as a LandscapeError."""
    try:
        yield
    except RuntimeError as why:
        found = re.search(r"^! (.+(?:\n.+)?)", str(why), re.MULTILINE)
        if "was not able to process" not in str(why) and "latex" not in str(why):
            raise
        words = " ".join((found[1] if found else str(why)).split()).rstrip(".")
        remedy = "Install what it lacks, tell it of another package (tex_preamble), or choose the font mathtext."
        raise LandscapeError(f"LaTeX could not set this figure's letters: {words}.", remedy=remedy) from why


@lru_cache(maxsize=1)
def missing_of_tex() -> str:
    """What keeps LaTeX from setting letters here; empty where nothing does."""
    for program in ("latex", "kpsewhich"):
        if shutil.which(program) is None:
            return f"the program {program}"
    for package in ("type1ec", "type1cm"):
        found = subprocess.run(["kpsewhich", f"{package}.sty"], capture_output=True, check=False, timeout=60)
        if not found.stdout.strip():
            return f"its package {package}"
    return ""


def width_of(text: str, size: float, font: Font, preamble: str = "") -> float:
    """Width of one line, in the units of `size`."""
    if font == "sans":
        return text_width(text, size)
    if font == "serif" or (font == "tex" and ("mathptmx" in preamble or "times" in preamble)):
        return _stix_width(text) * size
    return _modern_width(text) * size * (OPTICAL if font == "tex" else 1.0)


@lru_cache(maxsize=4096)
def _stix_width(text: str) -> float:
    return float(_stix().getlength(text)) / 64


@lru_cache(maxsize=1)
def _stix() -> ImageFont.FreeTypeFont:
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "STIXGeneral.ttf"
    return ImageFont.truetype(str(path), 64, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=4096)
def _modern_width(text: str) -> float:
    with matplotlib.rc_context({"mathtext.fontset": "cm"}):
        parsed = MathTextParser("path").parse(as_mathtext(text) or " ", 72, FontProperties(family=["cmr10"], size=64))
    return float(parsed[0]) / 64


def worded(text: str, font: Font) -> str:
    """The text as matplotlib must be given it to be set in that font."""
    return {"mathtext": as_mathtext, "tex": as_tex}[font](text) if font in ("mathtext", "tex") else text


def as_mathtext(text: str) -> str:
    """Letters as they are; between dollar signs what Computer Modern's text font lacks; no control characters."""
    seen = (c for c in indexed(text.replace('"', "''")) if c == "\n" or unicodedata.category(c) != "Cc")
    return _joined("".join(c if c in PLAIN else DOLLAR if c == "$" else f"${_maths(c)}$" for c in seen))


def indexed(text: str) -> str:
    """λmax and λmin, whose ends are indices, as one character each."""
    return text.replace("λmax", "\ue000").replace("λmin", "\ue001")


def as_tex(text: str) -> str:
    """For LaTeX, nothing in it a command; a letter that pdfLaTeX does not know becomes a question mark."""
    return _joined("".join(_tex(c) for c in indexed(text) if c == "\n" or unicodedata.category(c) != "Cc"))


def _tex(c: str) -> str:
    if c in ESCAPED:
        return ESCAPED[c]
    if c.isascii() and c not in "<>|\\":
        return c
    maths = _maths(c)
    if unicodedata.decomposition(c) and c.isalpha() and "mathrm" in maths:
        return c
    known = ("mathrm" not in maths and (maths != c or c in "<>|")) or maths.removeprefix(r"\mathrm{")[:1].isascii()
    return f"${maths}$" if known else "?"


def _maths(c: str) -> str:
    """A character in mathematics."""
    if c in SYMBOLS:
        return SYMBOLS[c]
    if c in "_{}":
        return f"\\{c}"
    name = unicodedata.name(c, "")
    if found := GREEK.match(name):
        size, letter = found.groups()
        if size == "CAPITAL" and letter in LATIN:
            return rf"\mathrm{{{LATIN[letter]}}}"
        plain = letter.lower().replace("lamda", "lambda")
        return f"\\{plain.capitalize() if size == 'CAPITAL' else plain}"
    for where, sign in (("SUPERSCRIPT", "^"), ("SUBSCRIPT", "_")):
        if where in name and (digit := unicodedata.normalize("NFKC", c)).isascii():
            return f"{sign}{{{digit}}}"
    return rf"\mathrm{{{c}}}" if c.isalpha() else c


def _joined(text: str) -> str:
    """Neighbours between dollar signs as one formula."""
    text, more = re.sub(r"(?<!\\)\$\$", "", text), 1
    while more:
        text, more = re.subn(r"([\^_])\{([^}]*)\}\1\{", r"\1{\2", text)
    return re.sub(r"([\^_]\{[^}]*\})(?=[\^_]\{)", r"\1{}", text)
