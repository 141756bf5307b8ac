"""Keys of pickled dictionaries: cheap to hash, and each with a name of its own, tuples and numbers too. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from landscape_gui.checkpoint.budget import spend
from landscape_gui.checkpoint.limits import TEXT
from landscape_gui.checkpoint.values import Global, Object

PARTS = 16
"""Values of a tuple, and of the tuples in it, that are written out."""
_KINDS = {int: "number", bool: "truth value", bytes: "bytes"}


class Key:
    """What stands for a tuple, a float or an object as a key; equal to itself alone, as no file repeats a key."""

    __slots__ = ("kind", "text")

    def __init__(self, text: str, kind: str) -> None:
        self.text, self.kind = text, kind


class Written(str):
    """A name that is no text in the file, or that something else in it has as well."""

    __slots__ = ()


def key_of(key: Any) -> Any:
    """A key that is cheap to hash: text, bytes, small numbers, an object (by its identity); else what stands for it."""
    kind = type(key)
    if kind in (str, bytes, bool, Object) or key is None or (kind is int and -(1 << 60) < key < 1 << 60):
        return key
    if kind is float:
        return Key(repr(key), "number")
    if isinstance(key, Global):
        return key.name
    if kind is tuple:
        spend(2 * PARTS)
        return Key(_tuple(key, [PARTS]), "tuple")
    return Key(f"<{getattr(key, 'name', '') or kind.__name__}>", "key")


def distinct(keys: Sequence[Any], names: Sequence[str]) -> list[str]:
    """The names of the keys, as they are where no two are the same; else those of what is no text say what they are, and a third
    is numbered."""
    if len(set(names)) == len(names):
        return list(names)
    taken = {name for key, name in zip(keys, names, strict=True) if isinstance(key, str)}
    counts: dict[str, int] = {}
    found: list[str] = []
    for key, name in zip(keys, names, strict=True):
        if not isinstance(key, str) and name in taken:
            name = _other(f"{name} ({key.kind if isinstance(key, Key) else _KINDS.get(type(key), 'key')}", taken, counts)
        taken.add(name)
        found.append(name)
    return found


def numbered(names: Sequence[str]) -> list[str]:
    """The names, the second and further of one name with a number behind."""
    taken, counts = set(names), dict[str, int]()
    seen: set[str] = set()
    found: list[str] = []
    for name in names:
        found.append(_other(f"{name} (", taken, counts, first=2) if name in seen else name)
        seen.add(name)
    return found


def _other(front: str, taken: set[str], counts: dict[str, int], first: int = 1) -> Written:
    """A name that is not taken: the front closed, or with the next number."""
    while True:
        number = counts[front] = counts.get(front, first - 1) + 1
        name = Written(f"{front})" if number == 1 else f"{front.rstrip()}{'' if front.endswith('(') else ' '}{number})")
        if name not in taken:
            taken.add(name)
            return name


def _tuple(value: tuple[Any, ...], left: list[int]) -> str:
    """ "('encoder', 0)", up to so many values."""
    parts: list[str] = []
    for item in value:
        left[0] -= 1
        if left[0] < 0:
            parts.append("...")
            break
        parts.append(_tuple(item, left) if type(item) is tuple else _value(item))
    return f"({', '.join(parts)}{',' if len(value) == 1 else ''})"


def _value(item: Any) -> str:
    if isinstance(item, str):
        return repr(item[:TEXT])
    if item is None or isinstance(item, bool | float) or (isinstance(item, int) and -(1 << 60) < item < 1 << 60):
        return repr(item)
    return f"<{getattr(item, 'name', '') or type(item).__name__}>"
