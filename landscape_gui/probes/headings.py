"""What a picture of curvature is of, in a line: the matrix, its block, the examples. NumPy only."""

from __future__ import annotations

from landscape_gui.figure import Look
from landscape_gui.results import CurvatureResult

MATRICES = {
    "hessian": "Hessian",
    "gauss-newton": "Gauss-Newton matrix",
    "residual": "Hessian minus Gauss-Newton",
    "ntk": "neural tangent kernel",
}


def heading(what: str, result: CurvatureResult, look: Look, *, matrix: bool = True, width: float = 0.0) -> str:
    """ "Spectrum of the Hessian on all 1,437 train examples, kernel width 0.0131"; "" where the look wants no title."""
    if not look.title:
        return ""
    of = f" of the {MATRICES.get(result.operator, result.operator)}" if matrix else ""
    block = f", layers {result.layer}," if result.layer else ""
    known = result.subset[-1:].isalpha() and "stream" not in result.subset
    data = f" on {result.subset}{' examples' if known else ''}" if result.subset else ""
    kernel = f", kernel width {width:.3g}".replace("e-0", "e-") if width else ""
    return f"{what}{of}{block}{data}{kernel}"
