"""A value and its error as text: the error with two digits, the value with as many decimals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

DIGITS = 6
"""Significant digits of a value at most, however small its error."""
PLAIN = 4
"""Significant digits of a value whose error is not known."""
SMALLEST, LARGEST = 1e-3, 1e6
"""Outside these a power of ten is taken out."""

MINUS = "\N{MINUS SIGN}"
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Rounded:
    """(value ± error) times ten to the `exponent`; error "" where there is none to show. An error far below the value's last digit
    has a power of ten of its own, `error_exponent`, and stands outside the brackets."""

    value: str
    error: str = ""
    exponent: int = 0
    error_exponent: int | None = None

    @property
    def plain(self) -> str:
        """ "12.346 ± 0.012", "(−1.23 ± 0.12) × 10⁻⁵", "3.21000 ± 2.0 × 10⁻⁸": for people, with a minus sign."""
        return self._text(" ± ", lambda power: f" × 10{str(power).translate(SUPERSCRIPTS)}").replace("-", MINUS)

    @property
    def latex(self) -> str:
        """The same in math mode."""
        text = self._text(r" \pm ", lambda power: rf" \times 10^{{{power}}}")
        return f"${text}$".replace("∞", r"\infty").replace("–", r"\text{--}")

    def _text(self, sign: str, times: Callable[[int], str]) -> str:
        scale = times(self.exponent) if self.exponent else ""
        if not self.error:
            return self.value + scale
        if self.error_exponent is not None:
            return f"{self.value}{scale}{sign}{self.error}{times(self.error_exponent)}"
        return f"({self.value}{sign}{self.error}){scale}" if scale else f"{self.value}{sign}{self.error}"


def rounded(value: float, error: float = math.nan) -> Rounded:
    """A value with its error. Whole numbers without an error stay whole; a value that is not finite is – or ±∞."""
    if math.isnan(value):
        return Rounded("–")
    if math.isinf(value):
        return Rounded("∞" if value > 0 else "-∞")
    if not (math.isfinite(error) and error > 0):
        return _without_error(value)
    exponent = _exponent(max(abs(value), error))
    return _with_error(value / 10.0**exponent, error / 10.0**exponent, exponent)


def _without_error(value: float) -> Rounded:
    if value == int(value) and abs(value) < 1e15:
        return Rounded(f"{int(value)}")
    exponent = _exponent(abs(value))
    mantissa = float(f"{value / 10.0**exponent:.{PLAIN}g}")
    return Rounded(f"{mantissa:.{max(0, PLAIN - 1 - _magnitude(mantissa))}f}", exponent=exponent)


def _with_error(value: float, error: float, exponent: int) -> Rounded:
    shown = float(f"{error:.1e}")  # rounded first: 0.0996 has its two digits in 0.10
    decimals = 1 - _magnitude(shown)
    most = DIGITS - 1 - _magnitude(value) if value else decimals
    if decimals > most:
        power = _magnitude(shown)
        if not exponent and shown >= SMALLEST:
            return Rounded(f"{value:.{max(0, most)}f}", f"{shown:.{1 - power}f}")
        return Rounded(f"{value:.{max(0, most)}f}", f"{shown / 10.0**power:.1f}", exponent, power + exponent)
    places = max(0, decimals)
    text = f"{round(value, decimals):.{places}f}"
    return Rounded(text if float(text) else text.removeprefix("-"), f"{shown:.{places}f}", exponent)


def _exponent(size: float) -> int:
    return 0 if size == 0 or SMALLEST <= size < LARGEST else _magnitude(size)


def _magnitude(value: float) -> int:
    """The power of ten of the leading digit."""
    return int(f"{value:e}".partition("e")[2])
