"""How an exported program is called: arguments and keywords as the network took them, results as it gave them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from landscape_gui.checkpoint.limits import shown
from landscape_gui.errors import ProblemError
from landscape_gui.problem.exported.graph import Program, Ref, malformed


class Calling:
    """The nesting of a program's inputs and results.

    inputs: a Ref for each value that the program takes, else the constant that it was exported with; names: of arguments and
    keywords; main: the place of the result that is judged; results: how many tensors it gives.
    """

    def __init__(self, program: Program) -> None:
        self.inputs = program.inputs
        self.names, self._trees = _arguments(program)
        self._gives = program.gives
        self._leaves = list(_paths(program.gives)) if program.gives is not None else [""]
        if sum(1 for tree in self._trees for _ in _paths(tree)) != len(self.inputs):
            raise malformed("its inputs are more or fewer than it says")
        if program.gives is not None and len(self._leaves) != len(program.results):
            raise malformed("its results are more or fewer than it says")
        given = [program.graph.results[place] for place in program.results]
        tensors = [number for number, value in enumerate(given) if isinstance(value, Ref)]
        if not tensors:
            raise ProblemError("Its program gives nothing that is computed.", remedy="Export a network that returns its output.")
        logits = [number for number in tensors if number < len(self._leaves) and self._leaves[number].endswith("logits")]
        self.main = (logits or tensors)[0]
        self.results = len(tensors)

    @property
    def main_name(self) -> str:
        return self._leaves[self.main] if self.main < len(self._leaves) else ""

    def flatten(self, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> list[Any]:
        """The values of the inputs, one after the other. Raises ProblemError: one is missing, or too many."""
        given = dict(zip(self.names, arguments, strict=False))
        wrong = [name for name in keywords if name not in self.names or name in given]
        if len(arguments) > len(self.names) or wrong:
            what = f"{shown(wrong[0])} too" if wrong else f"{len(arguments)} inputs"
            raise ProblemError(f"The data give {what}, but the network takes {', '.join(map(shown, self.names))} alone.")
        given.update(keywords)
        values: list[Any] = []
        for name, tree in zip(self.names, self._trees, strict=True):
            count = sum(1 for _ in _paths(tree))
            fixed = self.inputs[len(values) : len(values) + count]
            if name in given:
                found = list(_leaves(given[name], tree, name))
                values += [value if isinstance(item, Ref) else item for item, value in zip(fixed, found, strict=True)]
            elif any(isinstance(item, Ref) for item in fixed):
                raise ProblemError(f"The network takes {shown(name)} as well, which the data do not give.")
            else:
                values += fixed
        return values

    def rebuild(self, results: Sequence[Any]) -> Any:
        """The results as the network gave them; named tuples and dataclasses as dictionaries."""
        if self._gives is None:
            return results[0] if len(results) == 1 else tuple(results)
        return _built(self._gives, iter(results))


def _arguments(program: Program) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Names of the arguments, then of the keywords, and how each is nested."""
    if program.takes is None:
        names = [value.name if isinstance(value, Ref) else "" for value in program.inputs]
        return _unique(names), (None,) * len(names)
    kind, _, parts = program.takes
    if kind != "list" or len(parts) != 2 or None in parts:
        raise malformed("its inputs are no arguments and keywords")
    (_, _, positional), (_, keys, keywords) = parts
    names, place = [], 0
    for number, tree in enumerate(positional):
        own = program.inputs[place] if tree is None and place < len(program.inputs) else None
        named = program.names[number] if number < len(program.names) else ""
        names.append(named or (own.name if isinstance(own, Ref) else ""))
        place += sum(1 for _ in _paths(tree))
    return _unique([*names, *keys]), (*positional, *keywords)


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Each name once; "input 2" where there is none."""
    named = [name if name and name not in names[:number] else f"input {number + 1}" for number, name in enumerate(names)]
    if len(set(named)) != len(named):
        raise malformed("two of its inputs have one name")
    return tuple(named)


def _paths(tree: Any, place: str = "") -> Iterator[str]:
    """The name of each leaf: keys and numbers on the way, joined by dots."""
    if tree is None:
        yield place
        return
    kind, keys, children = tree
    for number, child in enumerate(children):
        step = keys[number] if kind == "dict" else str(number)
        yield from _paths(child, f"{place}.{step}" if place else step)


def _leaves(value: Any, tree: Any, name: str) -> Iterator[Any]:
    if tree is None:
        yield value
        return
    kind, keys, children = tree
    if kind == "dict" and isinstance(value, Mapping) and set(value) == set(keys):
        value = [value[key] for key in keys]
    if not isinstance(value, (list, tuple)) or len(value) != len(children):
        raise ProblemError(f"The network takes {shown(name)} as {len(children)} values, which the data do not give.")
    for item, child in zip(value, children, strict=True):
        yield from _leaves(item, child, name)


def _built(tree: Any, results: Iterator[Any]) -> Any:
    if tree is None:
        return next(results)
    kind, keys, children = tree
    built = [_built(child, results) for child in children]
    return dict(zip(keys, built, strict=True)) if kind == "dict" else tuple(built)
