"""Frozen dataclasses of labelled arrays to HDF5 and back, field by field, guided by their type hints.

What becomes what (docs/store.md says the same for readers with h5py): an array is a dataset, a text or number an attribute, a tuple
a one-dimensional dataset, a dataclass a group, a mapping a group whose members carry their `name`, and a mapping of anything a text
dataset of JSON. Every member is contiguous and of fixed size, so that a file can never claim more than it holds.
"""

from __future__ import annotations

import dataclasses
import io
import json
import re
import types
import typing
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import h5py
import numpy as np

from landscape_gui import connection_results, curvature_results, dynamics_results, results, topology_results, training_results
from landscape_gui.errors import StoreError

USER_BLOCK = 2048
"""Bytes before the HDF5 part: the checksum and a summary, both readable as text."""

FORMAT = 1
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.\-]{0,80}")
SHORT = 4096
"""Texts up to this many bytes are attributes; HDF5 keeps attributes below 64 kB."""
ROOMS = (results, topology_results, connection_results, curvature_results, dynamics_results, training_results)
"""Where the classes of answers are."""


def to_bytes(result: Any, summary: Mapping[str, Any]) -> bytearray:
    """A whole HDF5 file in memory with an empty user block; `summary` becomes attributes of its root."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=USER_BLOCK, libver=("earliest", "v110")) as file:
        file.attrs["format"] = "landscape_gui answer"
        file.attrs["format_version"] = FORMAT
        file.attrs["class"] = type(result).__name__
        for name, value in summary.items():
            file.attrs[name] = clean(value) if isinstance(value, str) else value
        write_fields(file, result)
    return bytearray(buffer.getvalue())


def from_bytes(data: bytes | memoryview) -> Any:
    """The answer in a file's bytes. Raises StoreError where it is none, refers outside itself or claims more than it holds."""
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            return Reader(len(data)).result(file)
    except StoreError:
        raise
    except Exception as error:  # h5py raises nearly every class on broken files
        raise StoreError(
            "this is no answer that can be read: the file is broken.", remedy="Copy it again, or compute it again."
        ) from error


def clean(text: str) -> str:
    """HDF5 holds neither NUL nor half of a surrogate pair."""
    return text.replace("\0", "�").encode("utf-8", "replace").decode("utf-8")


@lru_cache(maxsize=256)
def hints_of(cls: type) -> dict[str, Any]:
    """Field name -> its type with `| None` taken off."""
    hints = typing.get_type_hints(cls)
    return {f.name: without_none(hints[f.name]) for f in dataclasses.fields(cls)}


def without_none(hint: Any) -> Any:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        rest = [a for a in typing.get_args(hint) if a is not type(None)]
        return rest[0] if len(rest) == 1 else hint
    return hint


def is_mapping(hint: Any) -> bool:
    return typing.get_origin(hint) in (Mapping, dict)


# ------------------------------------------------------------------------------------------------------------------- writing


def write_fields(group: h5py.Group, value: Any) -> None:
    hints = hints_of(value.__class__)
    for f in dataclasses.fields(value):
        item = getattr(value, f.name)
        if item is not None:
            write(group, f.name, item, hints[f.name], f.metadata)
    if isinstance(value, results.Quantity):
        describe_quantity(group, value)


def write(group: h5py.Group, name: str, value: Any, hint: Any, metadata: Mapping[str, Any]) -> None:
    if isinstance(value, np.ndarray):
        dataset = group.create_dataset(name, data=value)
        for key in ("label", "unit", "axes"):
            if key in metadata:
                dataset.attrs[key] = ", ".join(metadata[key]) if key == "axes" else metadata[key]
    elif is_mapping(hint):
        write_mapping(group, name, value, typing.get_args(hint)[1])
    elif dataclasses.is_dataclass(value):
        write_fields(group.create_group(name), value)
    elif isinstance(value, tuple):
        write_tuple(group, name, value, typing.get_args(hint)[0])
    elif isinstance(value, str) and len(value) > SHORT // 4:
        write_text(group, name, value)
    else:
        group.attrs[name] = clean(value) if isinstance(value, str) else value


def write_text(group: h5py.Group, name: str, text: str) -> None:
    data = clean(text).encode() or b"\0"
    group.create_dataset(name, data=np.array(data, dtype=h5py.string_dtype("utf-8", len(data))))


def write_tuple(group: h5py.Group, name: str, values: tuple[Any, ...], item: Any) -> None:
    if item is str:
        encoded = [clean(v).encode() for v in values]
        kind = h5py.string_dtype("utf-8", max([1, *map(len, encoded)]))
        group.create_dataset(name, data=np.array(encoded, dtype=kind))
    else:
        group.create_dataset(name, data=np.array(values, dtype=np.int64 if item is int else np.float64))


def write_mapping(group: h5py.Group, name: str, values: Mapping[str, Any], item: Any) -> None:
    if item is Any:
        write_text(group, name, json.dumps(values, ensure_ascii=False, default=str))
        group[name].attrs["encoding"] = "JSON"
        return
    inner = group.create_group(name)
    for index, (key, value) in enumerate(values.items()):
        plain = key if PLAIN_NAME.fullmatch(key) else f"item {index}"
        if isinstance(value, (bool, int, float, str)):
            inner.attrs[plain] = value
            continue
        write(inner, plain, value, item, {})
        inner[plain].attrs["name"] = clean(key)
        inner[plain].attrs["index"] = index


def describe_quantity(group: h5py.Group, quantity: results.Quantity) -> None:
    """Each array of a quantity says by itself what it is."""
    for name, label in (("values", quantity.label), ("standard_error", f"standard error of {quantity.label}")):
        if name in group:
            group[name].attrs["label"] = clean(label)
            group[name].attrs["unit"] = clean(quantity.unit)
            group[name].attrs["axes"] = ", ".join(quantity.axes)


# ------------------------------------------------------------------------------------------------------------------- reading


class Reader:
    """Reads one file that may be a stranger's: hard links only, nothing external, virtual or of variable size, and in all no more
    bytes than the file has."""

    def __init__(self, size: int) -> None:
        self.left = size

    def result(self, file: h5py.File) -> Any:
        if "format" not in file.attrs or self.attribute(file, "format") != "landscape_gui answer":
            if file.get("xdirection", getlink=True) is not None:
                raise StoreError("it holds directions, and no answer.", remedy="Use it with --directions-from.")
            remedy = "It may be another program's; open a file that landscape_gui has saved."
            raise StoreError("this HDF5 file holds no answer of landscape_gui.", remedy=remedy)
        if self.attribute(file, "format_version") != FORMAT:
            raise StoreError(
                "This answer was saved in another version's layout.", remedy="Compute it again, or update landscape_gui."
            )
        name = str(self.attribute(file, "class"))
        cls = next((found for room in ROOMS if (found := getattr(room, name, None)) is not None), None)
        if not (name.endswith("Result") and isinstance(cls, type) and dataclasses.is_dataclass(cls)):
            raise StoreError(f"This file holds a {name[:80]!r}, which this version does not know.", remedy="Update landscape_gui.")
        return self.fields(file, cls)

    def fields(self, group: h5py.Group, cls: type) -> Any:
        hints = hints_of(cls)
        found = {}
        for f in dataclasses.fields(cls):
            if f.name in group.attrs or group.get(f.name, getlink=True) is not None:
                found[f.name] = self.value(group, f.name, hints[f.name])
            elif f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING:
                raise StoreError(f"The answer lacks {f.name!r} in {group.name}.")
        return cls(**found)

    def value(self, group: h5py.Group, name: str, hint: Any) -> Any:
        if hint in (str, int, float, bool):
            return self.scalar(group, name, hint)
        if is_mapping(hint):
            return self.mapping(group, name, typing.get_args(hint)[1])
        if dataclasses.is_dataclass(hint):
            return self.fields(self.group(group, name), typing.cast(type, hint))
        if typing.get_origin(hint) is tuple:
            return self.tuple(group, name, typing.get_args(hint)[0])
        return self.array(group, name)

    def scalar(self, group: h5py.Group, name: str, kind: Any) -> Any:
        if kind is str and name not in group.attrs:
            return self.text(group, name)
        value = self.attribute(group, name)
        if isinstance(value, str) != (kind is str):
            raise StoreError(f"{name!r} in {group.name} is of the wrong kind.")
        return kind(value)

    def mapping(self, group: h5py.Group, name: str, item: Any) -> dict[str, Any]:
        if item is Any:
            values = json.loads(self.text(group, name))
            if not isinstance(values, dict):
                raise StoreError(f"{name!r} in {group.name} is no mapping.")
            return values
        inner = self.group(group, name)
        if item in (str, int, float, bool):
            return {key: self.scalar(inner, key, item) for key in inner.attrs}
        members = sorted(self.members(inner), key=lambda m: m[1])
        return {key: self.value(inner, plain, item) for plain, _, key in members}

    def members(self, group: h5py.Group) -> Iterator[tuple[str, int, str]]:
        for plain in group:
            member = self.member(group, plain, (h5py.Group, h5py.Dataset))
            yield plain, int(self.attribute(member, "index")), str(self.attribute(member, "name"))

    def group(self, group: h5py.Group, name: str) -> h5py.Group:
        return self.member(group, name, h5py.Group)

    def member(self, group: h5py.Group, name: str, kinds: Any) -> Any:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise StoreError(f"{name!r} in {group.name} is a link to somewhere else; such files are not followed.")
        found = group[name]
        if not isinstance(found, kinds):
            raise StoreError(f"{name!r} in {group.name} is of the wrong kind.")
        return found

    def dataset(self, group: h5py.Group, name: str) -> h5py.Dataset:
        """One that lies in the file itself, with its size taken off what may still be read."""
        found = self.member(group, name, h5py.Dataset)
        plan = found.id.get_create_plist()
        inside = plan.get_layout() in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT) and plan.get_external_count() == 0
        if not inside or found.dtype.kind not in "fiubS":
            raise StoreError(f"{found.name} is not kept plainly inside the file; such data are not read.")
        self.left -= found.id.get_type().get_size() * int(np.prod(found.shape, dtype=object))
        if self.left < 0:
            raise StoreError(f"{found.name} claims more data than the file holds.")
        return found

    def array(self, group: h5py.Group, name: str) -> np.ndarray[Any, Any]:
        found = self.dataset(group, name)
        if found.dtype.kind == "S":
            raise StoreError(f"{found.name} holds text where numbers belong.")
        values = np.array(found[()])
        values.setflags(write=False)
        return values

    def text(self, group: h5py.Group, name: str) -> str:
        found = self.dataset(group, name)
        if found.dtype.kind != "S" or found.shape != ():
            raise StoreError(f"{found.name} is no text.")
        return bytes(found[()]).decode("utf-8", "replace")

    def tuple(self, group: h5py.Group, name: str, item: Any) -> tuple[Any, ...]:
        found = self.dataset(group, name)
        if len(found.shape) != 1 or (found.dtype.kind == "S") != (item is str):
            raise StoreError(f"{found.name} is of the wrong kind.")
        values = found[()].tolist()
        return tuple(v.decode("utf-8", "replace") if item is str else item(v) for v in values)

    def attribute(self, owner: h5py.Group, name: str) -> Any:
        """A single number or text; longer attributes are how a small file asks for a great deal of memory."""
        if name not in owner.attrs or owner.attrs.get_id(name).shape != ():
            raise StoreError(f"{name!r} of {owner.name} is missing or of the wrong kind.")
        value = owner.attrs[name]
        if isinstance(value, np.generic):
            value = value.item()
        if not isinstance(value, (str, int, float, bool)):
            raise StoreError(f"{name!r} of {owner.name} is of the wrong kind.")
        return value
