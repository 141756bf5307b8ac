"""A TorchScript network as an ordinary module: its modules, weights and names, its methods computed from their text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.checkpoint.limits import DEPTH, MODULES, shown
from landscape_gui.checkpoint.manifest import Layout
from landscape_gui.checkpoint.rebuilt import Foreign, attributes_of, tensor_of
from landscape_gui.checkpoint.torchscript import Script
from landscape_gui.checkpoint.values import Object
from landscape_gui.core.splits import tensors_of
from landscape_gui.problem.scripted.compiling import Compiler, Function
from landscape_gui.problem.scripted.library import Class, Library, plain, refuse
from landscape_gui.problem.scripted.objects import Alias, Missing, Record, resolved
from landscape_gui.problem.scripted.running import Call, Pass, current

LISTS = 10_000
"""Values of a module's lists and dictionaries that are not tensors."""


class Scripted(nn.Module):
    """One module of the program. Parameters, buffers and modules inside have the names that the file gives them."""

    def __init__(self, kind: Class, compiler: Compiler) -> None:
        super().__init__()
        self._script_class, self._script_compiler = kind, compiler
        self._script_values: dict[str, Any] = {}

    def forward(self, *arguments: Any, **keywords: Any) -> Any:
        passed, name = current.passed, current.method
        current.method = "forward"
        if passed is None:
            raise refuse("has a part that is called by itself")
        if passed.calls is None:
            return self._script_call(name, arguments, keywords, passed)
        call = Call(self, arguments)
        for outer in passed.open[-1:]:
            outer.inner += 1
        passed.open.append(call)
        try:
            call.result = self._script_call(name, arguments, keywords, passed)
        finally:
            passed.open.pop()
        passed.calls.append(call)
        return call.result

    def _script_call(self, name: str, arguments: Sequence[Any], keywords: Mapping[str, Any], shared: Pass) -> Any:
        function = self._script_compiler.method(self._script_class, name)
        return function(shared, [self, *arguments], keywords)


class Program(Scripted):
    """The network that a TorchScript archive is, in evaluation mode.

    Called as the network was; gives what that gave or, where `whole` is False, of several results the one called `logits`, else
    the first tensor. Where the program names a type of floating-point numbers or a device, the parameters' are taken, so that it
    runs in float64 or elsewhere. Values of parameters are not loaded: the caller does that.
    """

    def __init__(self, kind: Class, compiler: Compiler) -> None:
        super().__init__(kind, compiler)
        self.whole = False
        self._constants: tuple[Any, ...] = ()
        self._copied: frozenset[int] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        """Of the inputs."""
        return self.main_function.parameters[1:]

    @property
    def needed(self) -> int:
        """Inputs without a default."""
        return len(self.names) - len(self.main_function.defaults)

    @property
    def main_function(self) -> Function:
        name = next((name for name in ("forward", "forward__0") if name in self._script_class.methods), "forward")
        return self._script_compiler.method(self._script_class, name)

    def forward(self, *arguments: Any, **keywords: Any) -> Any:
        return self.run(arguments, keywords)

    def run(self, arguments: Sequence[Any], keywords: Mapping[str, Any], prepare: Callable[[Pass], None] | None = None) -> Any:
        """The result. prepare: changes the pass before it begins."""
        passed = self._begin()
        if prepare is not None:
            prepare(passed)
        before, current.passed = current.passed, passed
        try:
            given = [_copy(item) if place in self._copied else item for place, item in enumerate(arguments)]
            result = self.main_function(passed, [self, *given], keywords)
        finally:
            current.passed = before
        return result if self.whole else main_of(result)

    def copy_inputs(self, places: Iterable[int]) -> None:
        """Give the program copies of these inputs: it writes into them."""
        self._copied = frozenset(places)

    def _begin(self) -> Pass:
        for tensor in (*self.parameters(), *self.buffers()):
            if tensor.is_floating_point():
                return Pass(tensor.dtype, tensor.device, self._constant)
        return Pass(torch.get_default_dtype(), torch.device("cpu"), self._constant)

    def _constant(self, number: int) -> Any:
        if not 0 <= number < len(self._constants):
            raise refuse(f"uses its constant c{number}, which is not in the file")
        return resolved(self._constants[number])


class OneInput(Program):
    """A program of one input, whose forward pass can be traced."""

    def forward(self, value: Any) -> Any:
        return self.run((value,), {})


def _copy(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


def main_of(result: Any) -> Any:
    """The tensor that is judged: of a dictionary or named tuple the one called logits, else the first."""
    if isinstance(result, dict) and "logits" in result:
        return result["logits"]
    if isinstance(result, Record) and "logits" in result.fields:
        return result[result.fields.index("logits")]
    if isinstance(result, (dict, list, tuple)):
        found = next(iter(tensors_of(result)), None)
        if found is None:
            raise refuse("gives nothing that is computed", "Save a network that returns its output.")
        return found
    return result


class Builder:
    """Puts the pickled objects of a script together as modules. tensors: of the checkpoint, by their names in the file."""

    def __init__(self, script: Script, library: Library, tensors: Mapping[str, Tensor]) -> None:
        self._script, self._library, self._tensors = script, library, tensors
        self._compiler = Compiler(library)
        self._modules: dict[int, Scripted] = {}
        self._placed: dict[Layout, tuple[nn.Module, str]] = {}
        self._frozen: list[nn.Parameter] = []

    def build(self, kind: type[Program]) -> Program:
        """The network. Raises ProblemError that says what in it is not run."""
        root = self._script.root
        if not isinstance(root, Object):
            raise refuse("has no network in it")
        program = kind(self._class(root), self._compiler)
        try:
            self._fill(program, root, "", 0)
            self._constants(program)
        except (KeyError, AttributeError, TypeError) as error:
            raise refuse(f"has a weight or module whose name no module can have ({error})") from None
        self._freeze(program)
        return program

    def _freeze(self, program: Program) -> None:
        """Parameters that were frozen stay so, unless all were."""
        frozen = {id(parameter) for parameter in self._frozen}
        everything = all(id(parameter) in frozen for parameter in program.parameters())
        for parameter in program.parameters():
            parameter.requires_grad_(parameter.is_floating_point() and (everything or id(parameter) not in frozen))

    def _class(self, value: Object) -> Class:
        found = self._library.classes.get(value.name)
        if found is None or found.kind != "Module":
            raise refuse(f"has an object of {shown(plain(value.name))}, which is no module of it")
        return found

    def _fill(self, module: Scripted, value: Object, path: str, depth: int) -> None:
        if depth > DEPTH or len(self._modules) > MODULES:
            raise refuse("has more modules inside one another than are read")
        self._modules[id(value)] = module
        for key, item in (attributes_of(value) or {}).items():
            name, place = str(key), f"{path}.{key}" if path else str(key)
            tensor = tensor_of(item)
            if isinstance(tensor, Foreign):
                raise refuse(f"has a tensor that {tensor.reason} ({shown(place)})", tensor.remedy)
            if tensor is not None:
                self._place_tensor(module, name, place, tensor, item)
            elif (
                isinstance(item, Object)
                and item.name in self._library.classes
                and self._library.classes[item.name].kind == "Module"
            ):
                module.add_module(name, self._child(item, place, depth))
            else:
                module._script_values[name] = item
        module._script_values = {name: self._value(item) for name, item in module._script_values.items()}

    def _child(self, value: Object, place: str, depth: int) -> Scripted:
        if id(value) not in self._modules:
            self._fill(Scripted(self._class(value), self._compiler), value, place, depth + 1)
        return self._modules[id(value)]

    def _place_tensor(self, module: Scripted, name: str, place: str, layout: Layout, value: Object) -> None:
        trained = name in module._script_class.parameters
        known = self._placed.get(layout)
        if known is not None:
            tensor: Any = getattr(*known)
            trained = isinstance(tensor, nn.Parameter)
        elif place not in self._tensors:
            raise refuse(f"uses the tensor {shown(place)}, which is not read")
        else:
            stored = self._tensors[place]
            tensor = nn.Parameter(torch.empty_like(stored), requires_grad=False) if trained else stored.clone()
            if trained and len(value.args) > 4 and value.args[4] is False:
                self._frozen.append(tensor)
        if trained:
            module.register_parameter(name, tensor)
        else:
            module.register_buffer(name, tensor)
        self._placed.setdefault(layout, (module, name))

    def _value(self, item: Any, left: int = 4) -> Any:
        """A plain value of a module; of a list of its tensors, where they are."""
        tensor = tensor_of(item) if isinstance(item, Object) else None
        if tensor is not None:
            known = self._placed.get(tensor) if isinstance(tensor, Layout) else None
            return Alias(*known) if known is not None else Missing("a tensor beside its weights")
        if isinstance(item, Object) and item.name.startswith("torch.jit._pickle."):
            return self._value(item.args[0], left) if item.args else Missing("an empty list")
        if isinstance(item, (list, tuple)) and left and len(item) < LISTS:
            return type(item)(self._value(part, left - 1) for part in item)
        if isinstance(item, dict) and left and len(item) < LISTS:
            return {key: self._value(part, left - 1) for key, part in item.items() if isinstance(key, (str, int))}
        if item is None or isinstance(item, (bool, int, float, str)):
            return item
        return Missing(f"an object {shown(getattr(item, 'name', type(item).__name__))}")

    def _constants(self, program: Program) -> None:
        """Constants of the program: weights where it was frozen, else buffers that no state dictionary holds."""
        found: list[Any] = []
        for number, value in enumerate(self._script.constants):
            name = f"c{number}"
            stored = self._script.frozen and name in self._tensors
            if isinstance(value, Tensor) and value.is_floating_point() and value.dim() and stored:
                program.register_parameter(name, nn.Parameter(torch.empty_like(value), requires_grad=False))
            elif isinstance(value, Tensor) and (value.dim() or stored):
                name = name if stored else f"constant {number}"
                program.register_buffer(name, value.clone(), persistent=stored)
            else:  # a single number does not decide in which type others are computed: it keeps its own
                found.append(value if isinstance(value, Tensor) else self._value(value))
                continue
            found.append(Alias(program, name))
        program._constants = tuple(found)
