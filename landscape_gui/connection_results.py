"""Answers about how models are connected: curves, alignments, paths with their barriers, matrices of barriers. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from landscape_gui.results import Array, ConnectedResult, Quantity, SurfaceResult, freeze, labelled, optional


@dataclass(frozen=True, kw_only=True)
class CurveResult(ConnectedResult):
    """A trained path through weight space: its control points, ends included, and how it was trained.

    kind: "bezier", or "chain" (piecewise linear; a nudged elastic band is one); points: (m, size) float32, parameters first, then
    float buffers; places: (m,) where each stands on the chain, in [0, 1] (even for a Bezier curve). losses: (k,) mean training loss
    over the steps up to `loss_steps` (k,) since the one before; steps and seconds spent; complete: the budget is spent.
    """

    kind: str
    points: Array = labelled("control points of the path, ends included", "point", "weight")
    places: Array = labelled("place on the path", "point")
    losses: Array = optional("mean training loss since the entry before", "record")
    loss_steps: Array = optional("steps taken by then", "record")
    steps: int = 0
    seconds: float = 0.0
    state: Mapping[str, Array] = field(default_factory=dict)
    complete: bool = True


@dataclass(frozen=True, kw_only=True)
class AlignmentResult(ConnectedResult):
    """One model's units permuted to match another's.

    permutations: group -> (units,): unit j of the aligned model is unit permutations[group][j] of the original; held: what could
    not be permuted, with the reason; moved: how many of `units` changed place; objective: (rounds,) inner product of the matched
    weights (or sum of correlations); difference: largest relative difference between the outputs of the permuted and the original
    network on random input; aligned: (size,) float32 the permuted weights. distance_before, distance_after: to the other model.
    """

    method: str = "weights"
    permutations: Mapping[str, Array] = field(default_factory=dict)
    held: tuple[str, ...] = ()
    moved: int = 0
    units: int = 0
    objective: Array = optional("what the matching maximises", "round")
    difference: float = float("nan")
    aligned: Array = labelled("permuted weights", "weight")
    distance_before: float = float("nan")
    distance_after: float = float("nan")
    complete: bool = True


@dataclass(frozen=True, kw_only=True)
class EndpointResult(ConnectedResult):
    """One checkpoint's own loss and metrics, every quantity of shape (1,), shared by every path that ends in it.

    rows: by the same names, (n,) each example's own sum over its rows (a batch's, where only means over batches are known);
    weights: (n,) how many rows of it count.
    """

    quantities: Mapping[str, Quantity]
    rows: Mapping[str, Array] = field(default_factory=dict)
    weights: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PathResult(ConnectedResult):
    """Loss and metrics along one path between two models, and what stands between them.

    name: "line", "bezier", "chain", "band", "aligned" or "repaired" ("line, frozen" where the gap between BatchNorm modes is
    asked for); t: (k,) ascending, 0 at the first model and 1 at the second; computed: (k,) where it was measured so far;
    quantities: `<split>_<metric>` -> (k,); arc: (k,) length of the path up to t over all parameters, 0 at t = 0 (negative before).
    length: from t = 0 to 1; end_distance: between the ends. errors: paired standard errors, (k,), of how far a quantity lies
    above the line between its ends (`train_loss_above_line`), above their mean, above the first end and above the second.
    numbers: `above_line`, `above_mean`, `above_larger` of the chosen split's loss,
    the same as `<split>_<metric>_above_line` for every quantity, `connectivity_score`, `maximum`, `mean`, `arc_mean`.
    controls: how many control points; training: how the path was found, in words.
    """

    name: str
    label: str
    t: Array = labelled("place on the path: 0 at the first model, 1 at the second", "t")
    computed: Array = labelled("where the network was evaluated", "t")
    quantities: Mapping[str, Quantity]
    arc: Array = labelled("length of the path up to t", "t")
    errors: Mapping[str, Array] = field(default_factory=dict)
    length: float = float("nan")
    end_distance: float = float("nan")
    controls: int = 2
    training: str = ""
    complete: bool = True


@dataclass(frozen=True, kw_only=True)
class ConnectionResult(ConnectedResult):
    """Every path asked for between two models, in the order asked for; names: what the two models are called."""

    names: tuple[str, ...]
    paths: Mapping[str, PathResult]
    end_distance: float = float("nan")
    classes: int = 0
    complete: bool = True


@dataclass(frozen=True, kw_only=True)
class WaypointResult(ConnectedResult):
    """The model at one place t of a path: loss and metrics, accuracy of each class, predictions that flip.

    per_class: (classes,) accuracy of each class, with class_examples (classes,); predicted: (n,) the class named for each example;
    flips_from_first, flips_from_second: indices of examples whose predicted class is another than that of the path's end.
    Empty where the network is no classifier. names: what the two models are called.
    """

    t: float
    path: str
    quantities: Mapping[str, Quantity]
    names: tuple[str, ...] = ()
    targets: Array = optional("class of each example", "example")
    predicted: Array = optional("class predicted at t", "example")
    predicted_first: Array = optional("class predicted by the first model", "example")
    predicted_second: Array = optional("class predicted by the second model", "example")
    per_class: Array = optional("accuracy of each class", "class")
    per_class_first: Array = optional("accuracy of each class, first model", "class")
    per_class_second: Array = optional("accuracy of each class, second model", "class")
    class_examples: Array = optional("examples of each class", "class")

    @property
    def flips_from_first(self) -> Array:
        return freeze((self.predicted != self.predicted_first).nonzero()[0], int)

    @property
    def flips_from_second(self) -> Array:
        return freeze((self.predicted != self.predicted_second).nonzero()[0], int)


@dataclass(frozen=True, kw_only=True)
class BarrierTable:
    """What stands between every two of several models along one kind of path.

    quantities: `<split>_<metric>_<definition>` -> (k, k) barriers with their standard errors, the metric being the loss or, of a
    classifier, the error rate (a fraction); distances: (k, k) between the ends of the path, after alignment where one is aligned;
    lengths: (k, k) of the paths. All are symmetric, zero on the diagonal, NaN where not computed yet.
    """

    path: str
    quantities: Mapping[str, Quantity]
    distances: Array = labelled("norm of the difference of the path's ends", "model", "model")
    lengths: Array = labelled("length of the path", "model", "model")


@dataclass(frozen=True, kw_only=True)
class BarriersResult(ConnectedResult):
    """Barriers between every two of several models: symmetric, zero on the diagonal, NaN where not computed yet.

    names: what each model is called; definition: "above_line", "above_mean" or "above_larger"; path: the kind of path; metric:
    "loss" or "error"; barriers, standard_errors, distances: (k, k) of these; losses: (k,) each model's own on the chosen split;
    own: `<split>_<metric>` -> (k,) each model's own; order: (k,) by average-linkage clustering of the barriers; tree: (k - 1, 2)
    edges of the minimum spanning tree, the lowest barrier first; tables: by kind of path, with every split, metric and definition.
    """

    names: tuple[str, ...]
    definition: str = "above_line"
    path: str = "line"
    metric: str = "loss"
    barriers: Array = labelled("barrier between two models", "model", "model")
    standard_errors: Array = labelled("standard error of the barrier", "model", "model")
    distances: Array = labelled("norm of the difference", "model", "model")
    losses: Array = labelled("own loss of each model", "model")
    own: Mapping[str, Quantity] = field(default_factory=dict)
    order: Array = optional("models as ordered by clustering", "place")
    tree: Array = optional("edges of the minimum spanning tree", "edge", "end")
    tables: Mapping[str, BarrierTable] = field(default_factory=dict)
    complete: bool = True

    @property
    def quantities(self) -> Mapping[str, Quantity]:
        """Those of the first kind of path, for a choice of what is shown."""
        return next((table.quantities for table in self.tables.values()), {})


@dataclass(frozen=True, kw_only=True)
class InstabilityResult(ConnectedResult):
    """The barrier between two runs' checkpoints at each epoch that both have: instability (Frankle et al. 2020).

    epochs: (k,); barriers, error_barriers: (k,) of the loss and of the error rate by the definition named, on the chosen split,
    NaN where not computed yet; first_losses, second_losses: (k,) the checkpoints' own; distances: (k,). quantities:
    `<split>_<metric>_<definition>` -> (k,) every other choice of these.
    """

    names: tuple[str, ...]
    definition: str = "above_mean"
    path: str = "line"
    unit: str = "epoch"
    epochs: Array = labelled("epoch or step", "checkpoint")
    barriers: Array = labelled("barrier between the two checkpoints", "checkpoint")
    standard_errors: Array = labelled("standard error of the barrier", "checkpoint")
    error_barriers: Array = optional("barrier in classification error", "checkpoint")
    error_standard_errors: Array = optional("its standard error", "checkpoint")
    first_losses: Array = labelled("own loss of the first run's checkpoint", "checkpoint")
    second_losses: Array = labelled("own loss of the second run's checkpoint", "checkpoint")
    distances: Array = labelled("norm of the difference", "checkpoint")
    quantities: Mapping[str, Quantity] = field(default_factory=dict)
    complete: bool = True


@dataclass(frozen=True, kw_only=True)
class PlacedPath(ConnectedResult):
    """A path seen in a plane: (k,) t, coordinates x and y, distance off the plane, and its true value of each quantity."""

    name: str
    label: str
    t: Array = labelled("place on the path", "t")
    x: Array = labelled("coordinate along the first axis", "t", unit="direction")
    y: Array = labelled("coordinate along the second axis", "t", unit="direction")
    off_plane: Array = labelled("2-norm of what the plane does not hold", "t")
    quantities: Mapping[str, Quantity] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PathPlaneResult(ConnectedResult):
    """The surface on the plane of two models and a third place of a path, with the paths in it.

    names: what the anchors are called; x, y: (anchors,) where they stand.
    """

    names: tuple[str, ...]
    x: Array = labelled("coordinate of the anchor along the first axis", "anchor", unit="direction")
    y: Array = labelled("coordinate of the anchor along the second axis", "anchor", unit="direction")
    surface: SurfaceResult
    paths: Mapping[str, PlacedPath]
