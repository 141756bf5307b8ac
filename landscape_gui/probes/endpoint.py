"""A checkpoint's own loss, example by example: the end of every path that leads to it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from landscape_gui.connection_results import EndpointResult
from landscape_gui.probes import sampling
from landscape_gui.probes.base import Ask, CheckpointRef, Cost, Progress, Run, field
from landscape_gui.results import Provenance, freeze

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.problem import Problem


@dataclass(frozen=True, kw_only=True)
class Endpoint(sampling.SampledProbe):
    """Loss and metrics at the checkpoint itself, on every split, with what each example adds. An EndpointResult.

    statistics: run the network with this other checkpoint's BatchNorm statistics. Cost: one forward pass.
    """

    name: ClassVar[str] = "endpoint"
    version: ClassVar[int] = 1
    title: ClassVar[str] = "End of a path"
    summary: ClassVar[str] = "A checkpoint's own loss, example by example"

    statistics: CheckpointRef | None = field(None, label="Statistics", help="Whose BatchNorm statistics are used", hidden=True)
    seed: int = field(0, label="Seed", help="Seed of the subset of the data", minimum=0, maximum=2**63 - 1)

    def completed(self, problem: Problem) -> Endpoint:
        """The question without what changes nothing, so that all who ask it in effect share one answer."""
        mode = "recalculated" if problem.has_batchnorm and self.batchnorm == "recalculated" else "frozen"
        foreign = self.statistics if problem.has_batchnorm and mode == "frozen" else None
        return dataclasses.replace(self, split="all", batchnorm=mode, statistics=foreign, seed=self.seed if self.limit else 0)

    def cost(self, problem: Problem) -> Cost:
        return Cost(points=1, examples=sampling.examples_of(self, problem), seconds=sampling.seconds_per_point(self, problem))

    def run(self, problem: Problem, ask: Ask) -> Run:
        yield Progress(done=0, total=1, note="measuring the ends")
        evaluator = sampling.make_evaluator(self, problem)
        values = yield from sampling.relay(evaluator.evaluate(self.weights(problem), (), (), keep=True), 0.0, 1.0, 1.0)
        quantities = {
            name: sampling.quantity(
                name, mean, values.standard_error[name], values.examples[name], axes=("t",), loss_unit=problem.loss_unit
            )
            for name, mean in values.mean.items()
        }
        return EndpointResult(
            quantities=quantities,
            rows={name: freeze(rows[0]) for name, (rows, _) in values.rows.items()},
            weights={name: freeze(weights) for name, (_, weights) in values.rows.items()},
            batchnorm=evaluator.batchnorm if problem.has_batchnorm else "",
            subset=sampling.describe_subset(self, problem),
            precision=self.precision,
            provenance=Provenance(environment=evaluator.environment),
        )

    def weights(self, problem: Problem) -> Tensor:
        """The checkpoint's weights, with the other one's statistics where these were asked for."""
        if self.statistics is None:
            return problem.state
        mixed: Any = problem.state.clone()
        mixed[problem.layout.parameters :] = problem.state_of(self.statistics)[problem.layout.parameters :]
        return mixed  # type: ignore[no-any-return]
