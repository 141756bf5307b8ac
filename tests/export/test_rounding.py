"""The error has two digits, the value as many decimals; expected texts are worked out by hand."""

from __future__ import annotations

import math

import pytest

from landscape_gui.export.rounding import rounded


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (12.34567, 0.01234, "12.346 ± 0.012"),
        (12.34567, 0.0996, "12.35 ± 0.10"),
        (12345.0, 678.0, "12340 ± 680"),
        (12345.0, 12.0, "12345 ± 12"),
        (0.5, 0.0, "0.5000"),
        (3.0, math.nan, "3"),
        (109386.0, math.nan, "109386"),
        (3.14159, math.nan, "3.142"),
        (99.996, math.nan, "100.0"),
        (-0.00003, 0.002, "0.0000 ± 0.0020"),
        (-0.0312, 0.002, "−0.0312 ± 0.0020"),
        (-1.2345e-5, 1.2e-7, "(−1.234 ± 0.012) × 10⁻⁵"),
        (1.2345e-5, 1.2e-7, "(1.234 ± 0.012) × 10⁻⁵"),
        (1.5e-7, math.nan, "1.500 × 10⁻⁷"),
        (2.5e7, 1.3e5, "(2.500 ± 0.013) × 10⁷"),
        (3.21, 2e-8, "3.21000 ± 2.0 × 10⁻⁸"),
        (1.35707e-5, 1.5e-11, "1.35707 × 10⁻⁵ ± 1.5 × 10⁻¹¹"),
        (4032.4912, 0.0139, "4032.49 ± 0.014"),
        (math.nan, 1.0, "–"),
        (math.inf, math.nan, "∞"),
        (-math.inf, 1.0, "−∞"),
        (0.0, math.nan, "0"),
        (0.0, 0.013, "0.000 ± 0.013"),
    ],
)
def test_a_value_has_as_many_decimals_as_its_error_of_two_digits(value: float, error: float, text: str) -> None:
    assert rounded(value, error).plain == text


def test_latex_has_the_same_digits() -> None:
    assert rounded(12.34567, 0.01234).latex == r"$12.346 \pm 0.012$"
    assert rounded(1.2345e-5, 1.2e-7).latex == r"$(1.234 \pm 0.012) \times 10^{-5}$"
    assert rounded(3.21, 2e-8).latex == r"$3.21000 \pm 2.0 \times 10^{-8}$"
    assert rounded(math.inf).latex == r"$\infty$"
    assert rounded(-2.5, 0.1).latex == r"$-2.50 \pm 0.10$"  # in math mode a hyphen is a minus
