"""How far the loss rises around a checkpoint: at worst, on average, by scale-free measures, for small groups of examples."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from landscape_gui.curvature_results import SharpnessResult
from landscape_gui.errors import QuestionError
from landscape_gui.probes.base import Ask, CheckpointRef, Cost, Probe, Progress, Run, field
from landscape_gui.probes.curvature import PASSES, CurvatureProbe, bench_of, cost_of, examples_of

if TYPE_CHECKING:
    from landscape_gui.figure import Figure, Look
    from landscape_gui.problem import Problem


@dataclass(frozen=True, kw_only=True)
class Sharpness(CurvatureProbe):
    """Sharpness by name: worst case in a ball and in Keskar's box, random maximum, Gaussian average, adaptive, m-sharpness.

    Each over distances to either side of its reference. Gives a SharpnessResult. Cost: 8 to 16 gradients a worst case
    and distance, as a whole about 300 gradients' time; the leading eigenpair is asked for as a question of its own.
    """

    name: ClassVar[str] = "sharpness"
    version: ClassVar[int] = 2
    title: ClassVar[str] = "Sharpness"
    purpose: ClassVar[str] = "Curvature and sharpness"
    summary: ClassVar[str] = "How far the loss rises around the checkpoint, at worst and on average, over the distance"

    operator: str = field("hessian", label="Operator", help="Whose eigenvectors", choices={"hessian": "Hessian"}, hidden=True)
    radius: float = field(0.05, label="Radius", help="Of the ball in the 2-norm that the numbers are of", minimum=1e-8, metavar="R")
    epsilon: float = field(
        1e-3, label="Epsilon", help="Of Keskar's box |d| <= epsilon (|w| + 1) that the numbers are of", minimum=1e-10, metavar="X"
    )
    adaptive_radius: float = field(
        0.5, label="Adaptive radius", help="Of the ball of d/|w| that the numbers are of", minimum=1e-8, metavar="R"
    )
    points: int = field(
        5, label="Radii", help="Points of the curves over the radius, a decade to either side (odd; 1: no curve)",
        minimum=1, maximum=101,
    )  # fmt: skip
    scaled_points: int = field(
        3, label="Scaled distances", help="Points of the adaptive curve and the box's, half a decade to a side (odd; 1: none)",
        minimum=1, maximum=101, advanced=True,
    )  # fmt: skip
    directions: int = field(10, label="Random directions", help="For the random maximum at each radius", minimum=2, maximum=100_000)
    pairs: int = field(8, label="Gaussian pairs", help="Opposite draws for the average at each radius", minimum=2, maximum=100_000)
    steps: int = field(20, label="Ascent steps", help="Of each start at most", minimum=1, maximum=10_000, advanced=True)
    tolerance: float = field(
        1e-3, label="Ascent tolerance", help="An ascent has converged where a step adds less than this share of the rise",
        minimum=1e-12, maximum=0.1, advanced=True,
    )  # fmt: skip
    groups: int = field(
        8, label="Groups", help="For m-sharpness: at most so many groups of each size; 0 leaves it out", minimum=0, maximum=100_000
    )
    bound: bool = field(True, label="PAC-Bayes bound", help="A bound on the test error of the network with noise in its weights")
    draws: int = field(100, label="Draws for the bound", help="Monte Carlo draws", minimum=10, maximum=1_000_000, advanced=True)
    delta: float = field(
        0.025, label="Delta", help="The bound may fail with this probability, and with 0.01 more for the draws",
        minimum=1e-12, maximum=0.9, advanced=True,
    )  # fmt: skip
    search: int = field(
        8, label="Search steps", help="Halvings in the binary search for the bound's noise; 8 find it to 5.5 %",
        minimum=1, maximum=60, advanced=True,
    )  # fmt: skip
    prior: CheckpointRef | None = field(
        None,
        label="Prior",
        help="The initialisation, around which the bound's prior stands (default: the run's checkpoint of epoch 0, else zero)",
        metavar="CHECKPOINT",
        advanced=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for label, points in (("Radii", self.points), ("Scaled distances", self.scaled_points)):
            if points % 2 == 0:
                raise QuestionError(f"{label} is {points}.", remedy="Take an odd number, so that the reference is one of them.")

    def completed(self, problem: Problem) -> Probe:
        """The question with its split, and with the initialisation as the prior where the run holds one."""
        whole: Any = super().completed(problem)
        if self.bound and self.prior is None and (first := initialisation(problem)) is not None:
            whole = dataclasses.replace(whole, prior=first)
        return whole  # type: ignore[no-any-return]

    def curve(self, reference: float, points: int, decades: float = 1.0) -> tuple[float, ...]:
        """The distances around a reference, the reference itself in their middle."""
        half = points // 2
        return tuple(reference * 10 ** (decades * k / max(half, 1)) for k in range(-half, half + 1))

    def cost(self, problem: Problem) -> Cost:
        from landscape_gui.probes.sharpness_plan import LEADING, plan_of

        passes = LEADING * PASSES + sum(unit.weight for unit in plan_of(self, examples_of(self, problem)))
        found = cost_of(self, problem, 1)
        return dataclasses.replace(found, points=round(passes), seconds=passes * found.seconds / PASSES, unit="evaluation")

    def run(self, problem: Problem, ask: Ask) -> Run:
        from landscape_gui.probes.sharpness_run import Running

        yield Progress(done=0, total=1, note="preparing")
        with bench_of(self, problem) as bench:
            partial = ask.partial if isinstance(ask.partial, SharpnessResult) else None
            running = Running(self, problem, bench, partial)
            yield from running.look_up(ask)
            return (yield from running.every_unit())

    def figure(self, result: SharpnessResult, look: Look) -> Figure:
        from landscape_gui.probes.sharpness_pictures import sharpness_figure

        return sharpness_figure(result, look)


def initialisation(problem: Problem) -> CheckpointRef | None:
    """The run's first checkpoint where that is from before training and another one than this."""
    entries = problem.run.checkpoints if problem.run is not None else ()
    first = next((e for e in entries if e.epoch == 0 or (e.epoch is None and e.step == 0)), None)
    if first is None:
        return None
    reference: CheckpointRef = problem.reference(first.path)
    own = getattr(problem.checkpoint, "digest", "")
    return reference if not own or reference.digest != own else None
