"""From the syntax of a TorchScript program to functions: statements as closures, one after the other."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx

from landscape_gui.checkpoint.limits import shown
from landscape_gui.problem.scripted import objects
from landscape_gui.problem.scripted.expressions import Expression, Expressions, dotted, later, truth, unknown
from landscape_gui.problem.scripted.library import Class, Library, refuse
from landscape_gui.problem.scripted.running import Frame, Pass

Statement = Callable[[Frame], Any]
NOT_YET = object()
"""A block ended without a return."""


@dataclass(frozen=True)
class Function:
    """A function of the program, ready to be called. defaults: of the last parameters."""

    name: str
    parameters: tuple[str, ...]
    defaults: Mapping[str, Expression]
    body: Statement

    def __call__(self, shared: Pass, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
        if len(arguments) > len(self.parameters):
            raise refuse(f"calls {shown(self.name)} with {len(arguments)} values for {len(self.parameters)}")
        values = {**dict(zip(self.parameters, arguments, strict=False)), **keywords}
        frame = Frame(values, shared)
        for name in self.parameters:
            if name not in values:
                if name not in self.defaults:
                    raise refuse(f"calls {shown(self.name)} without {shown(name)}")
                values[name] = self.defaults[name](frame)
        given = self.body(frame)
        return None if given is NOT_YET else given


class Compiler(Expressions):
    """Makes functions of a library's definitions, each when it is first called."""

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self._made: dict[tuple[str, str], Function] = {}

    def __deepcopy__(self, memo: Any) -> Compiler:
        return self

    def call(self, name: str, shared: Pass, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
        return self._function("", name, self.library.functions[name])(shared, arguments, keywords)

    def method(self, kind: Class, name: str) -> Function:
        if name not in kind.methods:
            raise refuse(f"calls the method {shown(name)}, which {shown(kind.plain_name)} does not have")
        return self._function(kind.name, name, kind.methods[name])

    def _function(self, owner: str, name: str, node: ast.FunctionDef) -> Function:
        key = (owner, name)
        if key not in self._made:
            names = tuple(argument.arg for argument in node.args.args)
            behind = names[len(names) - len(node.args.defaults) :]
            defaults = {arg: self.expression(value) for arg, value in zip(behind, node.args.defaults, strict=True)}
            self._made[key] = Function(name, names, defaults, self.block(node.body))
        return self._made[key]

    def block(self, nodes: Sequence[ast.stmt]) -> Statement:
        steps = [self.statement(node) for node in nodes if not isinstance(node, ast.Pass)]

        def run(frame: Frame) -> Any:
            for step in steps:
                given = step(frame)
                if given is not NOT_YET:
                    return given
            return NOT_YET

        return run

    def statement(self, node: ast.stmt) -> Statement:
        maker = getattr(self, f"_{type(node).__name__.lower()}", None)
        if maker is None or not isinstance(node, ast.stmt):
            return later(unknown(node))
        made: Statement = maker(node)
        return made

    def _return(self, node: ast.Return) -> Statement:
        return self.expression(node.value) if node.value is not None else lambda frame: None

    def _expr(self, node: ast.Expr) -> Statement:
        return _only(self.expression(node.value))

    def _assign(self, node: ast.Assign) -> Statement:
        value = self.expression(node.value)
        targets = [self._target(target) for target in node.targets]

        def run(frame: Frame) -> Any:
            given = value(frame)
            for target in targets:
                target(frame, given)
            return NOT_YET

        return run

    def _annassign(self, node: ast.AnnAssign) -> Statement:
        if node.value is None:
            return lambda frame: NOT_YET
        return self._assign(ast.Assign([node.target], node.value))

    def _target(self, node: ast.expr) -> Callable[[Frame, Any], None]:
        if isinstance(node, ast.Name):
            return _into(node.id)
        if isinstance(node, ast.Tuple):
            parts = [self._target(item) for item in node.elts]

            def spread(frame: Frame, value: Any) -> None:
                if len(value) != len(parts):
                    raise refuse(f"takes {len(value)} values apart into {len(parts)}")
                for part, item in zip(parts, value, strict=True):
                    part(frame, item)

            return spread
        what = node.attr if isinstance(node, ast.Attribute) else "a value"

        def write(frame: Frame, value: Any) -> None:
            raise refuse(
                f"writes into {shown(what)} at each call: the loss would depend on past calls",
                "Save the network without a state that it changes itself (in evaluation mode, model.eval()).",
            )

        return write

    def _if(self, node: ast.If) -> Statement:
        test, body, other = self.expression(node.test), self.block(node.body), self.block(node.orelse)
        checks = any(map(_stops, (node.body, node.orelse)))

        def run(frame: Frame) -> Any:
            found = test(frame)
            if checks and isinstance(found, fx.Proxy):
                return NOT_YET  # a check of the inputs, which symbols have no answer to
            return body(frame) if truth(found) else other(frame)

        return run

    def _while(self, node: ast.While) -> Statement:
        test, body = self.expression(node.test), self.block(node.body)

        def run(frame: Frame) -> Any:
            while truth(test(frame)):
                frame.shared.turn()
                given = body(frame)
                if given is not NOT_YET:
                    return given
            return NOT_YET

        return run

    def _for(self, node: ast.For) -> Statement:
        called = node.iter
        counted = isinstance(called, ast.Call) and isinstance(called.func, ast.Name) and called.func.id == "range"
        if not counted or not isinstance(called, ast.Call):
            items: Expression = self.expression(called)
        else:
            bounds = [self.expression(item) for item in called.args]
            items = lambda frame: range(*(int(bound(frame)) for bound in bounds))  # noqa: E731
        target, body = self._target(node.target), self.block(node.body)

        def run(frame: Frame) -> Any:
            for item in items(frame):
                frame.shared.turn()
                target(frame, item)
                given = body(frame)
                if given is not NOT_YET:
                    return given
            return NOT_YET

        return run

    def _with(self, node: ast.With) -> Statement:
        contexts = [self.expression(item.context_expr) for item in node.items]
        body = self.block(node.body)

        def run(frame: Frame) -> Any:
            for context in contexts:
                found = context(frame)
                if not isinstance(found, objects.NoGrad):
                    raise refuse(f"uses the context {shown(type(found).__name__)}, which is not run")
            with torch.no_grad():
                return body(frame)

        return run


def _into(name: str) -> Callable[[Frame, Any], None]:
    def put(frame: Frame, value: Any) -> None:
        frame.values[name] = value

    return put


def _only(value: Expression) -> Statement:
    def run(frame: Frame) -> Any:
        value(frame)
        return NOT_YET

    return run


def _stops(nodes: Sequence[ast.stmt]) -> bool:
    """Whether they end in an exception, on the one way that there is."""
    last = nodes[-1].value if nodes and isinstance(nodes[-1], ast.Expr) else None
    return isinstance(last, ast.Call) and dotted(last.func) == "ops.prim.RaiseException"
