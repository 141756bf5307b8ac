"""Training dynamics in words: facts, caption, and what is read out at a checkpoint. NumPy only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from landscape_gui.dynamics_results import DynamicsResult, RunDynamics
from landscape_gui.probes import facts
from landscape_gui.probes.dynamics_charts import capital
from landscape_gui.probes.unknowns import spoken, with_unknowns
from landscape_gui.results import Quantity

LGDI = (
    "(C + D)/(G + C + D) with G = lr ‖g‖² what a gradient step gains to first order, C = lr² λmax ‖g‖²/2 what curvature may take "
    "back, D the directional sharpness; 0: the slope is all there is, near 1: steps no longer help. Defined here: no published "
    "formula goes by the name"
)
GEOMETRY = ("gradient_norm", "lambda_max", "directional_sharpness", "epsilon_sharpness")


def runs_words(result: DynamicsResult) -> str:
    """ "Training dynamics of a and b over 41 epochs"; of checkpoints, how many."""
    names = list(result.runs)
    listed = together(names)
    counts = [len(run.order) for run in result.runs.values()]
    if any(run.names for run in result.runs.values()):
        return f"Training dynamics of {listed}, {together([f'{n:,}' for n in counts])} checkpoint{'s' if counts != [1] else ''}"
    return f"Training dynamics of {listed} over {facts.plural(max(counts), result.unit)}"


def together(words: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def dynamics_facts(result: DynamicsResult) -> tuple[facts.Fact, ...]:
    """Which runs, each quantity's first, last and extreme values, what the marks are, on which data, and what is unknown."""
    found: list[facts.Fact] = []
    for run in result.runs.values():
        found.append((run.name if len(result.runs) > 1 else "Run", run_words(run, result.unit)))
        for name, q in run.quantities.items():
            label = capital(q.label)
            found.append((f"{run.name}: {label}" if len(result.runs) > 1 else label, course(run, name, result.unit)))
    found += [*method(result), ("Remarks", " ".join(result.notes)), *about(result)]
    return tuple(fact for fact in with_unknowns(found, result.provenance.problem) if fact[1])


def run_words(run: RunDynamics, unit: str) -> str:
    noun = "checkpoint" if run.names else unit
    span = f", {run.order[0]:g} to {run.order[-1]:g}" if len(run.order) else ""
    done = int(run.computed.sum()) if len(run.computed) else len(run.order)
    so_far = f"; {done} measured so far" if done < len(run.order) else ""
    kind = {"": "", "sgd": "; gradient descent"}.get(run.optimiser, f"; {run.optimiser}")
    momentum = f", {'Nesterov ' if run.nesterov else ''}momentum {run.momentum:g}" if run.momentum > 0 else ""
    over = f"; over {unit}" if run.names else ""
    return f"{facts.plural(len(run.order), noun)}{span}{over}{kind}{momentum}{so_far}"


def method(result: DynamicsResult) -> Iterator[facts.Fact]:
    """What the numbers and marks mean."""
    names = result.names
    if "stability_ratio" in names or "lambda_max" in names:
        words = {run.limit_words for run in result.runs.values() if run.limit_words}
        if words:
            yield (
                "Limit of stability",
                f"{'; '.join(sorted(words))}: of full-batch steps on a quadratic; mini-batches stay below it",
            )
        elif "stability_ratio" in names:
            yield "Edge of stability", "2, where the ratio is learning rate × λmax and there is no momentum"
    if not any(run.names for run in result.runs.values()):
        return
    yield "Bands", "±1.96 standard errors over examples and random steps; of λmax the residual, within which an eigenvalue lies"
    if any(run.logged for run in result.runs.values()):
        yield "Crosses", "what the run logged itself (a thin line where rows are many); dots and lines are computed here"
    if "directional_sharpness" in names:
        r = facts.number(result.radius)
        yield "Directional sharpness", f"mean rise of the loss over random steps of length {r}, in opposite pairs"
        yield "ε-sharpness", f"largest rise that ascent finds within a ball of radius {r}: a lower bound"
    if "lgdi" in names:
        yield "LGDI", LGDI
    if "step_cosine" in names:
        yield "Cosine of successive steps", f"of the steps from checkpoint to checkpoint, {spacing(result)}"
    if len(result.explained):
        shares = " and ".join(f"{100 * share:.1f} %" for share in result.explained[:2])
        yield "Trajectory", f"in the plane of the checkpoints' two leading principal components ({shares} of their variance)"


def spacing(result: DynamicsResult) -> str:
    """ "1 epoch apart", "1 to 20 epochs apart"."""
    gaps = np.concatenate([np.diff(run.order) for run in result.runs.values() if len(run.order) > 1] or [np.zeros(0)])
    if not gaps.size:
        return "of which there is one"
    low, high = facts.number(float(gaps.min())), facts.number(float(gaps.max()))
    unit = result.unit if (low, high) == ("1", "1") or result.unit.startswith("share") else f"{result.unit}s"
    return f"{low if low == high else f'{low} to {high}'} {unit} apart"


def about(result: DynamicsResult) -> Iterator[facts.Fact]:
    """On which data and how."""
    where = result.provenance
    size = f" (N = {result.examples:,})" if result.examples else ""
    yield "Data of the geometry", f"{facts.data_words(where.problem)}{result.subset}{size}" if result.subset else ""
    partial = result.subset and not result.subset.startswith("all")
    yield "Subset", "on part of the data the largest eigenvalue is too large, twofold on an eighth" if partial else ""
    yield "BatchNorm", "each checkpoint's own statistics, frozen" if result.batchnorm else ""
    yield "Weight decay", "not in the loss or its curvature; taken off the limit" if result.subset else ""
    yield "Precision", facts.PRECISION_WORDS.get(result.precision, result.precision)
    yield "Computed on", facts.machine(where.environment) if where.environment else ""
    yield "Model", str(where.problem.get("model", ""))


def course(run: RunDynamics, name: str, unit: str) -> str:
    """ "2.31 at first, 0.042 at last, least 0.041 at epoch 37"."""
    q = run.quantities[name]
    at = np.flatnonzero(np.isfinite(q.values))
    if not at.size:
        return "no finite value"
    loss = "loss" in name
    best = at[int(np.argmin(q.values[at]) if loss else np.argmax(q.values[at]))]
    first, last, top = (facts.with_unit(float(q.values[k]), q.unit) for k in (at[0], at[-1], best))
    holes = 0 if run.names else len(q.values) - len(at)
    words = f"{first} at first, {last} at last, {'least' if loss else 'greatest'} {top} at {unit} {run.order[best]:g}"
    return words + (f"; {holes:,} missing" if holes else "")


def words_at(run: RunDynamics, k: int, names: Sequence[str], *, several: bool) -> str:
    """ "epoch 3     training loss 0.238 ± 0.011     ..."."""
    where = f"{run.name}, {run.names[k]}" if several else run.names[k]
    return "     ".join([where, *(value_words(run.quantities[name], k) for name in names if name in run.quantities)])


def value_words(q: Quantity, k: int) -> str:
    value = float(q.values[k])
    if np.isnan(value):
        return f"{q.label} –"
    error = float(q.standard_error[k]) if q.standard_error is not None else np.nan
    if q.unit == "1":
        return f"{q.label} {100 * value:.2f} %" + (f" ± {100 * error:.2f}" if np.isfinite(error) else "")
    return f"{q.label} {facts.number(value)}" + (f" ± {facts.number(float(f'{error:.2g}'))}" if np.isfinite(error) else "")


def caption_of(what: str, every: Sequence[facts.Fact], result: DynamicsResult) -> str:
    """Sentences for under a figure: of our own runs what must be known, of others' files everything."""
    own = any(run.names for run in result.runs.values())
    wanted = ("Run", *result.runs, "Limit of stability", "Bands", "Crosses", "Directional sharpness", "ε-sharpness", "Trajectory",
              "Cosine of successive steps", "Data of the geometry", "BatchNorm", "Precision", "Remarks")  # fmt: skip
    shown = {label: words for label, words in every if label in wanted} if own else None
    pairs = [(label, words) for label, words in every if shown is None or shown.get(label) == words]
    said = [capital(what), *(f"{label}: {words}" for label, words in spoken(pairs) if label != "Run")]
    return " ".join(f"{words.rstrip('.')}." for words in said)
