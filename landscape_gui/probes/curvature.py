"""What every question about curvature shares: on which data, of which operator and layers, how exactly; and facts about it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from landscape_gui.errors import QuestionError
from landscape_gui.probes import facts
from landscape_gui.probes.base import Cost, Probe, Progress, Run, field
from landscape_gui.probes.curvature_numbers import training_of
from landscape_gui.results import Array, CurvatureResult, Provenance, freeze

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.core.objective import Objective
    from landscape_gui.core.operators import Operator
    from landscape_gui.problem import Problem

OPERATORS = {
    "hessian": "Hessian of the mean loss",
    "gauss-newton": "Gauss-Newton matrix (the Fisher matrix of softmax and cross-entropy)",
    "residual": "Hessian minus Gauss-Newton",
    "ntk": "empirical neural tangent kernel, over examples and outputs",
}
VECTOR_BYTES = 64 << 20
"""Lanczos vectors that would take more are not kept with a part of a density, nor eigenvectors with a spectrum."""
EIGENVECTOR_BYTES = 256 << 20
"""Eigenvectors that would take more are not kept with the answer about eigenvalues: 6 of ten million parameters still are."""
SEARCH_BYTES = 256 << 20
"""A search for eigenpairs that would take more is not kept, to be gone on from."""
TELL_EVERY = 1 / 8
"""Seconds between two partial answers about curvature."""
PASSES = 6.0
"""A product costs about so many forward passes."""
STREAMED = "all of the stream"

T = TypeVar("T", bound=CurvatureResult)
_benches: weakref.WeakKeyDictionary[Any, dict[Any, Bench]] = weakref.WeakKeyDictionary()
_paces: weakref.WeakKeyDictionary[Any, dict[Any, float]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, kw_only=True)
class CurvatureProbe(Probe):
    """The fields that say of which operator, on which data and how exactly curvature is asked about."""

    purpose: ClassVar[str] = "Curvature and sharpness"

    split: str = field("", label="Data", help="The split of the data; the first one (training) where none is named", metavar="NAME")
    limit: int = field(0, label="Subset", help="A random subset of so many examples; 0 takes all", minimum=0)
    seed: int = field(0, label="Seed", help="Seed of random vectors and of the subset of the data", minimum=0, maximum=2**63 - 1)
    operator: str = field("hessian", label="Operator", help="Whose eigenvalues", choices=OPERATORS)
    layer: str = field(
        "",
        label="Layers",
        help="Only the block of these layers or groups (names, with commas); nothing: all",
        metavar="NAME",
    )
    precision: str = field(
        "float32",
        label="Precision",
        help="Arithmetic of the network",
        choices={"float32": "as networks are trained", "float64": "double; about twice the time"},
        advanced=True,
    )

    def memory(self, problem: Problem) -> float:
        """Bytes that vectors of the operator's size will take at most, beside the network, its data and the graph of a product;
        NaN: not known."""
        return float("nan")

    def completed(self, problem: Problem) -> Probe:
        """The question with the split that it is about, and its layers' names in one way of writing."""
        return dataclasses.replace(self, split=split_of(self, problem), layer=", ".join(layers_of(self.layer)))


@dataclass(frozen=True, kw_only=True)
class TrainedProbe(CurvatureProbe):
    """A question whose numbers stand beside how the network was trained: asked anew where that is told otherwise."""

    training: str | None = field(None, label="Training", help="As the card and the log tell it", hidden=True, silent=True)

    def completed(self, problem: Problem) -> Probe:
        return dataclasses.replace(super().completed(problem), training=training_of(problem).told or None)  # type: ignore[call-arg]


def layers_of(text: str) -> tuple[str, ...]:
    """ "fc1, fc2" -> ("fc1", "fc2")."""
    return tuple(part for part in re.split(r"[,;\s]+", text) if part)


def split_of(probe: CurvatureProbe, problem: Problem) -> str:
    """The split that a question is about; the first one where it names none. QuestionError names those that there are."""
    if not probe.split:
        return next(iter(problem.splits))
    if probe.split not in problem.splits:
        raise QuestionError(f"There is no split {probe.split!r}.", remedy=f"Choose one of {', '.join(problem.splits)}.")
    return probe.split


def objective_of(probe: CurvatureProbe, problem: Problem, *, layer: str | None = None) -> Objective:
    """The loss that a question is about, as a function of the parameters that it is about. ProblemError where it is not finite."""
    chosen = layers_of(probe.layer if layer is None else layer)
    made: Objective = problem.objective(
        split=split_of(probe, problem), limit=probe.limit, seed=probe.seed, precision=probe.precision, parameters=chosen
    )
    made.check()
    return made


def operator_of(name: str, objective: Objective) -> Operator:
    """The operator of this name at the checkpoint."""
    from landscape_gui.core import operators

    kinds: dict[str, Callable[[Objective], Operator]] = {
        "hessian": operators.Hessian,
        "gauss-newton": operators.GaussNewton,
        "residual": operators.Residual,
        "ntk": operators.NeuralTangent,
    }
    return kinds[name](objective)


class Bench:
    """An objective and its operator, made once for a question and those that it asks in turn."""

    def __init__(self, probe: CurvatureProbe, problem: Problem) -> None:
        self.objective = objective_of(probe, problem)
        self.operator = operator_of(probe.operator, self.objective)
        self.known: dict[Probe, CurvatureResult] = {}
        """Answers that a question which shares this bench has already been given."""
        self.room = VECTOR_BYTES
        """Bytes that the Lanczos vectors of each answer may take, to be gone on from; where they would take more, none are kept."""
        self.vectors: dict[Probe, Tensor] = {}
        """Orthonormal eigenvectors (k, n) that a question about eigenvalues has found, while those that share this bench run."""
        self.lines: dict[Probe, Tensor] = {}
        """The same, those that converged, as a density's probes are made orthogonal to them."""
        self._gradient: Tensor | None = None

    @property
    def gradient(self) -> Tensor:
        """(n,) the gradient at the checkpoint; computed once."""
        if self._gradient is None:
            self._gradient = self.objective.gradient()
        return self._gradient


@contextlib.contextmanager
def bench_of(probe: CurvatureProbe, problem: Problem) -> Iterator[Bench]:
    """The bench of this question: that of a question which is asking it, else a new one that goes when this one is answered."""
    seed = probe.seed if probe.limit else 0
    key = (threading.get_ident(), split_of(probe, problem), probe.limit, seed, probe.precision, probe.operator, probe.layer)
    shared = _benches.setdefault(problem, {})
    if key in shared:
        yield shared[key]
        return
    shared[key] = Bench(probe, problem)
    try:
        yield shared[key]
    finally:
        shared.pop(key, None)


def about(probe: CurvatureProbe, problem: Problem, bench: Bench) -> dict[str, Any]:
    """What every answer says of itself: fields of CurvatureResult."""
    return {
        "operator": probe.operator,
        "layer": probe.layer,
        "size": int(bench.operator.size),
        "split": split_of(probe, problem),
        "examples": int(bench.objective.examples),
        "subset": describe_subset(probe, problem),
        "batchnorm": "frozen" if problem.has_batchnorm else "",
        "precision": probe.precision,
        "provenance": Provenance(environment=dict(bench.objective.environment)),
    }


def same_surroundings(answer: CurvatureResult, bench: Bench) -> bool:
    """Whether an answer from the store was computed as this bench computes, so that going on from it gives the same bits."""
    here = json.loads(json.dumps(dict(bench.objective.environment), default=str))
    return all(answer.provenance.environment.get(name) == value for name, value in here.items())


def describe_subset(probe: CurvatureProbe, problem: Problem) -> str:
    """ "all 1,000 train" or "200 of 1,000 train"."""
    name = split_of(probe, problem)
    count = problem.splits[name]
    if probe.limit and (not count or probe.limit < count):
        return f"{probe.limit:,} of {count:,} {name}" if count else f"the first {probe.limit:,} of {name}"
    return f"all {count:,} {name}" if count else f"{STREAMED} {name}"


def examples_of(probe: CurvatureProbe, problem: Problem) -> int:
    """How many examples one product goes over."""
    count = problem.splits[split_of(probe, problem)]
    return min(count, probe.limit) if probe.limit and count else count or probe.limit


def dimension_of(probe: CurvatureProbe, problem: Problem) -> int:
    """How many dimensions the operator acts on, told before it is made: at most the parameters, or examples times outputs."""
    if probe.operator == "ntk":
        return examples_of(probe, problem) * (problem.classes or 1)
    chosen, found = layers_of(probe.layer), 0
    for name, segments in problem.layout.layers():
        if not chosen or any(name == prefix or name.startswith(f"{prefix}.") for prefix in chosen):
            found += sum(s.stop - s.start for s in segments if not s.buffer)
    return found or int(problem.layout.parameters)


def vectors_size(probe: CurvatureProbe, problem: Problem, vectors: int, more: int = 0) -> float:
    """Bytes that so many basis vectors take at most, of which no more are held than krylov.DEFAULT_MEMORY allows, and `more`
    beside them."""
    from landscape_gui.core.krylov import DEFAULT_MEMORY

    each = dimension_of(probe, problem) * (8 if probe.precision == "float64" else 4)
    return float(min(vectors * each, max(DEFAULT_MEMORY, 8 * each)) + more * each)


def cost_of(probe: CurvatureProbe, problem: Problem, products: int) -> Cost:
    """What so many products take: each about six forward passes, whose time is measured once."""
    asked = (split_of(probe, problem), probe.limit, probe.precision)
    known = _paces.setdefault(problem, {})
    if asked not in known:
        try:
            evaluator = problem.evaluator(splits=asked[:1], limit=probe.limit, seed=probe.seed, precision=probe.precision)
            known[asked] = float(evaluator.seconds_per_point)
        except (AttributeError, TypeError, ValueError, RuntimeError):
            known[asked] = float("nan")
    seconds = known[asked] * PASSES * products
    return Cost(
        points=products,
        examples=examples_of(probe, problem),
        seconds=seconds,
        unit="product",
        memory=probe.memory(problem),
    )


def relayed(steps: Run, tell: Callable[[Progress], Progress]) -> Run:
    """Another question's work: `tell` makes of its progress this question's own. Returns its answer."""
    try:
        while True:
            try:
                progress = next(steps)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            yield tell(progress)
    finally:
        steps.close()


def share_of(progress: Progress) -> float:
    """How much of its own work a question has done, 0 to 1."""
    return min(progress.done / progress.total, 1.0) if progress.total else 0.0


def part_of(number: int, count: int, note: str) -> Callable[[Progress], Progress]:
    """For `relayed`: question `number` of `count`, its notes behind what it is about."""

    def tell(progress: Progress) -> Progress:
        words = ": ".join(n for n in (note, progress.note) if n)
        return Progress(done=number + share_of(progress), total=count, note=words)

    return tell


def kept_vectors(vectors: Tensor | None) -> Array:
    """Eigenvectors as an array to be kept with an answer, float32; of shape (0, 0) where they would take more than 256 MB."""
    if vectors is None or too_long(vectors):
        return freeze(np.zeros((0, 0)), np.float32)
    return freeze(vectors.detach().cpu().numpy(), np.float32)


def too_long(vectors: Tensor) -> bool:
    """Whether eigenvectors (k, n) are more than an answer keeps."""
    return 4 * vectors.numel() > EIGENVECTOR_BYTES


class Pace:
    """Says when the next partial answer is due: at once, and then at most eight times a second."""

    def __init__(self) -> None:
        self._last = float("-inf")

    def due(self) -> bool:
        now = time.monotonic()
        if now - self._last < TELL_EVERY:
            return False
        self._last = now
        return True


# ------------------------------------------------------------------------------------------------------------------- in words


def curvature_facts(result: CurvatureResult) -> tuple[facts.Fact, ...]:
    """What must be known of any answer about curvature: operator, data, seed, precision, BatchNorm, products, time, machine."""
    where = result.provenance
    found = [
        ("Operator", OPERATORS.get(result.operator, result.operator)),
        ("Layers", result.layer or "all"),
        ("Dimensions", f"{result.size:,}" if result.size else ""),
        ("Data", facts.data_words(where.problem) + result.subset + (f" (N = {result.examples:,})" if result.examples else "")),
        ("Seed", str(where.question.get("seed", ""))),
        ("BatchNorm", facts.BATCHNORM_WORDS.get(result.batchnorm, result.batchnorm)),
        ("Weight decay", "not included; it would add its value to every eigenvalue"),
        ("Precision", facts.PRECISION_WORDS.get(result.precision, result.precision)),
        ("Products", f"{result.products:,}" if result.products else ""),
        ("Time", f"{where.seconds:.1f} s" if where.seconds else ""),
        ("Computed on", facts.machine(where.environment)),
        ("Model", str(where.problem.get("model", ""))),
        *facts.checkpoint_facts(where.problem),
        ("Computed at", where.created.replace("T", " ").replace("+00:00", " UTC") if where.created else ""),
    ]
    return tuple(fact for fact in found if fact[1])


def number_facts(result: CurvatureResult) -> tuple[facts.Fact, ...]:
    """The answer's numbers with their errors, as facts."""
    return tuple((number.label[:1].upper() + number.label[1:], number_words(number)) for number in result.numbers.values())


def number_words(number: Any) -> str:
    """ "12.3 ± 0.4 (standard error)", or "12.3 (lower bound)" where no error is known."""
    text = facts.number(number.value) + (f" {number.unit}" if number.unit else "")
    if number.kind == "exact" or not np.isfinite(number.error):
        return f"{text} ({number.kind})" if number.kind in ("lower bound", "upper bound", "heuristic") else text
    return f"{text} ± {number.error:.2g} ({number.kind})".replace("e-0", "e−").replace("e-", "e−")
