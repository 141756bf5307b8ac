"""What an exported program computes, as a digest: the same wherever and on however many examples it was exported."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import xxhash
from torch import Tensor

from landscape_gui.checkpoint import digest, peek, read_checkpoint
from landscape_gui.checkpoint.exported import CONSTANTS, FORMAT, read_graph
from landscape_gui.problem.exported.graph import Program, parse_program
from landscape_gui.problem.exported.inlining import flat_graph


def constants_of(path: Path) -> Mapping[str, Tensor]:
    """The tensors that the program in a file uses beside its weights."""
    return read_checkpoint(path, group=CONSTANTS).tensors if CONSTANTS in peek(path).groups else {}


def identity(program: Program, constants: Mapping[str, Tensor]) -> str:
    """xxh3-128 over all that decides what the program computes but its weights."""
    graph = flat_graph(program)
    ranks = sorted((name, len(sizes)) for name, sizes in graph.sizes.items())
    trained = sorted(weight.name for weight in program.weights if weight.name in graph.trainable)
    said = (graph.nodes, graph.results, program.weights, program.inputs, program.takes, program.gives, ranks, trained)
    return xxhash.xxh3_128_hexdigest(f"{said!r} {digest(constants)}".encode("utf-8", "surrogatepass"))


def identity_at(path: Path) -> str:
    """That of the program in a file; "" where the file holds none. Raises ProblemError and Broken: it is malformed."""
    if peek(path).format != FORMAT:
        return ""
    return identity(parse_program(read_graph(path)), constants_of(path))
