"""Text as it is measured and cut."""

from __future__ import annotations

from landscape_gui.scene3d.lettering import elided, text_width


def test_what_fits_stays_and_what_does_not_keeps_its_ends() -> None:
    name = "resnet20-cifar10-seed-1-epoch-200"
    assert elided(name, 7.0, text_width(name, 7.0)) == name
    short = elided(name, 7.0, 60.0)
    first, last = short.split("…")
    assert text_width(short, 7.0) <= 60.0 and name.startswith(first) and name.endswith(last) and len(first) > 4 < len(last)
    assert text_width(elided(name, 7.0, 66.0), 7.0) > text_width(short, 7.0)
    assert elided(name, 7.0, 1.0) == "…"
