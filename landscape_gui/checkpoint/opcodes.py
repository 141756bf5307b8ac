"""The instructions of the pickle machine, one function each, in the order of the documentation of `pickletools`."""

from __future__ import annotations

import codecs
import pickle
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from landscape_gui.checkpoint.keys import key_of
from landscape_gui.checkpoint.limits import INTEGER_BYTES, Broken, shown, valid
from landscape_gui.checkpoint.values import Global, Object, Persistent

if TYPE_CHECKING:
    from landscape_gui.checkpoint.unpickle import Machine

Step = Callable[["Machine"], None]
STEPS: list[Step | None] = [None] * 256


def _step(*opcodes: bytes) -> Callable[[Step], Step]:
    def register(function: Step) -> Step:
        for opcode in opcodes:
            STEPS[opcode[0]] = function
        return function

    return register


def _text(raw: bytes) -> str:
    """The text; bytes that are no UTF-8, as Python 2 wrote them, are read as Latin-1."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _integer(raw: bytes) -> int:
    if len(raw) > INTEGER_BYTES:
        raise Broken(f"its pickle holds an integer of {len(raw)} bytes")
    try:
        return int(raw)
    except ValueError:
        raise Broken("its pickle holds a malformed integer") from None


def _put(target: Any, pairs: list[Any]) -> None:
    if isinstance(target, Object):
        if target.items is None:
            target.items = {}
        target = target.items
    if type(target) is not dict:
        raise Broken("its pickle sets an item of what is no dictionary")
    if len(pairs) % 2:
        raise Broken("its pickle has a key without a value")
    for index in range(0, len(pairs), 2):
        target[key_of(pairs[index])] = pairs[index + 1]


def _extend(target: Any, values: list[Any]) -> None:
    if isinstance(target, Object):
        if target.elements is None:
            target.elements = []
        target = target.elements
    if type(target) is not list:
        raise Broken("its pickle appends to what is no list")
    target.extend(values)


def _call(callee: Any, args: Any) -> Object:
    if type(args) is not tuple:
        raise Broken("its pickle calls without a tuple of arguments")
    if not isinstance(callee, Global | Persistent | Object):
        raise Broken("its pickle calls what is no class and no function")
    return Object(callee, args)


@_step(pickle.PROTO)
def _protocol(m: Machine) -> None:
    if m.unsigned(1) > 5:
        raise Broken("it is a pickle of a protocol newer than 5")


@_step(pickle.FRAME)
def _frame(m: Machine) -> None:
    m.take(8)


@_step(pickle.MARK)
def _mark(m: Machine) -> None:
    m.below.append(m.stack)
    m.stack = []


@_step(pickle.POP)
def _pop(m: Machine) -> None:
    if m.stack:
        m.stack.pop()
    else:
        m.since_mark()


@_step(pickle.POP_MARK)
def _pop_mark(m: Machine) -> None:
    m.since_mark()


@_step(pickle.DUP)
def _duplicate(m: Machine) -> None:
    m.stack.append(m.stack[-1])


def _constant(opcode: bytes, value: Any) -> None:
    STEPS[opcode[0]] = lambda m: m.stack.append(value)


_constant(pickle.NONE, None)
_constant(pickle.NEWTRUE, True)
_constant(pickle.NEWFALSE, False)
_constant(pickle.EMPTY_TUPLE, ())


@_step(pickle.INT)
def _int(m: Machine) -> None:
    raw = m.line()
    m.stack.append({b"00": False, b"01": True}[raw] if raw in (b"00", b"01") else _integer(raw))


@_step(pickle.LONG)
def _long(m: Machine) -> None:
    m.stack.append(_integer(m.line().rstrip(b"L")))


@_step(pickle.BININT)
def _binint(m: Machine) -> None:
    m.stack.append(int.from_bytes(m.take(4), "little", signed=True))


def _unsigned(opcode: bytes, width: int) -> None:
    STEPS[opcode[0]] = lambda m: m.stack.append(m.unsigned(width))


_unsigned(pickle.BININT1, 1)
_unsigned(pickle.BININT2, 2)


def _little(raw: bytes) -> int:
    if len(raw) > INTEGER_BYTES:
        raise Broken(f"its pickle holds an integer of {len(raw)} bytes")
    return int.from_bytes(raw, "little", signed=True)


@_step(pickle.FLOAT)
def _float(m: Machine) -> None:
    raw = m.line()
    try:
        m.stack.append(float(raw[:INTEGER_BYTES]))
    except ValueError:
        raise Broken("its pickle holds a malformed number") from None


@_step(pickle.BINFLOAT)
def _binfloat(m: Machine) -> None:
    m.stack.append(struct.unpack(">d", m.take(8))[0])


@_step(pickle.STRING)
def _string(m: Machine) -> None:
    raw = m.line().strip()
    if len(raw) < 2 or raw[:1] != raw[-1:] or raw[:1] not in (b"'", b'"'):
        raise Broken("its pickle holds a malformed text")
    try:
        m.stack.append(codecs.escape_decode(raw[1:-1])[0].decode("latin-1"))
    except ValueError:
        raise Broken("its pickle holds a malformed text") from None


@_step(pickle.UNICODE)
def _unicode(m: Machine) -> None:
    try:
        m.stack.append(valid(str(m.line(), "raw-unicode-escape")))
    except UnicodeDecodeError:
        raise Broken("its pickle holds a malformed text") from None


def _sized(opcode: bytes, width: int, convert: Callable[[bytes], Any]) -> None:
    """An instruction with a length of `width` bytes and that many bytes after it."""

    def step(m: Machine) -> None:
        m.stack.append(convert(m.take(m.unsigned(width))))

    STEPS[opcode[0]] = step


for _opcode, _width in ((pickle.SHORT_BINUNICODE, 1), (pickle.BINUNICODE, 4), (pickle.BINUNICODE8, 8)):
    _sized(_opcode, _width, _text)
for _opcode, _width in ((pickle.SHORT_BINSTRING, 1), (pickle.BINSTRING, 4)):  # Python 2's text, or an array's bytes
    _sized(_opcode, _width, lambda raw: raw.decode("latin-1"))
for _opcode, _width in ((pickle.SHORT_BINBYTES, 1), (pickle.BINBYTES, 4), (pickle.BINBYTES8, 8), (pickle.BYTEARRAY8, 8)):
    _sized(_opcode, _width, bytes)
_sized(pickle.LONG1, 1, _little)
_sized(pickle.LONG4, 4, _little)


@_step(pickle.TUPLE1)
def _tuple1(m: Machine) -> None:
    m.stack.append((m.stack.pop(),))


@_step(pickle.TUPLE2)
def _tuple2(m: Machine) -> None:
    second = m.stack.pop()
    m.stack[-1] = (m.stack[-1], second)


@_step(pickle.TUPLE3)
def _tuple3(m: Machine) -> None:
    third, second = m.stack.pop(), m.stack.pop()
    m.stack[-1] = (m.stack[-1], second, third)


@_step(pickle.TUPLE)
def _tuple(m: Machine) -> None:
    items = m.since_mark()
    m.stack.append(tuple(items))


@_step(pickle.LIST, pickle.FROZENSET)
def _list(m: Machine) -> None:
    items = m.since_mark()
    m.stack.append(items)


@_step(pickle.EMPTY_LIST, pickle.EMPTY_SET)
def _empty_list(m: Machine) -> None:
    m.stack.append([])


@_step(pickle.EMPTY_DICT)
def _empty_dict(m: Machine) -> None:
    m.stack.append({})


@_step(pickle.DICT)
def _dict(m: Machine) -> None:
    items = m.since_mark()
    m.stack.append({})
    _put(m.stack[-1], items)


@_step(pickle.APPEND)
def _append(m: Machine) -> None:
    value = m.stack.pop()
    _extend(m.stack[-1], [value])


@_step(pickle.APPENDS, pickle.ADDITEMS)
def _appends(m: Machine) -> None:
    values = m.since_mark()
    _extend(m.stack[-1], values)


@_step(pickle.SETITEM)
def _setitem(m: Machine) -> None:
    value, key = m.stack.pop(), m.stack.pop()
    _put(m.stack[-1], [key, value])


@_step(pickle.SETITEMS)
def _setitems(m: Machine) -> None:
    pairs = m.since_mark()
    _put(m.stack[-1], pairs)


def _remember(m: Machine, index: int) -> None:
    m.memo[index] = m.stack[-1]


@_step(pickle.PUT)
def _memo_put(m: Machine) -> None:
    _remember(m, _small(m.line()))


@_step(pickle.BINPUT)
def _memo_binput(m: Machine) -> None:
    _remember(m, m.unsigned(1))


@_step(pickle.LONG_BINPUT)
def _memo_long_binput(m: Machine) -> None:
    _remember(m, m.unsigned(4))


@_step(pickle.MEMOIZE)
def _memoize(m: Machine) -> None:
    _remember(m, len(m.memo))


def _small(raw: bytes) -> int:
    index = _integer(raw)
    if not 0 <= index < 1 << 32:
        raise Broken("its pickle has a malformed reference")
    return index


def _recall(m: Machine, index: int) -> None:
    if index not in m.memo:
        raise Broken("its pickle refers to what was not read before")
    m.stack.append(m.memo[index])


@_step(pickle.GET)
def _memo_get(m: Machine) -> None:
    _recall(m, _small(m.line()))


@_step(pickle.BINGET)
def _memo_binget(m: Machine) -> None:
    _recall(m, m.unsigned(1))


@_step(pickle.LONG_BINGET)
def _memo_long_binget(m: Machine) -> None:
    _recall(m, m.unsigned(4))


def _named(module: Any, name: Any) -> Global:
    if not isinstance(module, str) or not isinstance(name, str) or len(module) + len(name) > 1000:
        raise Broken(f"its pickle names a class in a malformed way ({shown(name)})")
    return Global(module, name)


@_step(pickle.GLOBAL)
def _global(m: Machine) -> None:
    module, name = m.line(), m.line()
    m.stack.append(_named(_text(module), _text(name)))


@_step(pickle.STACK_GLOBAL)
def _stack_global(m: Machine) -> None:
    name, module = m.stack.pop(), m.stack.pop()
    m.stack.append(_named(module, name))


@_step(pickle.REDUCE, pickle.NEWOBJ)
def _reduce(m: Machine) -> None:
    args = m.stack.pop()
    m.stack[-1] = _call(m.stack[-1], args)


@_step(pickle.NEWOBJ_EX)
def _newobj_ex(m: Machine) -> None:
    keywords, args = m.stack.pop(), m.stack.pop()
    made = _call(m.stack.pop(), args)
    made.state = keywords if type(keywords) is dict else None
    m.stack.append(made)


@_step(pickle.INST)
def _inst(m: Machine) -> None:
    module, name = m.line(), m.line()
    args = m.since_mark()
    m.stack.append(_call(_named(_text(module), _text(name)), tuple(args)))


@_step(pickle.OBJ)
def _obj(m: Machine) -> None:
    args = m.since_mark()
    m.stack.append(_call(args.pop(0), tuple(args)))


@_step(pickle.BUILD)
def _build(m: Machine) -> None:
    state = m.stack.pop()
    if not isinstance(m.stack[-1], Object):
        raise Broken("its pickle gives a state to what is no object")
    m.stack[-1].state = state


@_step(pickle.PERSID)
def _persid(m: Machine) -> None:
    m.stack.append(Persistent(_text(m.line())))


@_step(pickle.BINPERSID)
def _binpersid(m: Machine) -> None:
    m.stack[-1] = Persistent(m.stack[-1])
