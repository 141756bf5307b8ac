"""What the pickled calls of torch and NumPy stand for: tensors as layouts, scalars as numbers, modules as their parts."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from landscape_gui.checkpoint.keys import Key, Written, distinct
from landscape_gui.checkpoint.limits import ATTRIBUTES, DIMENSIONS, TEXT, Broken, shown
from landscape_gui.checkpoint.manifest import ITEM_BYTES, QUANTISED, Layout, Scalar
from landscape_gui.checkpoint.quantised import quantised_class
from landscape_gui.checkpoint.values import Global, Object, Persistent

_STORAGES = {
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    "QInt8Storage": "qint8",
    "QUInt8Storage": "quint8",
    "QInt32Storage": "qint32",
    "QUInt4x2Storage": "quint4x2",
    "QUInt2x4Storage": "quint2x4",
    "UntypedStorage": "uint8",
}
STORAGE_BYTES = {name: ITEM_BYTES[dtype] for name, dtype in _STORAGES.items()}
_REBUILD = "torch._utils._rebuild_"
_WRAPPERS = ("torch._tensor._rebuild_from_type_v2", "torch._tensor._rebuild_from_type", "torch._utils._rebuild_from_type_v2")
_DENSE = "Save a dense copy: {name: tensor.to_dense() ...}."
GATHER = "Save the full state dictionary, gathered on one device, and open that."
_FOREIGN = {
    "qtensor": ("is quantised", "Open the checkpoint from before it was quantised."),
    "sparse_tensor": ("is sparse", _DENSE),
    "sparse_csr_tensor": ("is sparse", _DENSE),
    "nested_tensor": ("is a nested tensor", _DENSE),
    "meta_tensor_no_storage": ("has no data, as it was saved from the meta device", GATHER),
    "wrapper_subclass": ("is split over devices or wrapped in a class of its own", GATHER),
}
# Functions that make a torch.fx.GraphModule of its attributes (the first or second argument) and the text of its code.
_TRACED = tuple(f"torch.fx.graph_module.reduce_{kind}graph_module" for kind in ("", "deploy_", "package_"))
_NUMPY_SCALAR = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
_NUMPY_CODES = {
    "f2": "e",
    "f4": "f",
    "f8": "d",
    "b1": "?",
    "i1": "b",
    "i2": "h",
    "i4": "i",
    "i8": "q",
    "u1": "B",
    "u2": "H",
    "u4": "I",
    "u8": "Q",
}


@dataclass(frozen=True, slots=True)
class Storage:
    """What a tensor refers to for its data: element type, key, elements, and the first element of it that is its own."""

    dtype: str
    key: str
    count: int
    start: int = 0

    @property
    def item(self) -> int:
        """Bytes per element."""
        return ITEM_BYTES[self.dtype]


@dataclass(frozen=True, slots=True)
class Foreign:
    """A tensor that cannot be read: reason completes "The tensor 'x' ...", remedy says what to do."""

    reason: str
    remedy: str = "Save it as a plain float32 tensor."


def storage_of(value: Any) -> Storage | None:
    """The storage that a persistent reference names; None when it names none; Broken when malformed."""
    reference = value.callee if isinstance(value, Object) else value
    identity = reference.identity if isinstance(reference, Persistent) else None
    if not isinstance(identity, tuple) or len(identity) < 5 or identity[0] != "storage":
        return None
    kind, key, _, count = identity[1:5]
    name = kind.name.rpartition(".")[2] if isinstance(kind, Global) else ""
    if name not in _STORAGES:
        raise Broken(f"it has a storage of an unknown type ({shown(name)})")
    if type(key) not in (str, int) or type(count) is not int or not 0 <= count < 1 << 48:
        raise Broken("it has a malformed storage")
    view = identity[5] if len(identity) > 5 else None
    start = 0
    if isinstance(view, tuple) and len(view) == 3:
        start = view[1]
        if type(start) is not int or not 0 <= start < 1 << 48:
            raise Broken("it has a malformed view of a storage")
    return Storage(_STORAGES[name], str(key), count, start)


def tensor_of(value: Any) -> Layout | Foreign | None:
    """The tensor or parameter that a pickled call would make; None when it makes something else."""
    for _ in range(4):
        if not isinstance(value, Object):
            return None
        name = value.name
        if name in (f"{_REBUILD}parameter", f"{_REBUILD}parameter_with_state"):
            value = value.args[0] if value.args else None
        elif name in _WRAPPERS and len(value.args) >= 3 and isinstance(value.args[2], tuple):
            if isinstance(value.args[1], Global) and quantised_class(value.args[1].name):
                return Foreign(f"is quantised (a {shown(value.args[1].name)})", _FOREIGN["qtensor"][1])
            value = Object(value.args[0], value.args[2])
        else:
            return _plain_tensor(name, value.args)
    return None


def _plain_tensor(name: str, args: tuple[Any, ...]) -> Layout | Foreign | None:
    if name.endswith(".ShardedTensor"):
        return Foreign(*_FOREIGN["wrapper_subclass"])
    if not name.startswith(_REBUILD):
        return None
    kind = name[len(_REBUILD) :]
    if kind not in ("tensor", "tensor_v2", "tensor_v3"):
        return Foreign(*_FOREIGN.get(kind, (f"is of a special kind ({shown(kind)})",)))
    if len(args) < 4:
        raise Broken("it has a malformed tensor")
    storage = storage_of(args[0])
    if storage is None:
        raise Broken("it has a tensor without a storage")
    dtype, extra = storage.dtype, args[6] if kind == "tensor_v2" and len(args) > 6 else None
    if kind == "tensor_v3" and len(args) > 6:
        dtype = args[6].name.rpartition(".")[2] if isinstance(args[6], Global) else ""
        extra = args[7] if len(args) > 7 else None
    if dtype not in ITEM_BYTES:
        return Foreign(f"is stored as {shown(dtype)}, which is not read")
    if dtype in QUANTISED:
        return Foreign(*_FOREIGN["qtensor"])
    return _layout(storage, dtype, args[1], _sizes(args[2]), _sizes(args[3]), extra if isinstance(extra, dict) else {})


def _layout(
    storage: Storage, dtype: str, offset: Any, shape: tuple[int, ...], stride: tuple[int, ...], bits: dict[Any, Any]
) -> Layout:
    if type(offset) is not int or not 0 <= offset < 1 << 48 or len(shape) != len(stride):
        raise Broken("it has a tensor with a malformed shape")
    if (storage.start * storage.item) % ITEM_BYTES[dtype]:
        raise Broken("it has a tensor that starts between two elements")
    start = offset + storage.start * storage.item // ITEM_BYTES[dtype]
    whole = storage.count * storage.item
    layout = Layout(dtype, shape, stride, start, storage.key, whole, bits.get("conj") is True, bits.get("neg") is True)
    if layout.count >= 1 << 48:
        raise Broken("it has a tensor that is larger than any memory")
    if layout.reach > whole:
        raise Broken(f"it has a tensor of shape {shape} that reaches past its storage")
    return layout


def _sizes(value: Any) -> tuple[int, ...]:
    if isinstance(value, Object) and value.name == "torch.Size":
        value = value.args[0] if value.args else ()
    if not isinstance(value, tuple | list) or len(value) > DIMENSIONS:
        raise Broken("it has a tensor with a malformed shape")
    for size in value:
        if type(size) is not int or not 0 <= size < 1 << 48:
            raise Broken("it has a tensor whose sizes or strides are negative or too large")
    return tuple(value)


def entries_of(value: Any) -> list[tuple[str, Any]] | None:
    """What a dictionary, list, tuple or object with attributes holds, by name; None for anything else."""
    if isinstance(value, dict):
        return list(zip(distinct(list(value), [_key_text(key) for key in value]), value.values(), strict=True))
    if isinstance(value, list | tuple):
        return [(str(index), item) for index, item in enumerate(value)]
    if not isinstance(value, Object):
        return None
    if value.items is not None:
        return entries_of(value.items)
    if value.elements is not None:
        return entries_of(value.elements)
    if value.name == "collections.OrderedDict":
        return _pairs(value.args[0]) if value.args else []
    return entries_of(attributes_of(value))


def _key_text(key: Any) -> str:
    """A key as a name; of an enum's member its value."""
    if isinstance(key, Key):
        return Written(key.text)
    held = scalar_of(key) if isinstance(key, Object) else None
    return str(key if held is None else held)


def _pairs(value: Any) -> list[tuple[str, Any]]:
    if not isinstance(value, list):
        return []
    return [
        (str(pair[0]), pair[1])
        for pair in value
        if isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str | int)
    ]


def attributes_of(value: Object) -> dict[Any, Any] | None:
    """The attributes that the object would have; of a pair (dict, slots) both; of a traced module those that it is made of."""
    state = value.state
    if state is None and value.name in _TRACED:
        state = next((argument for argument in value.args[:2] if isinstance(argument, dict)), None)
    if isinstance(state, tuple) and len(state) == 2:
        parts = [part for part in state if isinstance(part, dict) and part] or [part for part in state if isinstance(part, dict)]
        if len(parts) < 2:
            return parts[0] if parts else None
        if sum(map(len, parts)) > ATTRIBUTES:
            raise Broken(f"it holds an object with more than {ATTRIBUTES:,} attributes")
        return {key: item for part in parts for key, item in part.items()}
    return state if isinstance(state, dict) else None


def module_parts(value: Any) -> tuple[list[tuple[str, Any]], list[tuple[str, Any]]] | None:
    """Parameters and buffers, and submodules, of a pickled nn.Module; None for what is none."""
    attributes = attributes_of(value) if isinstance(value, Object) else None
    if attributes is None:
        return None
    if "_parameters" in attributes and "_modules" in attributes:
        passing = _names(attributes.get("_non_persistent_buffers_set"))
        own = _members(attributes["_parameters"]) + [
            pair for pair in _members(attributes.get("_buffers")) if pair[0] not in passing
        ]
        return own, _members(attributes["_modules"])
    if value.name.startswith("__torch__."):
        named = [(str(key), item) for key, item in attributes.items()]
        return [pair for pair in named if tensor_of(pair[1]) is not None], [pair for pair in named if isinstance(pair[1], Object)]
    return None


def _members(value: Any) -> list[tuple[str, Any]]:
    return entries_of(value) or []


def _names(value: Any) -> frozenset[str]:
    """The texts in a set, as it was pickled."""
    if isinstance(value, Object) and value.name.endswith("set") and value.args:
        value = value.args[0]
    if not isinstance(value, list):
        return frozenset()
    if len(value) > ATTRIBUTES:
        raise Broken(f"it holds a module with more than {ATTRIBUTES:,} buffers")
    return frozenset(item for item in value if isinstance(item, str))


def scalar_of(value: Any) -> Scalar | None:
    """A number, truth value, text (cut), path or class, or what an object of one value holds (an enum's, a date, a NumPy scalar);
    else None."""
    if isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if -(1 << 63) <= value < 1 << 63 else None
    if isinstance(value, str):
        return value[:TEXT]
    if isinstance(value, Global):
        return value.name[:TEXT]
    if not isinstance(value, Object):
        return None
    if value.name in _NUMPY_SCALAR:
        return _numpy_scalar(value.args)
    if value.name.startswith("pathlib.") and all(isinstance(part, str) for part in value.args):
        return "/".join(value.args).replace("//", "/").replace("\\/", "\\")[:TEXT]
    if value.name.startswith("datetime.date"):
        return _moment(value.args)
    return _held(value)


def _held(value: Object) -> Scalar | None:
    """The one value that an object was made of: an enum's, torch.device("cpu"), Decimal("0.1"), OmegaConf's node."""
    attributes = attributes_of(value)
    if attributes is not None:
        held = attributes.get("_val")
        return scalar_of(held) if isinstance(held, str | int | float) else None
    plain = value.items is None and value.elements is None and value.state is None
    if value.name == "builtins.getattr" and len(value.args) == 2 and isinstance(value.args[1], str):
        return value.args[1][:TEXT]
    single = plain and len(value.args) == 1 and isinstance(value.args[0], str | int | float)
    return scalar_of(value.args[0]) if single else None


def _moment(args: tuple[Any, ...]) -> str | None:
    """A date, or a date with its time, from the bytes that the standard library pickles."""
    raw = args[0] if args else None
    if isinstance(raw, Object) and raw.name == "_codecs.encode" and raw.args:
        raw = raw.args[0]
    if isinstance(raw, str) and len(raw) <= 10:
        raw = raw.encode("latin-1", "replace")
    if not isinstance(raw, bytes) or len(raw) not in (4, 10):
        return None
    date = f"{raw[0] * 256 + raw[1]:04d}-{raw[2] & 127:02d}-{raw[3]:02d}"
    return date if len(raw) == 4 else f"{date} {raw[4]:02d}:{raw[5]:02d}:{raw[6]:02d}"


def _numpy_scalar(args: tuple[Any, ...]) -> Scalar | None:
    if len(args) != 2 or not isinstance(args[0], Object) or not args[0].args:
        return None
    kind, raw = args[0], args[1]
    code = kind.args[0]
    if (
        isinstance(raw, Object)
        and raw.name == "_codecs.encode"
        and raw.args
        and isinstance(raw.args[0], str)
        and len(raw.args[0]) <= 16
    ):
        raw = raw.args[0].encode("latin-1", "replace")
    order = kind.state[1] if isinstance(kind.state, tuple) and len(kind.state) > 1 else "<"
    if not isinstance(code, str) or code not in _NUMPY_CODES or not isinstance(raw, bytes):
        return None
    format_code = (">" if order == ">" else "<") + _NUMPY_CODES[code]
    if struct.calcsize(format_code) != len(raw):
        return None
    value: Scalar = struct.unpack(format_code, raw)[0]
    return value
