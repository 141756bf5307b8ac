"""What the scripting facade answers: numbers under plain names with their errors, shown as a table with its figure in a notebook.

NumPy only. docs/analyzer.md says what every name means.
"""

from __future__ import annotations

import base64
import dataclasses
import html
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from landscape_gui.results import Array, Number, Result, freeze

if TYPE_CHECKING:
    from landscape_gui.figure import Figure

NAN = float("nan")
SPECTRAL: Mapping[str, str] = {
    "max_eigenvalue": "lambda_max",
    "min_eigenvalue": "lambda_min",
    "condition_number": "max_min_ratio",
    "resolved_condition_number": "condition_number",
    "spectral_gap": "spectral_gap",
    "num_negative_eigenvalues": "negative_eigenvalues",
    "negative_mass": "negative_mass",
    "trace_hessian": "trace",
    "frobenius_norm": "frobenius",
    "effective_dimension": "effective_dimension",
    "gradient_norm": "gradient_norm",
}
SHARP: Mapping[str, str] = {
    "sharpness": "worst_case",
    "flatness": "flatness",
    "random_sharpness": "random_maximum",
    "underestimation": "random_gap",
    "directional_sharpness": "directional",
    "gaussian_sharpness": "gaussian_average",
    "adaptive_sharpness": "adaptive",
    "keskar_sharpness": "worst_case_box",
    "m_sharpness": "m_sharpness",
}
FURTHER: Mapping[str, str] = {
    "gauss_newton_max_eigenvalue": "ggn_lambda_max",
    "max_eigenvalue_half_data": "lambda_max_half",
    "pac_bayes_bound": "pac_bayes_bound",
    "heuristic_bound": "heuristic_bound",
}
"""The facade's name for a number -> the report's."""
WHOLE = frozenset({"num_negative_eigenvalues", "num_parameters"})


def named(numbers: Mapping[str, Number], names: Mapping[str, str]) -> dict[str, Number]:
    """The numbers that there are, under the facade's names."""
    return {own: dataclasses.replace(numbers[name], name=own) for own, name in names.items() if name in numbers}


def value_of(number: Number) -> float | int:
    return int(number.value) if number.name in WHOLE and math.isfinite(number.value) else number.value


class Shown:
    """What every answer of the facade has: the numbers it comes down to, the answer behind them and its figure.

    numbers: by name, each with `value`, `error`, `kind` (what the error is) and `help` (three sentences); result: the answer of
    the question behind it, as the window and the command line have it; notes: what should be known.
    """

    title: str
    numbers: Mapping[str, Number]
    result: Result | None
    notes: tuple[str, ...]
    _draw: Callable[[], Figure] | None

    @property
    def errors(self) -> dict[str, float]:
        """Name -> how far the number may be wrong, of the kind that `kinds` names; NaN: not known."""
        return {name: n.error for name, n in self.numbers.items()}

    @property
    def kinds(self) -> dict[str, str]:
        """Name -> "standard error", "bound" (the truth lies within it), "lower bound", "upper bound", "exact", "heuristic"."""
        return {name: n.kind for name, n in self.numbers.items()}

    def figure(self) -> Figure | None:
        """The figure, in the marks that screen and paper share; None where there is nothing to draw."""
        return None if self._draw is None else self._draw()

    def save(self, path: str | Path) -> Path:
        """Write it: .pdf, .svg, .png (figure), .h5, .json, .csv, .tex, .md (numbers), as `landscape-gui` does. LandscapeError."""
        from landscape_gui.export_formats import format_of
        from landscape_gui.page_setup import PageSetup

        target = Path(path)
        format_of(target).write(target, self.figure(), self.result, PageSetup())
        return target

    def _repr_png_(self) -> bytes | None:
        """The figure, for a notebook."""
        figure = self.figure()
        return None if figure is None else png(figure)

    def _repr_html_(self) -> str:
        """Title, numbers and figure, for a notebook."""
        rows = "".join(f"<tr>{''.join(map(table_cell, row))}</tr>" for row in self._rows())
        said = "".join(f"<p><small>{html.escape(note)}</small></p>" for note in self.notes)
        picture = self._repr_png_()
        image = "" if picture is None else f'<img alt="{html.escape(self.title)}" style="max-width:100%" src="{data_uri(picture)}">'
        table = f"<table>{rows}</table>" if rows else ""
        return f"<div><b>{html.escape(self.title)}</b>{table}{said}{image}</div>"

    def __repr__(self) -> str:
        rows = self._rows()
        width = max((len(name) for name, *_ in rows), default=0)
        lines = [f"  {name:{width}}  {value}{f'  ({kind})' if kind else ''}" for name, value, kind in rows]
        return "\n".join([self.title, *lines, *(f"  {note}" for note in self.notes)])

    def _rows(self) -> list[tuple[str, str, str]]:
        from landscape_gui.export.number_table import kind_text, value_text

        return [(name, value_text(n), kind_text(n)) for name, n in self.numbers.items()]


class Measures(Shown, Mapping[str, Any]):
    """A mapping from names to numbers and arrays, with their `errors`; shows itself as the last line of a notebook's cell."""

    def __init__(
        self,
        title: str,
        values: Mapping[str, Any],
        *,
        numbers: Mapping[str, Number] | None = None,
        errors: Mapping[str, Array] | None = None,
        result: Result | None = None,
        draw: Callable[[], Figure] | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.title, self.result, self.notes, self._draw = title, result, notes, draw
        self.numbers = dict(numbers or {})
        self._errors = dict(errors or {})
        self._values = {name: value_of(n) for name, n in self.numbers.items()} | dict(values)

    @property
    def errors(self) -> dict[str, Any]:
        """Name -> how far a number, or each of an array's, may be wrong; NaN: not known."""
        return {**super().errors, **self._errors}

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def _rows(self) -> list[tuple[str, str, str]]:
        rows = super()._rows()
        more = [(name, described(value), "") for name, value in self._values.items() if name not in self.numbers]
        return rows + more


@dataclass(frozen=True, kw_only=True, repr=False)
class Analysis(Shown):
    """Everything that the facade measures around one network, by name; NaN where a number could not be had (see `notes`).

    Each number is that of the mean loss on the training data. errors, kinds: of each; report: the same as a column of
    `landscape-gui report`. train_accuracy, test_accuracy are fractions.
    """

    title: str = ""
    train_loss: float = NAN
    test_loss: float = NAN
    train_accuracy: float = NAN
    test_accuracy: float = NAN
    generalization_gap: float = NAN
    num_parameters: int = 0
    max_eigenvalue: float = NAN
    min_eigenvalue: float = NAN
    condition_number: float = NAN
    resolved_condition_number: float = NAN
    spectral_gap: float = NAN
    num_negative_eigenvalues: float = NAN
    negative_mass: float = NAN
    trace_hessian: float = NAN
    frobenius_norm: float = NAN
    effective_dimension: float = NAN
    gradient_norm: float = NAN
    gauss_newton_max_eigenvalue: float = NAN
    max_eigenvalue_half_data: float = NAN
    sharpness: float = NAN
    flatness: float = NAN
    random_sharpness: float = NAN
    underestimation: float = NAN
    directional_sharpness: float = NAN
    gaussian_sharpness: float = NAN
    adaptive_sharpness: float = NAN
    keskar_sharpness: float = NAN
    m_sharpness: float = NAN
    pac_bayes_bound: float = NAN
    heuristic_bound: float = NAN
    eigenvalues: Array = field(default_factory=lambda: freeze([]))
    eigenvalue_bounds: Array = field(default_factory=lambda: freeze([]))
    numbers: Mapping[str, Number] = field(default_factory=dict)
    result: Result | None = None
    notes: tuple[str, ...] = ()
    _draw: Callable[[], Figure] | None = None

    def to_dict(self) -> dict[str, float]:
        """Name -> value of every number."""
        return {name: value_of(n) for name, n in self.numbers.items()}


def analysis_of(title: str, numbers: Mapping[str, Number], **known: Any) -> Analysis:
    """An Analysis whose attributes are those numbers."""
    fields = {f.name for f in dataclasses.fields(Analysis)}
    values: dict[str, Any] = {name: value_of(n) for name, n in numbers.items() if name in fields}
    return Analysis(title=title, numbers=dict(numbers), **values, **known)


def described(value: Any) -> str:
    """An array by its shape, a number or words as they are."""
    if isinstance(value, np.ndarray):
        return f"array of shape {value.shape}" if value.size > 4 else np.array2string(value, precision=4)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def table_cell(text: str) -> str:
    return f'<td style="text-align:left">{html.escape(text)}</td>'


def png(figure: Figure, dpi: float = 150.0) -> bytes:
    from landscape_gui.export import render
    from landscape_gui.page_setup import PageSetup

    return render(figure, ".png", PageSetup(dpi=dpi))


def data_uri(picture: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"
