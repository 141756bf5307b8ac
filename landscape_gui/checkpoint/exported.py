"""Exported programs (.pt2): the weights inside, as raw bytes. The program is left alone; nothing is unpickled but inertly."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from landscape_gui.checkpoint.json_text import contiguous, parse_object, whole_numbers
from landscape_gui.checkpoint.limits import DAMAGED, INDEX_BYTES, PICKLE_BYTES, TENSORS, Broken, shown
from landscape_gui.checkpoint.manifest import Archive, Layout, Piece, Span
from landscape_gui.checkpoint.rebuilt import Foreign, entries_of, tensor_of
from landscape_gui.checkpoint.source import Source, Window
from landscape_gui.checkpoint.torch_zip import open_torch, root_of
from landscape_gui.checkpoint.zipped import Zip

FORMAT = "exported program"
CONSTANTS = "lifted constants"
"""The group of what the program uses beside its weights: constants, and buffers that no state dictionary keeps."""

_OLD = "serialized_exported_program.json"
_OLD_WEIGHTS = ("serialized_state_dict.pt", "serialized_state_dict.json")
_OLD_CONSTANTS = ("serialized_constants.pt", "serialized_constants.json")
_DTYPES = {
    **dict(enumerate(("uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"), 1)),
    **dict(enumerate(("complex32", "complex64", "complex128", "bool", "bfloat16"), 9)),
    **dict(enumerate(("uint16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz"), 28)),
    **dict(enumerate(("float8_e8m0fnu", "uint32", "uint64"), 33)),
}
_STRIDED = 7
_NOTE = "An exported program: the weights were read, the program in the file was not run."


def is_exported(names: list[str]) -> bool:
    """Whether an archive with these members is an exported program, of the layout since torch 2.8 or the one before."""
    return _OLD in names or any(name.rpartition("/")[2] == "archive_format" and name.count("/") <= 1 for name in names)


def open_exported(archive: Zip) -> Archive:
    """Parameters and buffers by name, and the constants as the group CONSTANTS; raises Broken."""
    return _open_old(archive) if _OLD in archive.members else _open_new(archive)


def read_graph(path: str | os.PathLike[str], model: str = "model") -> bytes:
    """The program's JSON, as it stands in the file; Broken where there is none, or it is larger than is read."""
    with Source(Path(path)) as source:
        archive = Zip(source.file(), source.size())
        if _OLD in archive.members:
            return archive.content(_OLD, INDEX_BYTES)
        name = f"{_root(archive)}models/{model}.json"
        if name not in archive.members:
            raise Broken(f"it has no program named {shown(model)}")
        return archive.content(name, INDEX_BYTES)


def _root(archive: Zip) -> str:
    return next(name for name in archive.members if name.rpartition("/")[2] == "archive_format").removesuffix("archive_format")


def _models(archive: Zip, root: str) -> list[str]:
    front, back = f"{root}models/", ".json"
    names = [name[len(front) : -len(back)] for name in archive.members if name.startswith(front) and name.endswith(back)]
    return sorted(names, key=lambda name: (name != "model", name))


def _open_new(archive: Zip) -> Archive:
    root = _root(archive)
    models = _models(archive, root)
    if not models:
        compiled = any("/aotinductor/" in name for name in archive.members)
        kind = "a package of machine code (AOTInductor)" if compiled else "an exported program (.pt2) without a program"
        raise Broken(f"it is {kind}, without weights", "Open the checkpoint, or a .pt2 of torch.export.save.")
    spans: dict[str, Span] = {}
    parts: dict[str, Any] = {}
    for model in models:
        weights = _payload(archive, f"{root}data/weights/", f"{model}_weights_config.json", spans)
        constants = _payload(archive, f"{root}data/constants/", f"{model}_constants_config.json", spans)
        parts[model] = {**weights, **({CONSTANTS: constants} if constants else {})}
    if not any(parts.values()):
        raise Broken("it is an exported program (.pt2) without any weights", "Choose the .pt2 of a network.")
    return Archive(FORMAT, parts[models[0]] if len(models) == 1 else parts, spans, notes=(_NOTE,))


def _payload(archive: Zip, folder: str, config: str, spans: dict[str, Span]) -> dict[str, Layout | Foreign]:
    """What a config lists, each as a view of a member of the folder; the members' places are added to `spans`."""
    if folder + config not in archive.members:
        return {}
    table = parse_object(archive.content(folder + config, INDEX_BYTES), "its list of weights").get("config")
    if not isinstance(table, dict) or len(table) > TENSORS:
        raise Broken("its list of weights is malformed", DAMAGED)
    members = {name: folder + _member(name, entry, folder, archive) for name, entry in table.items() if _is_tensor(entry)}
    places = archive.spans({name: name for name in members.values()})
    spans |= places
    return {name: _tensor(name, table[name], member, places[member]) for name, member in members.items()}


def _is_tensor(entry: Any) -> bool:
    """Tokenisers and other objects of the program's own (custom_obj_0) have no tensor's shape."""
    return not isinstance(entry, dict) or entry.get("tensor_meta") is not None


def _member(name: str, entry: Any, folder: str, archive: Zip) -> str:
    member = entry.get("path_name") if isinstance(entry, dict) else None
    if not isinstance(member, str) or "/" in member or folder + member not in archive.members:
        raise Broken(f"the data of the tensor {shown(name)} is not in the file", DAMAGED)
    return member


def _tensor(name: str, entry: dict[str, Any], member: str, span: Span) -> Layout | Foreign:
    meta = entry["tensor_meta"]
    if not isinstance(meta, dict):
        raise Broken("its list of weights is malformed", DAMAGED)
    code = meta.get("dtype")
    dtype = _DTYPES.get(code, "") if type(code) is int else ""
    if not dtype:
        return Foreign(f"is stored as type {shown(code)}, which is not read")
    if meta.get("layout") != _STRIDED:
        return Foreign("is not dense", "Export the program with dense weights.")
    shape, stride = _numbers(meta.get("sizes")), _numbers(meta.get("strides"))
    (offset,) = _numbers([meta.get("storage_offset")])
    if len(shape) != len(stride):
        raise Broken(f"the tensor {shown(name)} has more sizes than strides, or fewer", DAMAGED)
    if entry.get("use_pickle") is True:
        if span.packed:
            raise Broken(f"the tensor {shown(name)} is packed twice")
        return Layout(
            dtype, shape, contiguous(shape), 0, "", 0, pieces=(Piece((0,) * len(shape), shape, "", span.start, span.size),)
        )
    return Layout(dtype, shape, stride, offset, member, span.size)


def _numbers(values: Any) -> tuple[int, ...]:
    """Sizes as the schema writes them: [{"as_int": 3}, ...]."""
    if not isinstance(values, list):
        raise Broken("its list of weights is malformed", DAMAGED)
    return whole_numbers([item.get("as_int") if isinstance(item, dict) else None for item in values], "its list of weights")


def _open_old(archive: Zip) -> Archive:
    """The layout before torch 2.8: state dictionary and constants are files of torch.save inside the archive."""
    spans: dict[str, Span] = {}
    weights = _inner(archive, _OLD_WEIGHTS, spans)
    if weights is None:
        raise Broken("it is an exported program without its weights", "Export it again with torch.export.save.")
    constants = _inner(archive, _OLD_CONSTANTS, spans)
    return Archive(FORMAT, {**weights, **({CONSTANTS: constants} if constants else {})}, spans, notes=(_NOTE,))


def _inner(archive: Zip, names: tuple[str, ...], spans: dict[str, Span]) -> dict[str, Layout | Foreign] | None:
    """The tensors of a file of torch.save inside the archive; their places, seen from outside, are added to `spans`."""
    name = next((name for name in names if name in archive.members), None)
    if name is None or archive.head(name, 4) != b"PK\3\4":
        return None
    place = archive.spans({name: name})[name]
    if place.packed:
        raise Broken(f"the file {shown(name)} in its archive is packed twice", "Export it again with torch.export.save.")
    inside = Zip(Window(archive.file, place.start, place.size), place.size)  # type: ignore[arg-type]
    root = root_of(list(inside.members))
    if root is None or inside.members[f"{root}data.pkl"].size > PICKLE_BYTES:
        raise Broken(f"the file {shown(name)} in its archive is no file of torch.save", DAMAGED)
    opened = open_torch(inside, root)
    if opened.big_endian:
        raise Broken("it was exported on a big-endian machine", "Export it again with torch.export.save.")
    spans |= {f"{name}/{key}": replace(span, start=place.start + span.start) for key, span in opened.spans.items()}
    found = {key: tensor_of(item) for key, item in entries_of(opened.root) or []}
    return {
        key: replace(tensor, storage=f"{name}/{tensor.storage}") if isinstance(tensor, Layout) else tensor
        for key, tensor in found.items()
        if tensor is not None
    }
