"""What an opened archive holds: the state dictionaries in it, the one chosen, and what the file says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from landscape_gui.checkpoint.budget import spend
from landscape_gui.checkpoint.exported import CONSTANTS
from landscape_gui.checkpoint.keys import Written, numbered
from landscape_gui.checkpoint.limits import (
    DEPTH,
    GROUPS,
    MODULES,
    NAME_LENGTH,
    NODES,
    SCALARS,
    SPARE_BYTES,
    TENSORS,
    TEXT,
    Broken,
    shown,
)
from landscape_gui.checkpoint.manifest import Archive, Layout, Scalar
from landscape_gui.checkpoint.names import COUNTERS, averaged_apart, strip
from landscape_gui.checkpoint.quantised import REMEDY, quantised_among, quantised_class
from landscape_gui.checkpoint.rebuilt import GATHER, Foreign, attributes_of, entries_of, module_parts, scalar_of, tensor_of
from landscape_gui.checkpoint.values import Global, Object, Persistent

# Where weights are looked for first. Averaged weights come after the trained ones: `group` chooses them by name.
ORDER = (
    *("state_dict", "model_state_dict", "model_state", "model", "net", "network", "module", "params", "parameters", "weights"),
    *(
        "online_model",
        "student",
        "generator",
        "backbone",
        "encoder",
        "ema",
        "ema_model",
        "model_ema",
        "state_dict_ema",
        "params_ema",
        "ema_state_dict",
    ),
    *("swa", "swa_model", "teacher"),
)
_NOT_WEIGHTS = re.compile(
    r"(optim|opt$|lr_?sched|sched|callbacks?$|loops$|(grad_?)?scaler|amp$|rng|.*_rng_state|.*optimizer|exp_avg|momentum_buffer|"
    r"train_?(loss|acc)|test_?(loss|acc)|val_?(loss|acc)|loss(es)?$|history$|.*_history$|hyper_parameters$|hparams$|args$|config$)",
    re.IGNORECASE,
)
_SETTINGS = re.compile(r"(hyper_parameters|hparams|args|config|opt)$", re.IGNORECASE)


@dataclass(frozen=True)
class Group:
    """One state dictionary (or pickled module, whose class is then named) with its place in the file."""

    path: str
    tensors: tuple[tuple[str, Layout | Foreign], ...]
    module: str = ""

    @property
    def only_scalars(self) -> bool:
        """Whether it holds no weights: single numbers, such as a best accuracy kept as a tensor, or states of random generators."""
        return all(isinstance(tensor, Layout) and (tensor.count <= 1 or _is_random(tensor)) for _, tensor in self.tensors)


def _is_random(tensor: Layout) -> bool:
    """Whether it is as large as the state of torch's generator on the processor or on a graphics card."""
    return tensor.dtype == "uint8" and tensor.shape in ((5056,), (16,))


@dataclass(frozen=True)
class Contents:
    """The chosen weights: (name, name as stored, layout) in the file's order; and what else is known of the file."""

    tensors: tuple[tuple[str, str, Layout], ...]
    groups: tuple[str, ...]
    metadata: dict[str, Scalar]
    loose: tuple[tuple[str, Layout], ...]
    notes: tuple[str, ...]


def survey(archive: Archive, group: str = "") -> Contents:
    """The state dictionary `group` of the archive (default: the first by ORDER). Reads no tensor's data; raises Broken."""
    found = list(islice(_apart(find_groups(archive.root)), GROUPS + 1))
    if len(found) > GROUPS:
        raise Broken(f"it holds more than {GROUPS:,} state dictionaries")
    groups = _sorted(found)
    if not groups:
        raise Broken(*_nothing(archive.root))
    chosen = _choose(groups, group)
    named, prefixes, notes = _checked(chosen, archive)
    others = [other.path for other in groups if other is not chosen and not other.only_scalars and other.path != CONSTANTS]
    if others:
        listed = ", ".join(shown(other or "top level") for other in others[:6]) + (" and more" if len(others) > 6 else "")
        notes.insert(0, f"Weights taken from {shown(chosen.path or 'top level')}; the file also holds {listed}.")
    elif chosen.path:
        notes.insert(0, f"Weights taken from {shown(chosen.path)} of the file.")
    if prefixes:
        notes.append("Stripped " + " and ".join(shown(prefix) for prefix in prefixes) + " from the names.")
    if chosen.module:
        notes.append(f"A pickled {shown(chosen.module)}: its weights were read, its class was not imported.")
    names = (str(chosen.path), *(str(other.path) for other in groups if other is not chosen))
    metadata = {**archive.metadata, **_metadata(archive.root, frozenset(group.path for group in groups if group.path))}
    return Contents(tuple(named), names, metadata, tuple(_loose(archive.root, chosen)), (*archive.notes, *notes))


def find_groups(root: Any) -> Iterator[Group]:
    """Every dictionary, list or module in the value that holds tensors itself, apart from optimisers and the like."""
    stack: list[tuple[str, Any, int]] = [("", root, 0)]
    seen: set[int] = set()
    looked = 0
    while stack:
        path, value, depth = stack.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        module = _flatten(value)
        if module is not None:
            if module:
                yield Group(path, tuple(module), value.name)
            continue
        entries = entries_of(value)
        if entries is None or {"state", "param_groups"} <= {key for key, _ in entries[:8]}:
            continue
        looked += len(entries)
        spend(40 + 15 * len(entries))
        if looked > NODES:
            raise Broken(f"it holds more than {NODES:,} values")
        tensors = _tensors(entries)
        if tensors:
            yield Group(path, tuple(tensors))
        if depth < DEPTH:
            stack += [
                (_join(path, key), item, depth + 1)
                for key, item in reversed(entries)
                if isinstance(item, dict | list | tuple | Object) and not _NOT_WEIGHTS.match(key)
            ]


def _apart(groups: Iterable[Group]) -> Iterator[Group]:
    """The groups, one that holds a trained and an averaged network as two, the trained one first."""
    for group in groups:
        parts = averaged_apart([name for name, _ in group.tensors])
        tensors = dict(group.tensors)
        for front, names in parts.items():
            yield Group(_join(group.path, front), tuple((name.removeprefix(front + "."), tensors[name]) for name in names))
        if not parts:
            yield group


def _join(path: str, key: str) -> str:
    if len(path) + len(key) > NAME_LENGTH:
        raise Broken(f"it has a name of more than {NAME_LENGTH} characters ({shown(key)})")
    joined = f"{path}.{key}" if path else key
    return Written(joined) if isinstance(path, Written) or isinstance(key, Written) else joined


def _tensors(entries: list[tuple[str, Any]]) -> list[tuple[str, Layout | Foreign]]:
    found: list[tuple[str, Layout | Foreign]] = []
    for key, item in entries:
        tensor = item if isinstance(item, Layout | Foreign) else tensor_of(item) if isinstance(item, Object) else None
        if tensor is None and key.endswith("_packed_params._packed_params"):
            tensor = Foreign("is quantised (by torch.ao)", REMEDY)
        if tensor is not None:
            found.append((key, tensor))
    if len(found) > TENSORS:
        raise Broken(f"it holds more than {TENSORS:,} tensors")
    return found


def _flatten(value: Any) -> list[tuple[str, Layout | Foreign]] | None:
    """The state dictionary of a pickled module, in its own order; None for what is no module."""
    if module_parts(value) is None:
        return None
    found: list[tuple[str, Layout | Foreign]] = []
    stack: list[tuple[str, Any, int]] = [("", value, 0)]
    looked = modules = 0
    while stack:
        path, node, depth = stack.pop()
        modules += 1
        parts = module_parts(node)
        if parts is None or depth > DEPTH:
            continue
        own, children = parts
        if quantised_class(node.name):
            found.append((path or node.name, Foreign(f"is quantised (a {shown(node.name)})", REMEDY)))
        looked += len(own) + len(children)
        if looked > NODES:
            raise Broken(f"it holds a module with more than {NODES:,} values")
        found += [(_join(path, name), tensor) for name, tensor in _tensors(own)]
        if len(found) > TENSORS or modules > MODULES:
            raise Broken(f"it holds a module with more than {MODULES:,} parts")
        stack += [(_join(path, name), child, depth + 1) for name, child in reversed(children)]
    return found


def _rank(group: Group) -> tuple[bool, int, tuple[int, ...]]:
    parts = group.path.lower().split(".")
    known = tuple(ORDER.index(part) if part in ORDER else len(ORDER) for part in parts)
    best = min(known) if group.path else len(ORDER)
    return group.only_scalars, min(best, len(ORDER)), known if group.path else ()


def _sorted(groups: list[Group]) -> list[Group]:
    """By ORDER; where no name is known and the parts look like layers, all of them as one nested dictionary."""
    ranked = sorted(groups, key=_rank)
    unknown = [group for group in ranked if group.path and not set(group.path.lower().split(".")) & set(ORDER)]
    if len(unknown) == len(ranked) > 1 and all("." not in name for group in groups for name, _ in group.tensors):
        return [Group("", tuple((_join(group.path, name), tensor) for group in groups for name, tensor in group.tensors))]
    return ranked


def _choose(groups: list[Group], wanted: str) -> Group:
    if not wanted:
        return groups[0]
    for group in groups:
        if group.path == wanted:
            return group
    listed = ", ".join(shown(group.path or "top level") for group in groups[:8])
    raise Broken(f"it has no group {shown(wanted)}; it has {listed}", "Choose one of these.")


def _checked(group: Group, archive: Archive) -> tuple[list[tuple[str, str, Layout]], tuple[str, ...], list[str]]:
    """The group's tensors with stripped names; refuses what cannot be read, by name, and what would need too much memory."""
    notes: list[str] = []
    quantised = quantised_among({name: tensor.dtype for name, tensor in group.tensors if isinstance(tensor, Layout)})
    if quantised is not None:
        raise Broken(f"the tensor {shown(quantised[0])} is quantised ({quantised[1]})", REMEDY)
    flat = next((name for name, _ in group.tensors if name.rpartition(".")[2].startswith(("flat_param", "_flat_param"))), "")
    if flat:
        raise Broken(f"the tensor {shown(flat)} is a piece of all weights in a row, as FSDP keeps them", GATHER)
    readable: list[tuple[str, Layout]] = []
    total = 0
    for name, tensor in group.tensors:
        if isinstance(tensor, Foreign):
            raise Broken(f"the tensor {shown(_join(group.path, name))} {tensor.reason}", tensor.remedy)
        _check_span(name, tensor, archive)
        total += tensor.size
        readable.append((name, tensor))
    held = sum(span.size for span in archive.spans.values()) + sum(piece.size for _, layout in readable for piece in layout.pieces)
    if total > 4 * held + SPARE_BYTES:
        raise Broken(f"its tensors would take {total:,} bytes, far more than the file has")
    stored, said = _named_apart(group.path, [name for name, _ in readable])
    notes += said
    readable = [(name, tensor) for name, (_, tensor) in zip(stored, readable, strict=True)]
    clean, prefixes = strip(stored)
    named = [(new, old, layout) for new, (old, layout) in zip(clean, readable, strict=True)]
    counters = [name for name in stored if name in COUNTERS] if prefixes else []
    if counters:
        named = [entry for entry in named if entry[1] not in COUNTERS]
        notes.append(f"Averaged weights ({', '.join(counters)} left out).")
    return named, prefixes, notes


def _named_apart(path: str, names: list[str]) -> tuple[list[str], list[str]]:
    """A name for each tensor, and a note where not all of them stand so in the file."""
    stored = numbered(names)
    if any(len(name) > NAME_LENGTH for name in stored):
        raise Broken("the name of one of its tensors is too long")
    written = [name for name in (path, *stored) if isinstance(name, Written)]
    more = f" and {len(written) - 1} more" if len(written) > 1 else ""
    note = (
        f"Names that are no text in the file, or that two things have, were written out: {shown(written[0])}{more}."
        if written
        else ""
    )
    return [str(name) for name in stored], [note] if note else []


def _check_span(name: str, tensor: Layout, archive: Archive) -> None:
    if tensor.pieces:
        return  # their places were checked when the folder was opened
    span = archive.spans.get(tensor.storage)
    if span is None:
        raise Broken(f"the data of the tensor {shown(name)} is not in the file", "Copy or save it again.")
    if tensor.storage_bytes > span.size or tensor.reach > span.size:
        raise Broken(f"the tensor {shown(name)} reaches past its data", "Copy or save it again.")


def _metadata(root: Any, weights: frozenset[str]) -> dict[str, Scalar]:
    """Scalars of the training dictionary with dotted names, settings (args.*, config.*) included; no weights, no optimiser.

    weights: paths of the state dictionaries, which are not searched.
    """
    found: dict[str, Scalar] = {}
    stack: list[tuple[str, Any, int]] = [("", root, 0)]
    seen: set[int] = set()
    looked = 0
    while stack and len(found) < SCALARS and looked < NODES:
        path, value, depth = stack.pop(0)
        if id(value) in seen or module_parts(value) is not None:
            continue
        seen.add(id(value))
        entries = _speaking(value)
        looked += len(entries)
        for key, item in entries:
            name = f"{path}.{key}" if path else key
            if len(name) > TEXT or len(found) >= SCALARS or name in weights:
                continue
            scalar = scalar_of(item)
            if scalar is not None:
                found[name] = scalar
            elif depth < 3 and isinstance(item, dict | Object) and len(stack) < SCALARS and _may_speak(key):
                stack.append((name, item, depth + 1))
    return found


def _speaking(value: Any) -> list[tuple[str, Any]]:
    entries = entries_of(value) if isinstance(value, dict | list | tuple | Object) else None
    attributes = attributes_of(value) if isinstance(value, Object) else None
    if attributes is not None and isinstance(attributes.get("_content"), dict | list):
        entries = entries_of(attributes["_content"])  # OmegaConf keeps what it holds there
    elif entries is None and attributes is not None:
        entries = entries_of(attributes)
    return [(key, item) for key, item in (entries or [])[:100_000] if not key.startswith("_")]


def _may_speak(key: str) -> bool:
    return bool(_SETTINGS.match(key)) or not _NOT_WEIGHTS.match(key)


def _loose(root: Any, chosen: Group) -> Iterator[tuple[str, Layout]]:
    """Single numbers kept as tensors at the top of a training dictionary (`best_acc1` in torch's own examples)."""
    if not chosen.path:
        return
    for key, item in _speaking(root)[:SCALARS]:
        tensor = tensor_of(item)
        if isinstance(tensor, Layout) and tensor.count == 1 and not tensor.pieces:
            yield key, tensor


def _nothing(root: Any) -> tuple[str, str]:
    save = "Save the weights with torch.save(model.state_dict(), path)."
    if isinstance(root, Object):
        if tensor_of(root) is not None:
            return "it holds a single tensor without a name, not a network's weights", save
        return f"it holds an object of the class {shown(root.name)}, in which no weights were found", save
    entries = entries_of(root)
    if entries is None:
        return f"it holds no weights, only {_plain_words(root)}", save
    keys = ", ".join(shown(key) for key, _ in entries[:6])
    return f"it holds no network's weights, only {keys or 'an empty dictionary'}", save


def _plain_words(value: Any) -> str:
    """What a value is that is no dictionary, list or object."""
    if isinstance(value, Global):
        return f"the name of a class or function ({shown(value.name)})"
    if isinstance(value, Persistent):
        return "a reference to something outside of it"
    kinds = {bool: "a truth value", int: "a number", float: "a number", str: "a text", bytes: "bytes", type(None): "None"}
    return kinds.get(type(value), f"a value of the type {type(value).__name__}")
