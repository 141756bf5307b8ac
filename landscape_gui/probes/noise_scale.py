"""How noisy a batch's gradient is, and from which size on larger batches no longer pay."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from landscape_gui.probes.base import Ask, Cost, Probe, Progress, Run, field
from landscape_gui.probes.curvature import CurvatureProbe, cost_of, describe_subset, examples_of, objective_of
from landscape_gui.probes.training_numbers import number, trained_batch
from landscape_gui.results import Number, Provenance, freeze
from landscape_gui.training_results import NoiseScaleResult

if TYPE_CHECKING:
    from landscape_gui.core.gradient_noise import Noise
    from landscape_gui.core.objective import Objective
    from landscape_gui.figure import Figure, Look
    from landscape_gui.problem import Problem

OPERATOR = "gradient covariance"


@dataclass(frozen=True, kw_only=True)
class NoiseScale(CurvatureProbe):
    """The gradient noise scale tr Sigma / ||G||^2 at the checkpoint, of all parameters and of each layer. A NoiseScaleResult.

    McCandlish et al. 2018, section 2.2 and appendix A.1. BatchNorm's statistics stay the checkpoint's. Cost: two passes of
    gradients over the data in pieces of `batch` examples. ProblemError where there are fewer than two batches.
    """

    name: ClassVar[str] = "noise-scale"
    title: ClassVar[str] = "Gradient noise scale"
    purpose: ClassVar[str] = "Training"
    summary: ClassVar[str] = "How noisy a batch's gradient is, layer by layer, and up to which size larger batches pay"

    operator: str = field(OPERATOR, label="Operator", help="Of the examples' gradients", choices={OPERATOR: OPERATOR}, hidden=True)
    batch: int = field(
        0,
        label="Batch",
        help="Examples of the batches that are compared; 0: single ones where there are at most 2,048, else 32",
        unit="examples",
        minimum=0,
    )
    trained: int | None = field(None, label="Trained with", help="Examples of a step of training", hidden=True, silent=True)

    def completed(self, problem: Problem) -> Probe:
        """With the batch that the checkpoint's card says it was trained with, so that another card is another question."""
        whole = super().completed(problem)
        return dataclasses.replace(whole, trained=trained_batch(problem) or None)  # type: ignore[call-arg]

    def cost(self, problem: Problem) -> Cost:
        count = examples_of(self, problem)
        batch = self.batch or (1 if count <= 2048 else 32)
        calls = 2 * 2e-4 * len(problem.layout.layers()) * count / batch
        passes = cost_of(self, problem, 1)
        return Cost(points=2, examples=count, seconds=passes.seconds + calls, unit="gradient")

    def run(self, problem: Problem, ask: Ask) -> Run:
        from landscape_gui.core.gradient_noise import gradient_noise

        yield Progress(done=0, total=1, note="preparing")
        objective = objective_of(self, problem)
        steps = gradient_noise(objective, batch=self.batch, seed=self.seed)
        while True:
            try:
                fraction = next(steps)
            except StopIteration as stop:
                whole, layers = stop.value
                return self.result(problem, objective, whole, layers)
            yield Progress(done=fraction, total=1, note="gradients of batches")

    def result(self, problem: Problem, objective: Objective, whole: Noise, layers: Sequence[Noise]) -> NoiseScaleResult:
        trained = trained_batch(problem)
        return NoiseScaleResult(
            operator=OPERATOR,
            layer=self.layer,
            size=objective.size,
            split=objective.split.name,
            examples=objective.examples,
            subset=describe_subset(self, problem),
            batchnorm="frozen" if problem.has_batchnorm else "",
            precision=self.precision,
            numbers={entry.name: entry for entry in numbers(whole, trained)},
            notes=(statement(whole),),
            provenance=Provenance(environment=dict(objective.environment)),
            layers=tuple(name for name, _, _ in objective.layers()),
            traces=freeze([noise.trace for noise in layers]),
            trace_errors=freeze([noise.trace_error for noise in layers]),
            squares=freeze([noise.square for noise in layers]),
            square_errors=freeze([noise.square_error for noise in layers]),
            batch=whole.batch,
            batches=whole.batches,
            trained_batch=trained,
        )

    def figure(self, result: NoiseScaleResult, look: Look) -> Figure:
        from landscape_gui.probes.noise_pictures import noise_figure

        return noise_figure(result, look)


def numbers(noise: Noise, trained: int) -> list[Number]:
    """The scale, or what it is at least where the mean gradient does not stand out of the noise, and what it is made of."""
    scale = (
        number("noise_scale", noise.scale, noise.scale_error)
        if noise.resolved
        else number("noise_scale", noise.least, kind="lower bound", label="gradient noise scale, at least")
    )
    found = [
        scale,
        number("gradient_trace", noise.trace, noise.trace_error),
        number("gradient_square", noise.square, noise.square_error),
    ]
    if trained:
        label = f"share of noise in the squared gradient of {trained:,} examples"
        found.append(share_of_noise(noise, trained, label))
    return found


def share_of_noise(noise: Noise, batch: int, label: str) -> Number:
    """tr Sigma/B over tr Sigma/B + ||G||^2, which is s/(s + B) of the scale s, with what an error of s makes of it."""
    if noise.resolved:
        error = batch * noise.scale_error / (noise.scale + batch) ** 2
        return number("scatter_share", noise.scale / (noise.scale + batch), error, label=label)
    least = noise.least / (noise.least + batch) if math.isfinite(noise.least) else 1.0
    return number("scatter_share", least, kind="lower bound", label=label)


def statement(noise: Noise) -> str:
    """What the numbers come down to."""
    from landscape_gui.probes.noise_pictures import examples_words

    if noise.resolved:
        many = examples_words(noise.scale)
        return f"Up to about {many} examples a larger batch pays; far above, it mostly repeats the same gradient."
    if noise.least < 1:
        return "These examples are too few to tell the mean gradient from the noise in it, or to say how large the noise scale is."
    above = f"above about {examples_words(noise.least)} examples" if math.isfinite(noise.least) else "large"
    return (
        "On these data the mean gradient cannot be told from the noise in it, as at the end of training: the noise scale is only "
        f"known to be {above}."
    )
