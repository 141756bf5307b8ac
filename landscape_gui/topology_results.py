"""The answer about the topology of a surface. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass

from landscape_gui.results import Array, ConnectedResult, SurfaceResult, labelled


@dataclass(frozen=True, kw_only=True)
class TopologyResult(ConnectedResult):
    """How the minima of a surface are connected: a branch of the merge tree for each, (k,), the most persistent first.

    surface: with the quantity that was followed alone, `quantity` by name; extrema: "minima" or "maxima"; connectivity: what
    is connected between points ("bilinear", "edges", "corners"); deviations: standard errors that count as noise. births:
    value at the minimum; deaths: at the saddle to a deeper one, infinite where there is none; parents: the deeper one's
    branch, -1 for none; x, y and saddle_x, saddle_y: where they are (NaN: no saddle). errors: (k,) one standard error of the
    persistence at most, NaN where none is known; real: (k,) whether it is above the noise floor; on_edge: (k,) whether the
    minimum is on the picture's edge, where the surface may go on downwards. band_births, band_tops: (m,) the noise floor as a
    line in the persistence diagram: what is born at a value and ends below the line is noise.
    """

    surface: SurfaceResult
    quantity: str
    extrema: str = "minima"
    connectivity: str = "bilinear"
    deviations: float = 1.96
    births: Array = labelled("value at the minimum", "minimum")
    deaths: Array = labelled("value at the saddle where it meets a deeper one", "minimum")
    parents: Array = labelled("the deeper minimum that it meets", "minimum")
    x: Array = labelled("place of the minimum along the first axis", "minimum", unit="direction")
    y: Array = labelled("place of the minimum along the second axis", "minimum", unit="direction")
    saddle_x: Array = labelled("place of the saddle along the first axis", "minimum", unit="direction")
    saddle_y: Array = labelled("place of the saddle along the second axis", "minimum", unit="direction")
    errors: Array = labelled("standard error of the persistence, at most", "minimum")
    real: Array = labelled("whether it is above the noise floor", "minimum")
    on_edge: Array = labelled("whether the minimum is on the edge of the picture", "minimum")
    band_births: Array = labelled("birth at which the noise floor is given", "place")
    band_tops: Array = labelled("death above which what is born there is more than noise", "place")

    @property
    def persistence(self) -> Array:
        """(k,) height of the saddle above the minimum (below the maximum), infinite for the deepest."""
        found: Array = abs(self.deaths - self.births)
        return found
