"""Expressions of a TorchScript program as closures: each becomes a function of a call's values.

Nothing is handed to Python's own compiler: names mean the program's own definitions, values of the call, and operators from a list.
A part that is not run is told when it is reached, so that a program opens whose other ways are never taken.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, fx, nn

from landscape_gui.checkpoint.limits import shown
from landscape_gui.errors import LandscapeError
from landscape_gui.problem.scripted import objects
from landscape_gui.problem.scripted.library import ROOT, Library, plain, refuse
from landscape_gui.problem.scripted.operators import find_function, with_tensors
from landscape_gui.problem.scripted.running import Frame, Pass

Expression = Callable[[Frame], Any]
Named = dict[str, Expression]
_CASTS: Mapping[str, Callable[[Any], Any]] = {"int": int, "float": float, "bool": bool, "str": str}


class Expressions:
    """Makes closures of expressions. library: what the program defines."""

    def __init__(self, library: Library) -> None:
        self.library = library

    def call(self, name: str, shared: Pass, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
        """What a function of the program gives."""
        raise NotImplementedError

    def expression(self, node: ast.expr) -> Expression:
        maker = getattr(self, f"_{type(node).__name__.lower()}", None)
        if maker is None or not isinstance(node, ast.expr):
            return later(unknown(node))
        made: Expression = maker(node)
        return made

    def _constant(self, node: ast.Constant) -> Expression:
        value = node.value
        if not isinstance(value, (int, float, str, complex, type(None))):
            return later(unknown(node))
        return lambda frame: value

    def _name(self, node: ast.Name) -> Expression:
        name = node.id

        def read(frame: Frame) -> Any:
            try:
                return frame.values[name]
            except KeyError:
                raise refuse(f"reads {shown(name)} before anything gives it") from None

        return read

    def _list(self, node: ast.List) -> Expression:
        items = [self.expression(item) for item in node.elts]
        return lambda frame: [item(frame) for item in items]

    def _tuple(self, node: ast.Tuple) -> Expression:
        items = [self.expression(item) for item in node.elts]
        return lambda frame: tuple(item(frame) for item in items)

    def _dict(self, node: ast.Dict) -> Expression:
        if None in node.keys:
            return later(unknown(node))
        pairs = [(self.expression(key), self.expression(value)) for key, value in zip(node.keys, node.values, strict=True) if key]
        return lambda frame: {key(frame): value(frame) for key, value in pairs}

    def _unaryop(self, node: ast.UnaryOp) -> Expression:
        value = self.expression(node.operand)
        if isinstance(node.op, ast.USub):
            return lambda frame: -value(frame)
        if isinstance(node.op, ast.Not):
            return lambda frame: not truth(value(frame))
        return later(unknown(node))

    def _ifexp(self, node: ast.IfExp) -> Expression:
        test, body, other = self.expression(node.test), self.expression(node.body), self.expression(node.orelse)
        return lambda frame: body(frame) if truth(test(frame)) else other(frame)

    def _subscript(self, node: ast.Subscript) -> Expression:
        value, key = self.expression(node.value), self.expression(node.slice)

        def read(frame: Frame) -> Any:
            return objects.item(value(frame), key(frame))

        return read

    def _attribute(self, node: ast.Attribute) -> Expression:
        name = dotted(node)
        if name.startswith("CONSTANTS.c") and name[11:].isdigit() and len(name) < 20:
            number = int(name[11:])
            return lambda frame: frame.shared.constant(number)
        if name.startswith(f"{ROOT}."):
            return self._definition(name)
        value, last = self.expression(node.value), node.attr
        return lambda frame: objects.attribute(value(frame), last)

    def _definition(self, name: str) -> Expression:
        """A function, or a class's value, by its full name."""
        if name in self.library.functions or name in self.library.classes:
            return lambda frame: objects.Definition(name)
        owner, _, last = name.rpartition(".")
        kind = self.library.classes.get(owner)
        if kind is not None and last in kind.constants:
            value = kind.constants[last]
            return lambda frame: value
        if last == "__new__" and plain(owner) == objects.NO_GRAD:
            return lambda frame: objects.NoGrad
        return later(refuse(f"uses {shown(name)}, which is not run"))

    def _call(self, node: ast.Call) -> Expression:
        if any(isinstance(item, ast.Starred) for item in node.args) or any(word.arg is None for word in node.keywords):
            return later(unknown(node))
        arguments = [self.expression(item) for item in node.args]
        keywords = {str(word.arg): self.expression(word.value) for word in node.keywords}
        called = node.func
        if isinstance(called, ast.Name) and called.id in ("annotate", "unchecked_cast", "uninitialized", "isinstance", "getattr"):
            return self._special(called.id, node)
        if isinstance(called, ast.Name) and called.id in _CASTS:
            cast = _CASTS[called.id]
            return lambda frame: _cast(cast, [argument(frame) for argument in arguments])
        name = dotted(called)
        if name.startswith(("torch.", "ops.")):
            return _operation(name, arguments, keywords)
        if isinstance(called, ast.Attribute) and not name.startswith(f"{ROOT}."):
            return self._method_call(self.expression(called.value), called.attr, arguments, keywords)
        return self._plain_call(self.expression(called), arguments, keywords)

    def _special(self, name: str, node: ast.Call) -> Expression:
        if name == "uninitialized":
            return lambda frame: None
        if name == "isinstance":
            return later(refuse("asks for the type of a value, which is not run"))
        if len(node.args) != 2:
            return later(unknown(node))
        if name == "getattr":
            value, key = self.expression(node.args[0]), node.args[1]
            attribute = key.value if isinstance(key, ast.Constant) else None
            if not isinstance(attribute, str):
                return later(unknown(node))
            return lambda frame: objects.attribute(value(frame), attribute)
        given, kind = self.expression(node.args[1]), node.args[0]
        cast = _CASTS.get(kind.id) if isinstance(kind, ast.Name) and name == "annotate" else None
        if cast is None:
            return given

        def implicit(frame: Frame) -> Any:
            found = given(frame)
            return cast(found) if isinstance(found, Tensor) else found

        return implicit

    def _method_call(self, value: Expression, name: str, arguments: list[Expression], keywords: Named) -> Expression:
        def run(frame: Frame) -> Any:
            owner = value(frame)
            given = [argument(frame) for argument in arguments]
            named = {key: item(frame) for key, item in keywords.items()}
            if isinstance(owner, nn.Module):
                return objects.call_method(owner, name, given, named, frame.shared)
            if isinstance(owner, objects.NoGrad):
                return None
            raise refuse(f"calls the method {shown(name)} of a value, which is not run")

        return run

    def _plain_call(self, value: Expression, arguments: list[Expression], keywords: Named) -> Expression:
        def run(frame: Frame) -> Any:
            found = value(frame)
            given = [argument(frame) for argument in arguments]
            named = {key: item(frame) for key, item in keywords.items()}
            if isinstance(found, objects.Definition):
                if found.name in self.library.functions:
                    return self.call(found.name, frame.shared, given, named)
                return objects.made(self.library.classes[found.name], given, named)
            if found is objects.NoGrad:
                return objects.NoGrad()
            raise refuse("calls a value that is no function")

        return run


def later(error: LandscapeError) -> Expression:
    """Raises the error when it is reached."""

    def run(frame: Frame) -> Any:
        raise type(error)(error.message, remedy=error.remedy)

    return run


def unknown(node: ast.AST) -> LandscapeError:
    return refuse(f"has something that is not run ({type(node).__name__.lower()}, line {getattr(node, 'lineno', 0)})")


def truth(value: Any) -> bool:
    return bool(value)


def _cast(cast: Callable[[Any], Any], values: list[Any]) -> Any:
    if len(values) != 1:
        raise refuse("makes a number of several values")
    if isinstance(values[0], fx.Proxy):
        return values[0]
    return cast(values[0])


def dotted(node: ast.AST) -> str:
    """ "torch.add" for such a chain of names; "" where it is none."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _operation(called: str, arguments: list[Expression], keywords: Named) -> Expression:
    """A call of one of torch's operators ("torch.add", "ops.prim.dtype")."""
    parts = called.split(".")
    space, name = ("aten", parts[1]) if parts[0] == "torch" and len(parts) == 2 else (".".join(parts[1:-1]), parts[-1])
    if (space, name) == ("aten", "device"):
        return lambda frame: frame.shared.device
    if (space, name) == ("prim", "RaiseException"):
        return lambda frame: objects.stop(arguments[0](frame) if arguments else "")
    try:
        simple, operator = find_function(space, name)
    except LandscapeError as error:
        return later(error)

    def run(frame: Frame) -> Any:
        given = [argument(frame) for argument in arguments]
        named = {key: value(frame) for key, value in keywords.items()}
        if simple is None or (operator is not None and with_tensors(given, named)):
            return frame.shared.apply(name, operator, given, named)  # type: ignore[arg-type]
        return simple(*given, **named)

    return run
