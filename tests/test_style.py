"""Numbers on axes: short, and never two alike where the values differ."""

from __future__ import annotations

import numpy as np
import pytest

from landscape_gui.style import format_number


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.25, "0.25"), (-0.5, "−0.5"), (1234.0, "1234"), (1e4, "1e4"), (1.5e4, "1.5e4"), (-2.5e-5, "−2.5e−5")],
)
def test_numbers_are_short_with_a_real_minus_sign(value: float, text: str) -> None:
    assert format_number(value) == text


@pytest.mark.parametrize("step", [1.0, 2.0, 2.5, 5.0])
def test_ticks_of_any_magnitude_are_told_apart(step: float) -> None:
    for exponent in range(-12, 13):
        values = step * np.arange(1, 6) * 10.0**exponent
        texts = [format_number(float(v)) for v in values]
        assert len(set(texts)) == 5, texts
        assert [float(t.replace("−", "-")) for t in texts] == pytest.approx(values.tolist(), rel=5e-3)
