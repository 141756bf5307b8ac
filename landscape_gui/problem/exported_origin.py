"""An exported program (.pt2): the network is in the file itself, and is computed without running anything of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from torch import Tensor

from landscape_gui.checkpoint.exported import FORMAT, read_graph
from landscape_gui.problem import fitting
from landscape_gui.problem.assembly import Network
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.exported.checks import check_batches, check_inputs, check_mode
from landscape_gui.problem.exported.graph import Program, parse_program
from landscape_gui.problem.exported.identity import constants_of, identity
from landscape_gui.problem.exported.inlining import AUTOCAST, flat_graph
from landscape_gui.problem.exported.module import Exported, OneInput
from landscape_gui.problem.exported.trial import try_out
from landscape_gui.problem.origins import Origin, Request
from landscape_gui.problem.program_origin import ProgramOrigin, first_inputs, telling

FEW = 2
"""Examples that the program is tried on."""


class ExportedOrigin(ProgramOrigin):
    """The graph in a .pt2. Data that no flag and no card names come from a landscape.py near it, as does the loss then."""

    def __init__(self, request: Request) -> None:
        """Reads the program; a form of it that is not run is told before data are looked for."""
        super().__init__(request)
        with telling(self._path):
            program, self._constants = parse_program(read_graph(self._path)), constants_of(self._path)
            self._identity = identity(program, self._constants)
            self._program = self._renamed(program)
            self._graph = flat_graph(self._program)
            check_mode(self._program, self._graph)
            self._module = self._made(OneInput if len(self._program.inputs) == 1 else Exported)
            check_batches(self._program, self._module.calling)

    def network(self, data: Data) -> Network:
        tensors = self.request.checkpoint.tensors
        name = f"the exported program of {len(self._graph.nodes)} operations"
        with telling(self._path):
            if isinstance(self._module, OneInput) and isinstance(first_inputs(data, FEW), Mapping):
                self._module = self._made(Exported)
            self._module.whole = self._whole
            notes = fitting.load(self._module, tensors, name)
            self._try_out(data)
        return Network(self._module, name, {"exported": self._identity}, (*notes, *self._notes()))

    def _renamed(self, program: Program) -> Program:
        """The program, its weights called as the checkpoint calls them: a prefix may have been stripped."""
        names = {stored: name for name, stored in self.request.checkpoint.stored_names.items()}
        renamed = [dataclasses.replace(weight, stored=names.get(weight.stored, weight.stored)) for weight in program.weights]
        return dataclasses.replace(program, weights=tuple(renamed))

    def _made(self, kind: type[Exported]) -> Exported:
        return kind(self._program, self.request.checkpoint.tensors, self._constants)

    def _try_out(self, data: Data) -> None:
        inputs, calling = first_inputs(data, FEW), self._module.calling
        if isinstance(inputs, Tensor):
            values = calling.flatten((inputs,), {})
        elif isinstance(inputs, Mapping):
            values = calling.flatten((), inputs)
        else:
            values = calling.flatten(inputs, {})
        check_inputs(self._program, values)
        try_out(self._module, values)

    def _notes(self) -> tuple[str, ...]:
        notes = [f"Its {len(self._graph.nodes)} operations are computed by torch's own operators, from a list; no code in it runs."]
        calling = self._module.calling
        if calling.results > 1 and not self._module.whole:
            which = f"{calling.main_name!r}" if "logits" in calling.main_name else "the first"
            notes.append(f"It gives {calling.results} tensors; the loss is of {which}.")
        if any(node.target == AUTOCAST for node in self._program.graph.nodes):
            notes.append("Its automatic mixed precision is left out: everything is computed in one type of numbers.")
        kept = {name.rpartition(".")[0] for name, _ in self._module.named_buffers() if name.endswith("running_mean")}
        if any(not hasattr(self._module.get_submodule(place), "track_running_stats") for place in kept):
            notes.append("Running statistics in it cannot be recalculated where weights move: take frozen or interpolated ones.")
        return tuple(notes)


def exported_origin(request: Request) -> Origin | None:
    """The program in the file, unless a flag or the card says the network otherwise. Raises ProblemError: it is not run."""
    named = request.code is not None or request.architecture is not None or bool(request.card.architecture)
    return None if named or request.checkpoint.format != FORMAT else ExportedOrigin(request)
