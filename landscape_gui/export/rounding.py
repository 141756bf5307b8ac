"""A value and its error as text: the error with two digits, the value with as many decimals."""

from __future__ import annotations

import math
from dataclasses import dataclass

DIGITS = 6
"""Significant digits of a value at most, however small its error."""
PLAIN = 4
"""Significant digits of a value whose error is not known."""
SMALLEST, LARGEST = 1e-3, 1e6
"""Outside these a power of ten is taken out."""

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Rounded:
    """(value ± error) times ten to the `exponent`; error "" where there is none to show."""

    value: str
    error: str = ""
    exponent: int = 0

    @property
    def plain(self) -> str:
        """ "12.346 ± 0.012", "(1.23 ± 0.12) × 10⁻⁵"."""
        text = f"{self.value} ± {self.error}" if self.error else self.value
        if not self.exponent:
            return text
        return f"{f'({text})' if self.error else text} × 10{str(self.exponent).translate(SUPERSCRIPTS)}"

    @property
    def latex(self) -> str:
        """The same in math mode."""
        text = rf"{self.value} \pm {self.error}" if self.error else self.value
        if self.exponent:
            text = rf"{f'({text})' if self.error else text} \times 10^{{{self.exponent}}}"
        return f"${_scientific_in_latex(text)}$".replace("∞", r"\infty")


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
        return Rounded(f"{value:.{max(0, most)}f}", f"{shown:.1e}".replace("e-0", "e-"), exponent)
    places = max(0, decimals)
    return Rounded(f"{round(value, decimals):.{places}f}", f"{shown:.{places}f}", exponent)


def _exponent(size: float) -> int:
    return 0 if size == 0 or SMALLEST <= size < LARGEST else _magnitude(size)


def _magnitude(value: float) -> int:
    """The power of ten of the leading digit."""
    return int(f"{value:e}".partition("e")[2])


def _scientific_in_latex(text: str) -> str:
    """ "2.0e-7" as LaTeX has it."""
    head, mark, tail = text.partition("e-")
    if not mark:
        return text
    digits = tail[: len(tail) - len(tail.lstrip("0123456789"))]
    return rf"{head}\times 10^{{-{digits}}}{tail[len(digits) :]}"
