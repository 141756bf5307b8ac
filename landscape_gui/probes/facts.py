"""What a picture shows, in words: label and value pairs for the panel "What this shows", and the same as a caption. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from landscape_gui.probes import landmarks
from landscape_gui.probes.unknowns import with_unknowns
from landscape_gui.results import Array, AxesReport, LineResult, Provenance, Quantity, SurfaceResult

Fact = tuple[str, str]
BATCHNORM_WORDS = {
    "frozen": "statistics frozen at this checkpoint",
    "interpolated": "statistics moved along the axes",
    "recalculated": "statistics recalculated at each point",
}
PRECISION_WORDS = {"float32": "float32, sums in float64", "float64": "float64"}


def number(value: float) -> str:
    """Four significant digits with a real minus sign."""
    if not np.isfinite(value):
        return "not finite"
    text = f"{value:.4g}"
    mantissa, _, exponent = text.partition("e")
    return (mantissa + (f"e{int(exponent)}" if exponent else "")).replace("-", "−")


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def with_unit(value: float, unit: str) -> str:
    if unit == "1":
        return f"{100 * value:.2f} %" if np.isfinite(value) else "not finite"
    return f"{number(value)} {unit}".strip()


NOTE = "Note"


def with_error(value: float, error: float, unit: str = "") -> str:
    """ "1.823 ± 0.026 nat"; the error, where there is one, with two digits and the value as far."""
    if not np.isfinite(error) or error <= 0:
        return f"{number(value)} {unit}".strip()
    digits = max(0, 1 - int(f"{error:.1e}".partition("e")[2]))
    if digits > 6:
        return f"{number(value)} ± {number(float(f'{error:.1e}'))} {unit}".strip()
    return f"{value:.{digits}f} ± {error:.{digits}f} {unit}".strip().replace("-", "−")


CENTRE, NEAR_CENTRE = "At the centre", "At the grid point nearest to the checkpoint"


def surface_facts(result: SurfaceResult, shown: Quantity) -> tuple[Fact, ...]:
    """Everything that one must know to judge a surface."""
    facts = [
        ("Shown", shown.label + (f" ({shown.unit})" if shown.unit not in ("", "1") else "")),
        *axes_facts(result.axes, seeds_of(result)),
        ("Marked", landmarks.words(result)),
        *centre_facts(shown, centre_cell(result), exact=bool((result.x == 0).any() and (result.y == 0).any())),
        ("Points", points_words(result)),
        *holes(shown.values, result.computed, shown.label),
        (NOTE, " ".join(result.notes)),
        *common_facts(result, shown),
    ]
    return tuple(fact for fact in with_unknowns(facts, result.provenance.problem) if fact[1])


def line_facts(result: LineResult, shown: Quantity) -> tuple[Fact, ...]:
    facts = [
        *axes_facts(result.axes, seed_words(result.provenance)),
        *centre_facts(shown, int(np.argmin(np.abs(result.x))), exact=bool((result.x == 0).any())),
        ("Points", f"{int(result.computed.sum()):,} of {result.x.size:,} computed, none interpolated"),
        *(hole for q in result.quantities.values() for hole in holes(q.values, result.computed, q.label)[:1]),
        (NOTE, " ".join(result.notes)),
        *common_facts(result, shown),
    ]
    return tuple(fact for fact in with_unknowns(facts, result.provenance.problem) if fact[1])


def axes_facts(axes: AxesReport, seeds: str) -> list[Fact]:
    """Directions, their angle, lengths, layers and the variance that they explain."""
    facts = [("Directions", "; ".join(axes.labels)), ("Direction seed", seeds)]
    if len(axes.labels) == 2:
        cosine = float(axes.cosines[0, 1])
        facts.append(("Cosine of the axes", number(cosine) if np.isfinite(cosine) else ""))
    norms = " and ".join(number(float(v)) for v in axes.norms) if np.isfinite(axes.norms).any() else ""
    facts.append(("Norms of the axes" if len(axes.labels) > 1 else "Norm of the axis", norms))
    for k, _ in enumerate(axes.labels):
        shares = largest_shares(axes, k)
        facts.append((f"Layers of axis {k + 1}" if len(axes.labels) > 1 else "Layers of the axis", shares))
    if axes.explained.size:
        both = [
            f"{100 * float(s):.1f} % (random walk {100 * float(w):.1f} %)"
            for s, w in zip(axes.explained, axes.random_walk, strict=False)
        ]
        facts.append(("Explained variance", "; ".join(both[:3])))
    for k, (value, residual) in enumerate(zip(axes.eigenvalues, axes.residuals, strict=True)):
        words = f"{number(float(value))}, an eigenvalue within {float(residual):.1g}; the axis has unit norm and is not rescaled"
        facts.append((f"Eigenvalue of axis {k + 1}" if len(axes.labels) > 1 else "Eigenvalue of the axis", words))
    return facts


def largest_shares(axes: AxesReport, axis: int, count: int = 3) -> str:
    """The layers that hold most of an axis's squared norm."""
    if axes.shares.ndim != 2 or not len(axes.layers):
        return ""
    shares = axes.shares[axis]
    top = np.argsort(-shares, kind="stable")[:count]
    words = [f"{axes.layers[i]} {100 * float(shares[i]):.1f} %" for i in top if shares[i] > 0]
    rest = 1.0 - float(shares[top].sum())
    more = len(shares) - len(top)
    return ", ".join(words) + (f", {more} more {100 * max(rest, 0.0):.1f} %" if more > 0 and words else "")


def centre_cell(result: SurfaceResult) -> int:
    """Flat index of the grid's point nearest to the checkpoint."""
    return int(np.argmin(np.abs(result.y))) * result.x.size + int(np.argmin(np.abs(result.x)))


def centre_facts(shown: Quantity, cell: int, *, exact: bool) -> list[Fact]:
    """The value at the checkpoint, or, where the grid has no point there, at the nearest point, which is another value."""
    value = float(shown.values.reshape(-1)[cell])
    known = shown.standard_error
    error = "" if known is None else with_unit(float(known.reshape(-1)[cell]), shown.unit)
    kind = "residual" if shown.name.startswith("lambda_") else "standard error"
    facts = [(CENTRE if exact else NEAR_CENTRE, with_unit(value, shown.unit) + (f" ± {error} ({kind})" if error else ""))]
    finite = shown.values[np.isfinite(shown.values)]
    if finite.size:
        facts.append(("Range", f"{with_unit(float(finite.min()), shown.unit)} to {with_unit(float(finite.max()), shown.unit)}"))
    return facts


def points_words(result: SurfaceResult) -> str:
    total, computed = result.computed.size, int(result.computed.sum())
    grid = f"{result.x.size} × {result.y.size}"
    if result.adaptive:
        rest = f"{grid}; {computed:,} of {total:,} computed ({100 * computed / total:.1f} %), the rest interpolated"
        return rest + error_words(result)
    if computed < total:
        return f"{grid}; {computed:,} of {total:,} computed so far, drawn with interpolation in between"
    draws = f" for each of {len(result.seeds)} seeds" if len(result.seeds) > 1 else ""
    return f"{grid}; {plural(computed, 'point')} computed{draws}, none interpolated"


def error_words(result: SurfaceResult) -> str:
    """What is known of an interpolated surface's error: a maximum over cells held out, not over all."""
    if not np.isfinite(result.interpolation_error):
        return ""
    count = int(result.provenance.environment.get("held_out", 0) or 0)
    where = f"at {count:,} cells" if count else "at cells"
    return f", largest error {result.interpolation_error:.2g} in ln loss {where} held out where it was least sure"


def holes(values: Array, computed: Array, label: str) -> list[Fact]:
    """ "3 of 2,601 cells are not finite (NaN)"; nothing where every cell is finite."""
    nan, infinite = int((np.isnan(values) & computed).sum()), int((np.isinf(values) & computed).sum())
    kinds = " and ".join(
        f"{count:,} {kind}" if nan and infinite else kind for count, kind in ((nan, "NaN"), (infinite, "infinite")) if count
    )
    count = nan + infinite
    if not count:
        return []
    return [("Holes", f"{count:,} of {int(computed.sum()):,} cells {'is' if count == 1 else 'are'} not finite ({kinds}): {label}")]


def common_facts(result: Any, shown: Quantity) -> list[Fact]:
    """Data, BatchNorm, precision, machine, checkpoint."""
    where: Provenance = result.provenance
    problem, environment = where.problem, where.environment
    return [
        ("Data", data_words(problem) + result.subset + (f" ({shown.examples:,} in what is shown)" if shown.examples else "")),
        ("Images", images_words(problem)),
        ("BatchNorm", BATCHNORM_WORDS.get(result.batchnorm, result.batchnorm)),
        ("Precision", PRECISION_WORDS.get(result.precision, result.precision)),
        ("Computed on", machine(environment)),
        ("Checked against the plain pass", difference_words(environment)),
        ("Standard errors", batches_words(environment)),
        ("Model", str(problem.get("model", ""))),
        *checkpoint_facts(problem),
        ("Computed at", where.created.replace("T", " ").replace("+00:00", " UTC") if where.created else ""),
    ]


def data_words(problem: Mapping[str, Any]) -> str:
    data = problem.get("data")
    name = str(data.get("name", "")) if isinstance(data, Mapping) else ""
    return f"{name}: " if name else ""


def images_words(problem: Mapping[str, Any]) -> str:
    """How images were brought to their size; empty where they are as they were."""
    data = problem.get("data")
    return str(data.get("images", "")) if isinstance(data, Mapping) else ""


def checkpoint_facts(problem: Mapping[str, Any]) -> list[Fact]:
    """The file, as its last two names, and the digest of its tensors."""
    told = problem.get("checkpoint", "")
    if not isinstance(told, Mapping):
        return [("Checkpoint", str(told or problem.get("title", ""))), ("Digest", str(problem.get("digest", "")))]
    names = str(told.get("path", "")).replace("\\", "/").split("/")[-2:]
    return [("Checkpoint", "/".join(names)), ("Digest", str(told.get("digest", "")))]


def machine(environment: Mapping[str, Any]) -> str:
    if not environment:
        return ""
    threads = int(environment.get("threads", 0) or 0)
    parts = [str(environment.get("device", "")), plural(threads, "thread") if threads else ""]
    torch = environment.get("torch", "")
    return ", ".join(p for p in [*parts, f"torch {torch}" if torch else ""] if p)


def difference_words(environment: Mapping[str, Any]) -> str:
    """How far the fast path was from the plain forward pass where it was checked."""
    found = [v for k, v in environment.items() if "difference" in k and isinstance(v, (int, float)) and np.isfinite(v)]
    return f"largest relative difference {max(found):.1e}" if found else ""


def batches_words(environment: Mapping[str, Any]) -> str:
    """Where standard errors do not come from the scatter between examples; empty where all do."""
    found: Mapping[str, int] = environment.get("batches") or {}
    known = {name.replace("_", " "): f"between the means of {n:,} batches" for name, n in found.items() if n > 1}
    lost = {name.replace("_", " "): "none, from one example or batch" for name, n in found.items() if n <= 1}
    return "; ".join(f"{name}: {words}" for name, words in {**known, **lost}.items())


def seed_words(where: Provenance) -> str:
    asked = where.question
    random = asked.get("directions") in ("filter", "layer", "raw", "towards")
    return str(asked["seed"]) if random and "seed" in asked else ""


def seeds_of(result: SurfaceResult) -> str:
    if not result.seeds:
        return seed_words(result.provenance)
    return str(result.seeds[0]) if len(result.seeds) == 1 else f"{result.seeds[0]} to {result.seeds[-1]}"
