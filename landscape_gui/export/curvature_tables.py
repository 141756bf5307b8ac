"""Answers about curvature as JSON and CSV: every field by its own name, eigenvectors left out (they are in the .h5)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from landscape_gui.curvature_results import DependenceResult, EigenvaluesResult, SpectraResult, SpectrumResult
from landscape_gui.results import CurvatureResult

TOO_LONG = ("vectors", "basis")
"""Arrays as long as the network has parameters."""

Row = list[str | float]


def content(result: CurvatureResult) -> dict[str, Any]:
    """What JSON says: fields by name; of a spectrum also its density, linear, lines included, at a kernel width of range/100."""
    own = [f.name for f in dataclasses.fields(result) if f.name not in TOO_LONG]
    last = [f.name for f in dataclasses.fields(CurvatureResult)]
    found: dict[str, Any] = {"kind": kind_of(result)}
    for name in (*(n for n in own if n not in last), *last):
        found[name] = plain(getattr(result, name))
        if name == "trace_standard_error" and isinstance(result, SpectrumResult):
            found.update(density_fields(result))
    return found


def kind_of(result: CurvatureResult) -> str:
    return result.provenance.probe or type(result).__name__.removesuffix("Result").lower()


def plain(value: Any) -> Any:
    """Dataclasses as dictionaries, also inside of mappings and tuples."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value) if f.name not in TOO_LONG}
    if isinstance(value, dict):
        return {name: plain(v) for name, v in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    return value


def density_fields(result: SpectrumResult) -> dict[str, Any]:
    """density_x, density_y (integrating to 1), its band over probes and the kernel's width."""
    from landscape_gui.probes.spectral_density import density_of

    found = density_of(result)
    if found is None:
        return {"density_x": [], "density_y": [], "density_low": [], "density_high": [], "kernel_width": float("nan")}
    return {
        "density_x": found.x,
        "density_y": found.y,
        "density_low": found.low,
        "density_high": found.high,
        "kernel_width": found.width,
    }


def rows(result: CurvatureResult) -> Iterator[Row]:
    """What CSV says: of a spectrum its lines and nodes, of eigenvalues one row each, of anything else its numbers."""
    if isinstance(result, SpectrumResult):
        yield from spectrum_rows(result)
    elif isinstance(result, SpectraResult):
        yield from spectra_rows(result)
    elif isinstance(result, DependenceResult):
        yield from dependence_rows(result)
    elif isinstance(result, EigenvaluesResult):
        yield ["index", "eigenvalue", "residual", "converged"]
        for k, value in enumerate(result.eigenvalues):
            yield [float(k), float(value), float(result.residuals[k]), float(result.converged[k])]
    else:
        yield ["name", "label", "value", "error", "kind", "unit"]
        for name, number in result.numbers.items():
            yield [name, number.label, number.value, number.error, number.kind, number.unit]


def spectrum_rows(result: SpectrumResult) -> Iterator[Row]:
    """One row a line (probe -1, weight 1/size) and one a node; weights of a probe's nodes add up to what the lines leave of 1."""
    size = max(result.size, 1)
    yield ["kind", "probe", "value", "weight", "residual", "converged"]
    for k, value in enumerate(result.eigenvalues):
        yield ["line", -1.0, float(value), 1 / size, float(result.residuals[k]), float(result.converged[k])]
    rest = 1 - len(result.eigenvalues) / size
    for probe, step in np.argwhere(np.isfinite(result.nodes)):
        residual = float(result.node_residuals[probe, step])
        yield ["node", float(probe), float(result.nodes[probe, step]), rest * float(result.weights[probe, step]), residual, 0.0]


def spectra_rows(result: SpectraResult) -> Iterator[Row]:
    """One row a checkpoint; nan where nothing was computed."""
    columns = {
        "order": result.order,
        "lambda_max": result.lambda_max,
        "lambda_max_residual": result.lambda_max_residuals,
        "lambda_min": result.lambda_min,
        "lambda_min_residual": result.lambda_min_residuals,
        "trace": result.traces,
        "trace_standard_error": result.trace_standard_errors,
        "stability_limit": result.limits,
        "computed": result.computed,
    }
    yield ["name", *columns]
    for k, name in enumerate(result.names):
        yield [name, *(float(values[k]) for values in columns.values())]


def dependence_rows(result: DependenceResult) -> Iterator[Row]:
    """One row a subset."""
    yield ["draw", "examples", "lambda_max", "lambda_max_residual", "trace", "trace_standard_error", "computed"]
    arrays = (result.lambda_max, result.lambda_max_residuals, result.traces, result.trace_standard_errors, result.computed)
    for draw, k in np.ndindex(result.computed.shape):
        yield [float(draw), float(result.sizes[k]), *(float(values[draw, k]) for values in arrays)]
