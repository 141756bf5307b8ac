"""One model's units permuted to match another's; a question that others ask."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from landscape_gui.connection_results import AlignmentResult
from landscape_gui.errors import QuestionError
from landscape_gui.probes.base import Ask, CheckpointRef, Cost, Probe, Progress, Run, field
from landscape_gui.probes.pair import check_pair
from landscape_gui.results import Provenance, freeze

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_gui.core.axis_groups import AxisGroups, Held
    from landscape_gui.core.matching import Matching, MatchStep
    from landscape_gui.core.passes import Passes
    from landscape_gui.problem import Problem

METHODS = {
    "weights": "weights most alike (Git Re-Basin, Ainsworth et al. 2023)",
    "activations": "outputs of layers most correlated over data",
}
TOLERANCE = 1e-5
"""Relative difference of outputs up to which the permuted network counts as the same function in float32."""


@dataclass(frozen=True, kw_only=True)
class AlignmentQuestion(Probe):
    """`towards` with its units permuted to match those of the problem's own checkpoint. Gives an AlignmentResult.

    The same function, so the same loss; but the line to it may have no barrier. Which axes move together is derived from the
    network (core.axis_groups); what cannot be permuted is held and said. Cost: by weights seconds and no data; by activations one
    pass of both networks over the data.
    """

    name: ClassVar[str] = "alignment"
    version: ClassVar[int] = 1
    title: ClassVar[str] = "Alignment"
    summary: ClassVar[str] = "One model's units permuted to match another's"
    purpose: ClassVar[str] = "Connectivity"

    towards: CheckpointRef = field(CheckpointRef(""), label="Towards", help="The model that is permuted", metavar="CHECKPOINT")
    method: str = field("weights", label="Matching", help="Which units belong together", choices=METHODS)
    split: str = field("", label="Data", help="The split that activations are taken on; the first one where none is named")
    limit: int = field(0, label="Subset", help="Activations on a random subset of so many examples; 0 takes all", minimum=0)
    seed: int = field(0, label="Seed", help="Seed of the order of groups and of the subset", minimum=0, maximum=2**62)

    def cost(self, problem: Problem) -> Cost:
        if self.method == "weights":
            return Cost(points=0, examples=0)
        count = problem.splits[self._split(problem)]
        return Cost(points=2, examples=min(count, self.limit) if self.limit and count else count, unit="forward pass")

    def run(self, problem: Problem, ask: Ask) -> Run:
        yield Progress(done=0, total=1, note="finding out which units move together")
        if not self.towards.path and not self.towards.digest:
            raise QuestionError("The model to align is not named.", remedy="Name another checkpoint of this architecture.")
        running = Running(self, problem, check_pair(problem, self.towards), self._split(problem))
        yield Progress(done=0, total=1, note="matching units")
        matching = yield from relay(running.steps())
        return running.result(matching)

    def _split(self, problem: Problem) -> str:
        split = self.split or next(iter(problem.splits))
        if split not in problem.splits:
            raise QuestionError(f"There is no split {split!r}.", remedy=f"Choose one of {', '.join(problem.splits)}.")
        return split


def relay(steps: Generator[MatchStep, None, Matching]) -> Generator[Progress, None, Matching]:
    """A matching's steps as progress that never falls; closing it ends the matching."""
    furthest = 0.0
    try:
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                found: Matching = stop.value
                return found
            furthest = max(furthest, step.done / max(step.total, 1))
            yield Progress(done=furthest, total=1, note=f"{step.note}, objective {step.objective:.5g}")
    finally:
        steps.close()


class Running:
    """An alignment being found."""

    def __init__(self, probe: AlignmentQuestion, problem: Problem, towards: CheckpointRef, split: str) -> None:
        from landscape_gui.core.axis_groups import find_groups

        self.probe, self.problem, self.split = probe, problem, split
        self.a, self.b = problem.state, problem.state_of(towards)
        self.passes: Passes = problem.passes(split=split, limit=probe.limit, seed=probe.seed)
        self.sample: Any = self.passes.sample()
        self.groups: AxisGroups = find_groups(problem.module, problem.layout, self.sample, seed=probe.seed)

    def steps(self) -> Generator[MatchStep, None, Matching]:
        from landscape_gui.core.activation_matching import match_activations
        from landscape_gui.core.matching import match_weights

        groups, seed = self.groups.groups, self.probe.seed
        if self.probe.method == "weights":
            return match_weights(self.problem.layout, groups, self.a, self.b, seed=seed)
        second = self.problem.passes(split=self.split, limit=self.probe.limit, seed=seed)
        return match_activations(self.passes, second, groups, self.a, self.b, seed=seed)

    def result(self, matching: Matching) -> AlignmentResult:
        from landscape_gui.core.axis_groups import permute

        aligned = permute(self.problem.layout, self.b, self.groups, matching.permutations)
        difference, notes = self.checked(matching)
        return AlignmentResult(
            split=self.split if self.probe.method == "activations" else "",
            subset=self.subset() if self.probe.method == "activations" else "",
            precision="float32",
            method=self.probe.method,
            permutations={name: freeze(p.numpy(), int) for name, p in matching.permutations.items()},
            held=tuple(map(held_words, self.groups.held)),
            moved=matching.moved,
            units=matching.units,
            objective=freeze(matching.objective),
            difference=difference,
            aligned=freeze(aligned.cpu().numpy(), "float32"),
            distance_before=self.distance(self.b),
            distance_after=self.distance(aligned),
            notes=notes,
            provenance=Provenance(environment=self.environment()),
        )

    def checked(self, matching: Matching) -> tuple[float, tuple[str, ...]]:
        """How far the outputs of the permuted network are from those of the original, and what must be said about it."""
        from landscape_gui.core.axis_checking import Check

        groups = {group.name: group for group in self.groups.groups}
        moves = [(groups[name], permutation) for name, permutation in matching.permutations.items()]
        check = Check(self.problem.module, self.problem.layout, self.sample, seed=self.probe.seed, state=self.b)
        found = check.in_own_precision(moves)
        notes = list(matching.notes)
        if not found <= TOLERANCE:
            notes.append(
                f"Outputs of the permuted network differ by {found:.1e} of the largest in float32 and by "
                f"{check.difference(moves):.1e} in float64: rounding."
            )
        if not matching.converged:
            notes.append("The matching was stopped before no group changed any more.")
        return found, tuple(notes)

    def distance(self, other: Tensor) -> float:
        from landscape_gui.core.vector import norm

        moving = slice(0, self.problem.layout.parameters)
        return norm(self.a[moving].double() - other[moving].double())

    def subset(self) -> str:
        count, limit = self.problem.splits[self.split], self.probe.limit
        drawn = limit and (not count or limit < count)
        return f"{limit:,} of {count:,} {self.split}" if drawn else f"all {count:,} {self.split}"

    def environment(self) -> dict[str, Any]:
        import torch

        return {"device": str(self.problem.device), "threads": torch.get_num_threads(), "torch": torch.__version__}


def held_words(held: Held) -> str:
    """What was held and why, in a sentence."""
    return f"{listed(held.tensors)} ({held.units} units): {held.reason}"


def listed(names: Sequence[str], most: int = 2) -> str:
    """The first names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
