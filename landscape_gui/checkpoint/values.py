"""What the pickle machine makes in place of objects: names, calls that were not made, and references to storages."""

from __future__ import annotations

from typing import Any


class Global:
    """The name of a class or function, e.g. `torch._utils._rebuild_tensor_v2`. It is never imported."""

    __slots__ = ("name",)

    def __init__(self, module: str, name: str) -> None:
        self.name = f"{module}.{name}"


class Persistent:
    """What torch puts in place of a storage (or of a class with its source): the tuple that names it."""

    __slots__ = ("identity",)

    def __init__(self, identity: Any) -> None:
        self.identity = identity


class Object:
    """What would have been made: by calling `callee` with `args`, then giving it a state, items (dict) and elements (list)."""

    __slots__ = ("args", "callee", "elements", "items", "state")

    def __init__(self, callee: Any, args: tuple[Any, ...]) -> None:
        self.callee = callee
        self.args = args
        self.state: Any = None
        self.items: dict[Any, Any] | None = None
        self.elements: list[Any] | None = None

    def __repr__(self) -> str:
        return f"<{self.name or 'object'}>"

    @property
    def name(self) -> str:
        """The class's or function's dotted name; of what copyreg makes, the class's."""
        callee: Any = self.callee
        if isinstance(callee, Global) and callee.name in _MAKERS and self.args:
            callee = self.args[0]
        for _ in range(3):
            if isinstance(callee, Persistent) and isinstance(callee.identity, tuple) and len(callee.identity) > 1:
                callee = callee.identity[1]
        return callee.name if isinstance(callee, Global) else ""


_MAKERS = ("copyreg._reconstructor", "copy_reg._reconstructor", "copyreg.__newobj__", "copyreg.__newobj_ex__")
