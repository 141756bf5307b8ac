"""What operations that only move, cut, join or pick values ask of axes."""

from __future__ import annotations

import torch

from landscape_gui.core.axis_calls import PICKED, POSITION, STACKED, Answer, Call, broadcast_all, rule
from landscape_gui.core.axis_tracing import same
from landscape_gui.core.splits import tensors_of
from landscape_gui.core.symbolic_axes import ONE, Atom, Concat, Node, Product, cut, factor, held, hold, resolve, unify


@rule("where", "_prelu_kernel", "copy", "clone", "_to_copy", "alias", "detach", "contiguous", "lift_fresh", "lift_fresh_copy",
      "dropout", "view_as_real_copy", "nan_to_num", "masked_fill", "hardswish", "hardtanh", "threshold", "positive", "complex",
      "polar", "_conj", "_conj_physical", "resolve_conj", "resolve_neg", "_neg_view")  # fmt: skip
def broadcast(this: Call) -> Answer:
    return broadcast_all([this.dims(tensor) for tensor in this.inputs])


@rule("view", "_unsafe_view", "reshape", "_reshape_alias", "_reshape_copy", "unflatten")
def reshape(this: Call) -> Answer:
    dims = this.first()
    if list(this.tensors[0].shape) == list(this.out.shape):
        return dims
    return factor(Product(tuple(dims)), this.out.shape)


@rule("t", "numpy_T", "mT")
def transpose_matrix(this: Call) -> Answer:
    return this.first()[::-1]


@rule("transpose")
def transpose(this: Call) -> Answer:
    dims, (a, b) = this.first(), (this.axis("dim0"), this.axis("dim1"))
    if dims:
        dims[a], dims[b] = dims[b], dims[a]
    return dims


@rule("permute")
def permute(this: Call) -> Answer:
    dims = this.first()
    return [dims[i] for i in this.values["dims"]]


@rule("unsqueeze")
def unsqueeze(this: Call) -> Answer:
    dims = this.first()
    dims.insert(int(this.values["dim"]) % (len(dims) + 1), ONE)
    return dims


@rule("view_as_real")
def as_real(this: Call) -> Answer:
    return [*this.first(), held(2, STACKED)]


@rule("view_as_complex")
def as_complex(this: Call) -> Answer:
    return this.first()[:-1]


@rule("squeeze")
def squeeze(this: Call) -> Answer:
    dim, dims = this.values.get("dim"), this.first()
    every = range(len(dims)) if dim is None else [d % len(dims) for d in ([dim] if isinstance(dim, int) else dim)] if dims else []
    return [node for i, node in enumerate(dims) if i not in every or node.size != 1]


@rule("expand")
def expand(this: Call) -> Answer:
    dims, shape = this.first(), this.out.shape
    new = [Atom(size) for size in shape[: len(shape) - len(dims)]]
    return new + [node if node.size == size else Atom(size) for node, size in zip(dims, shape[len(new) :], strict=True)]


@rule("repeat")
def repeat(this: Call) -> Answer:
    dims, times = this.first(), this.values["repeats"]
    dims = [ONE] * (len(times) - len(dims)) + dims
    return [resolve(Product((Atom(n), node))) for n, node in zip(times, dims, strict=True)]


def _cut_at(node: Node, start: int, stop: int) -> Node:
    lengths = [start, stop - start, node.size - stop]
    kept = [n for n in lengths if n]
    pieces = cut(node, kept)
    return pieces[1 if start else 0]


@rule("select")
def select(this: Call) -> Answer:
    dims, d = this.first(), this.axis()
    index = int(this.values["index"]) % dims[d].size
    _cut_at(dims[d], index, index + 1)
    return dims[:d] + dims[d + 1 :]


@rule("slice")
def slices(this: Call) -> Answer:
    dims, d = this.first(), this.axis()
    size, step = dims[d].size, int(this.values["step"])
    if step != 1:
        hold(dims[d], PICKED)
        dims[d] = held(this.out.shape[d], PICKED)
    elif this.out.shape[d] != size:
        start = int(this.values["start"] or 0)
        start = max(0, start + size if start < 0 else start)
        dims[d] = _cut_at(dims[d], start, start + this.out.shape[d]) if this.out.shape[d] else Atom(0)
    return dims


@rule("split", "split_with_sizes", "unsafe_split", "unsafe_split_with_sizes", "chunk")
def split(this: Call) -> Answer:
    dims, d = this.first(), this.axis()
    pieces = cut(dims[d], [part.shape[d] for part in this.out])
    return [[*dims[:d], piece, *dims[d + 1 :]] for piece in pieces]


@rule("unbind")
def unbind(this: Call) -> Answer:
    dims, d = this.first(), this.axis()
    cut(dims[d], [1] * len(this.out))
    return [dims[:d] + dims[d + 1 :] for _ in this.out]


@rule("cat")
def concatenate(this: Call) -> Answer:
    parts = [tensor for tensor in this.tensors if tensor.dim() == this.out.dim()]
    many = [list(this.dims(tensor)) for tensor in parts]
    d = int(this.values["dim"]) % this.out.dim()
    for other in many[1:]:
        same([n for i, n in enumerate(many[0]) if i != d], [n for i, n in enumerate(other) if i != d])
    dims = many[0]
    dims[d] = resolve(Concat(tuple(other[d] for other in [list(this.dims(t)) for t in parts])))
    return dims


@rule("stack")
def stack(this: Call) -> Answer:
    dims = broadcast_all([this.dims(tensor) for tensor in this.tensors])
    dims.insert(int(this.values["dim"]) % (len(dims) + 1), held(len(this.tensors), STACKED))
    return dims


@rule("constant_pad_nd")
def pad(this: Call) -> Answer:
    dims, widths = this.first(), list(this.values["pad"])
    for i in range(len(widths) // 2):
        d, (before, after) = len(dims) - 1 - i, widths[2 * i : 2 * i + 2]
        if before < 0 or after < 0:
            hold(dims[d], PICKED)
            dims[d] = held(this.out.shape[d], PICKED)
        elif before or after:
            dims[d] = resolve(Concat((Atom(before), dims[d], Atom(after))))
    return dims


@rule("embedding")
def embedding(this: Call) -> Answer:
    weight, indices = this.dims(this.tensors[0]), this.dims(this.tensors[1])
    hold(weight[0], PICKED)
    return [*indices, weight[1]]


@rule("_embedding_bag", "_embedding_bag_forward_only")
def embedding_bag(this: Call) -> Answer:
    weight, indices = this.dims(this.tensors[0]), this.dims(this.tensors[1])
    hold(weight[0], PICKED)
    for node in indices:
        hold(node, POSITION)
    out, *rest = tensors_of(this.out)
    return [[held(out.shape[0], POSITION), weight[1]], *([held(size, PICKED) for size in r.shape] for r in rest)]


@rule("index_select")
def index_select(this: Call) -> Answer:
    dims, d = this.first(), this.axis()
    hold(dims[d], PICKED)
    (dims[d],) = this.dims(this.values["index"]) or (ONE,)
    return dims


@rule("gather")
def gather(this: Call) -> Answer:
    dims, index, d = this.first(), list(this.dims(this.values["index"])), this.axis()
    for i, (a, b) in enumerate(zip(dims, index, strict=True)):
        if i == d or a.size != b.size:
            hold(a, PICKED)
        else:
            unify(a, b)
        if a.size != b.size and i != d:
            hold(b, PICKED)
    return index


@rule("index")
def advanced_index(this: Call) -> Answer:
    dims, indices = this.first(), list(this.values["indices"])
    used = [i for i, index in enumerate(indices) if index is not None]
    if any(indices[i].dtype == torch.bool for i in used) or used != list(range(used[0], used[-1] + 1)):
        return None
    for i in used:
        hold(dims[i], PICKED)
    return [*dims[: used[0]], *broadcast_all([this.dims(indices[i]) for i in used]), *dims[used[-1] + 1 :]]


@rule("glu")
def glu(this: Call) -> Answer:
    dims, d = this.first(), this.axis()
    a, b = cut(dims[d], [dims[d].size // 2] * 2)
    unify(a, b)
    return [*dims[:d], a, *dims[d + 1 :]]
