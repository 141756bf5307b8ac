"""Descents on a surface as rows of a CSV file."""

from __future__ import annotations

from collections.abc import Iterator

from landscape_gui.training_results import DescentsResult

Row = list[str | float]


def descent_rows(result: DescentsResult) -> Iterator[Row]:
    """One row a record: descent, update, place, distances, then each true quantity, its standard error, and the plane's."""
    names = list(dict.fromkeys(name for each in result.descents.values() for name in each.quantities))
    heads = [head for name in names for head in (name, f"{name}_standard_error", f"plane_{name}")]
    yield ["descent", "update", "x", "y", "off_plane", "distance", *heads]
    for label, each in result.descents.items():
        for k, step in enumerate(each.step):
            found = [float(step), *(float(values[k]) for values in (each.x, each.y, each.off_plane, each.distance))]
            for name in names:
                true, flat = each.quantities.get(name), each.plane_quantities.get(name)
                error = true.standard_error if true is not None else None
                arrays = (true.values if true is not None else None, error, flat.values if flat is not None else None)
                found += [float("nan") if values is None else float(values[k]) for values in arrays]
            yield [label, *found]
