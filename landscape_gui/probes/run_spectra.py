"""The spectrum at each checkpoint of a training run."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from landscape_gui.curvature_results import SpectraResult, SpectrumResult
from landscape_gui.errors import ProblemError
from landscape_gui.probes.base import Ask, CheckpointRef, Cost, Probe, Progress, Run, field
from landscape_gui.probes.coarse import coarse_first, spread
from landscape_gui.probes.curvature import (
    VECTOR_BYTES,
    CurvatureProbe,
    TrainedProbe,
    bench_of,
    cost_of,
    describe_subset,
    examples_of,
    relayed,
)
from landscape_gui.probes.curvature_numbers import number, training_of
from landscape_gui.probes.plane import called, run_of
from landscape_gui.probes.spectrum import Spectrum
from landscape_gui.probes.trajectory import order_of
from landscape_gui.results import Array, Number, Provenance, freeze

if TYPE_CHECKING:
    from landscape_gui.figure import Figure, Look
    from landscape_gui.problem import Problem


@dataclass(frozen=True, kw_only=True)
class Spectra(TrainedProbe):
    """Density, largest and smallest eigenvalue and trace at each checkpoint of the run: ends and middle first. A SpectraResult.

    Each checkpoint's spectrum is an answer of its own, found again when that checkpoint is opened by itself and asked the same. A
    checkpoint whose loss is not finite is left blank, with a note. Cost: that of a spectrum, times the checkpoints. The Lanczos
    vectors that more steps go on from are kept where those of all checkpoints take no more than 64 MB together.
    """

    name: ClassVar[str] = "spectra"
    title: ClassVar[str] = "Spectra over the run"
    purpose: ClassVar[str] = "Training"
    summary: ClassVar[str] = "How the sharpest directions and the bulk of the curvature change while the network learns"

    checkpoints: int = field(0, label="Checkpoints", help="At most so many, evenly spread over the run; 0 takes all", minimum=0)
    top: int = field(5, label="Largest", help="How many of the largest eigenvalues stand as exact lines", minimum=1, maximum=1000)
    smallest: int = field(1, label="Smallest", help="How many of the most negative ones do", minimum=1, maximum=1000)
    probes: int = field(2, label="Probes", help="Random vectors that each density is a mean of", minimum=1, maximum=1000)
    steps: int = field(30, label="Steps", help="Lanczos steps of each: how finely the bulk is seen", minimum=1, maximum=2000)
    budget: int = field(40, label="Trace", help="Products for each trace", unit="products", minimum=4, advanced=True)
    run_checkpoints: tuple[CheckpointRef, ...] = field((), label="Run", help="The checkpoints of the run", hidden=True)

    def completed(self, problem: Problem) -> Probe:
        named = TrainedProbe.completed(self, problem)
        assert isinstance(named, Spectra)
        if named.run_checkpoints:
            return named
        return dataclasses.replace(named, run_checkpoints=spread(run_of(problem), self.checkpoints))

    @property
    def spectrum(self) -> Spectrum:
        """The question about one checkpoint."""
        common = {f.name: getattr(self, f.name) for f in dataclasses.fields(CurvatureProbe)}
        return Spectrum(
            **common,
            top=self.top,
            smallest=self.smallest,
            probes=self.probes,
            steps=self.steps,
            budget=self.budget,
            layers="never",
        )

    def cost(self, problem: Problem) -> Cost:
        known = self.run_checkpoints or spread(run_of(problem), self.checkpoints)
        return cost_of(self, problem, len(known) * self.spectrum.products)

    def run(self, problem: Problem, ask: Ask) -> Run:
        yield Progress(done=0, total=1, note="preparing")
        question = self.completed(problem)
        assert isinstance(question, Spectra)
        growing = Growing(question, problem)
        total = len(growing.references)
        for done, place in enumerate(coarse_first(total)):
            yield from self._ask(ask, growing, place, done, total)
            if done + 1 < total:
                yield Progress(done=done + 1, total=total, partial=growing.result())
        return growing.result()

    def _ask(self, ask: Ask, growing: Growing, place: int, done: int, total: int) -> Generator[Progress, None, None]:
        """One checkpoint's spectrum as a question of its own; what cannot be computed there is left blank and said."""
        reference = growing.references[place]

        def tell(progress: Progress) -> Progress:
            part = min(1.0, progress.done / max(progress.total, 1e-300))
            return Progress(done=done + part, total=total, note=called(reference))

        try:
            there = growing.problem.at(reference)
            with bench_of(self.spectrum, there) as bench:
                bench.room = VECTOR_BYTES // (total * self.probes)
                answer = yield from relayed(ask(self.spectrum, there), tell)
        except ProblemError as error:
            growing.skip(place, error)
            return
        assert isinstance(answer, SpectrumResult)
        growing.take(place, answer, there)

    def figure(self, result: SpectraResult, look: Look) -> Figure:
        from landscape_gui.probes.spectra_pictures import spectra_figure

        return spectra_figure(result, look)


class Growing:
    """What has come in of a run."""

    def __init__(self, probe: Spectra, problem: Problem) -> None:
        self.probe, self.problem, self.references = probe, problem, probe.run_checkpoints
        self.order = order_of(problem, self.references)
        count = len(self.references)
        self.answers: dict[int, SpectrumResult] = {}
        self.limits = np.full(count, np.nan)
        self.words: set[str] = set()
        self.skipped: dict[int, str] = {}

    def take(self, place: int, answer: SpectrumResult, there: Problem) -> None:
        training = training_of(there)
        self.answers[place] = answer
        self.limits[place] = training.limit
        if math.isfinite(training.limit):
            self.words.add(training.words.partition(" at ")[0])

    def skip(self, place: int, error: ProblemError) -> None:
        self.skipped[place] = f"{called(self.references[place])}: {error.message}"

    def result(self) -> SpectraResult:
        known = self.answers
        count = len(self.references)
        some = next(iter(known.values()), None)
        done = np.zeros(count, dtype=bool)
        done[[*known, *self.skipped]] = True
        hessian = self.probe.operator == "hessian" and not self.probe.layer
        return SpectraResult(
            operator=self.probe.operator,
            layer=self.probe.layer,
            size=some.size if some else 0,
            products=sum(answer.products for answer in known.values()),
            split=self.probe.split,
            examples=examples_of(self.probe, self.problem),
            subset=describe_subset(self.probe, self.problem),
            batchnorm="frozen" if self.problem.has_batchnorm else "",
            precision=self.probe.precision,
            numbers=self._numbers(),
            notes=tuple(self.skipped[place] for place in sorted(self.skipped)),
            provenance=Provenance(environment=dict(some.provenance.environment) if some else {}),
            names=tuple(called(reference) for reference in self.references),
            order=freeze(self.order),
            computed=freeze(done, bool),
            lambda_max=self._each(lambda answer: answer.eigenvalues[0]),
            lambda_max_residuals=self._each(lambda answer: answer.residuals[0]),
            lambda_min=self._each(lambda answer: lowest(answer)[0]),
            lambda_min_residuals=self._each(lambda answer: lowest(answer)[1]),
            traces=self._each(lambda answer: answer.trace),
            trace_standard_errors=self._each(lambda answer: answer.trace_standard_error),
            limits=freeze(self.limits if hessian else np.full(count, np.nan)),
            limit_words=" or ".join(sorted(self.words)) if hessian else "",
            lines=padded([known[k].lines if k in known else np.zeros(0) for k in range(count)]),
            nodes=padded([known[k].nodes if k in known else np.zeros((0, 0)) for k in range(count)]),
            weights=padded([known[k].weights if k in known else np.zeros((0, 0)) for k in range(count)]),
        )

    def _each(self, value: Any) -> Array:
        found = [float(value(self.answers[k])) if k in self.answers else math.nan for k in range(len(self.references))]
        return freeze(found)

    def _numbers(self) -> dict[str, Number]:
        """Of the checkpoint where the largest eigenvalue is largest."""
        if not self.answers:
            return {}
        place = max(self.answers, key=lambda k: float(self.answers[k].eigenvalues[0]))
        answer = self.answers[place]
        label = f"largest eigenvalue of the run, at {called(self.references[place])}"
        found = number("lambda_max", float(answer.eigenvalues[0]), float(answer.residuals[0]), label=label)
        return {found.name: found}


def lowest(answer: SpectrumResult) -> tuple[float, float]:
    """The smallest eigenvalue that was resolved, and its residual."""
    if len(answer.lowest):
        return float(answer.lowest[-1]), float(answer.lowest_residuals[-1])
    return float(answer.eigenvalues[-1]), float(answer.residuals[-1])


def padded(arrays: Sequence[Array]) -> Array:
    """Arrays of different sizes as one, NaN past their ends."""
    shape = np.max([array.shape for array in arrays], axis=0) if arrays else (0,)
    whole = np.full((len(arrays), *shape), np.nan)
    for k, array in enumerate(arrays):
        part: tuple[Any, ...] = (k, *(slice(n) for n in array.shape))
        whole[part] = array
    return freeze(whole)
