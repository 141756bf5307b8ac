"""Palette, colour maps, fonts and widths shared by screen and paper. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from landscape_gui.results import Array

COLOUR_MAPS: dict[str, str] = {
    "viridis": "perceptually even, safe for colour-blind readers and in grey print",
    "cividis": "like viridis, nearly the same for every reader",
    "magma": "dark to light through purple and orange",
    "inferno": "dark to light through red and yellow",
    "plasma": "blue to yellow, even",
    "turbo": "rainbow made even; fine steps show, order does not",
    "grey": "grey, for print",
    "coolwarm": "two-sided, for differences around zero",
}

SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F3C8D", "#4D4D4D")
"""Okabe and Ito's colours, told apart by colour-blind readers; index them with a mark's `colour`."""
DARK_SERIES = {"#0072B2": "#4BA3DA", "#4D4D4D": "#B0B0B0", "#7F3C8D": "#B884C6"}
"""What stands for the dark ones of them on a dark background."""

TRAJECTORY = "#FF4026"
START = "#FFFFFF"
END = "#FFD11A"


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Colours of the surroundings of a figure."""

    background: str
    ink: str
    muted: str
    grid: str
    dark: bool


LIGHT = Theme(background="#FFFFFF", ink="#212429", muted="#6B7280", grid="#DADDE3", dark=False)
DARK = Theme(background="#16181D", ink="#DADDE2", muted="#8B9099", grid="#33373F", dark=True)


def series_colour(number: int, theme: Theme) -> str:
    """The colour of a curve on a background: the dark ones of `SERIES` lighter where it is dark."""
    colour = SERIES[number % len(SERIES)]
    return DARK_SERIES.get(colour, colour) if theme.dark else colour


@cache
def colour_table(name: str) -> Array:
    """(256, 3) float32 in [0, 1], the sRGB colours of a map named in `COLOUR_MAPS`."""
    from landscape_gui.colour_tables import TABLES

    if name not in TABLES:
        raise ValueError(f"unknown colour map {name!r}; known: {', '.join(COLOUR_MAPS)}")
    table = np.frombuffer(bytes.fromhex(TABLES[name]), np.uint8).reshape(-1, 3).astype(np.float32) / 255
    table.setflags(write=False)
    return table


def nice_ticks(low: float, high: float, count: int = 5) -> Array:
    """Round positions inside [low, high], steps of 1, 2, 2.5 or 5 times a power of ten, about `count` of them."""
    if not (np.isfinite(low) and np.isfinite(high)) or high <= low:
        return np.array([low])
    raw = (high - low) / max(count, 1)
    magnitude = 10.0 ** np.floor(np.log10(raw))
    step = min((1, 2, 2.5, 5, 10), key=lambda m: abs(m * magnitude - raw)) * magnitude
    ticks = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
    return np.where(np.abs(ticks) < step * 1e-9, 0.0, ticks)


def log_ticks(low: float, high: float) -> Array:
    """Positions 1, 2, 5 times powers of ten inside [low, high]; decades only over a wide range, finer over a narrow one."""
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    decades = last - first
    if decades > 4:
        step = max(1, round(decades / 6))
        ticks = np.array([10.0**d for d in range(first, last + 1, step)])
    else:
        multiples = (1, 2, 5) if decades > 1 else (1, 1.5, 2, 3, 5, 7)
        ticks = np.array([m * 10.0**d for d in range(first, last + 1) for m in multiples])
    inside = ticks[(ticks >= low * (1 - 1e-9)) & (ticks <= high * (1 + 1e-9))]
    return inside if len(inside) >= 2 else np.geomspace(low, high, 4)


def format_number(value: float) -> str:
    """Short, with a real minus sign: 0.25, 1e4, 1.5e−5, −0.5."""
    if value == 0:
        return "0"
    text = f"{value:.2e}" if abs(value) >= 1e4 or abs(value) < 1e-3 else f"{value:.4g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        text = f"{float(mantissa):g}e{int(exponent)}"
    return text.replace("-", "\N{MINUS SIGN}")


def format_levels(levels: Sequence[float]) -> tuple[str, ...]:
    """Labels of contour lines: as few digits as tell neighbours apart and stay within a twentieth of the step between them."""
    values = np.asarray(levels, float)
    steps = np.abs(np.diff(values))
    reach = np.minimum(np.append(steps, np.inf), np.insert(steps, 0, np.inf)) if len(steps) else np.abs(values)
    return tuple(_shortest(float(v), 0.05 * float(r)) for v, r in zip(values, reach, strict=True))


def _shortest(value: float, tolerance: float) -> str:
    for digits in range(1, 9):
        rounded = float(f"{value:.{digits}g}")
        if abs(rounded - value) <= tolerance:
            text = (
                f"{rounded:.0e}" if rounded and (abs(rounded) >= 1e5 or abs(rounded) < 1e-3) and digits == 1 else f"{rounded:.8g}"
            )
            return _plain(text)
    return format_number(value)


def _plain(text: str) -> str:
    """1e-05 as 1e−5, with a real minus sign."""
    if "e" in text:
        mantissa, exponent = text.split("e")
        text = f"{mantissa}e{int(exponent)}"
    return text.replace("-", "\N{MINUS SIGN}")
