"""What sums, maxima, softmax and whatever else works along some axes ask of these and of the others."""

from __future__ import annotations

from torch import Tensor

from landscape_gui.core.axis_calls import PICKED, POSITION, Answer, Call, rule
from landscape_gui.core.axis_shapes import broadcast
from landscape_gui.core.splits import tensors_of
from landscape_gui.core.symbolic_axes import ONE, Node, held, hold

RANKED = "values along it stand in order of size"


def _reduced(this: Call) -> tuple[list[Node], list[int]]:
    """The dimensions after a reduction, and which were reduced."""
    dims, dim = this.first(), this.values.get("dim")
    named = [dim] if isinstance(dim, int) else list(dim or range(len(dims)))
    gone = sorted({d % len(dims) for d in named}) if dims else []
    if this.values.get("keepdim"):
        return [ONE if i in gone else node for i, node in enumerate(dims)], gone
    return [node for i, node in enumerate(dims) if i not in gone], gone


@rule("sum", "mean", "amax", "amin", "std", "var", "prod", "logsumexp", "linalg_vector_norm", "norm", "any", "all", "nansum",
      "count_nonzero", "aminmax", "var_mean", "std_mean")  # fmt: skip
def reduction(this: Call) -> Answer:
    dims, _ = _reduced(this)
    return dims if isinstance(this.out, Tensor) else [dims] * len(list(tensors_of(this.out)))


@rule("max", "min", "median", "nanmedian", "mode")
def extremum(this: Call) -> Answer:
    if len(this.inputs) == 2:
        return broadcast(this)
    if isinstance(this.out, Tensor):
        return reduction(this)
    before = this.first()
    dims, gone = _reduced(this)
    values, indices = tensors_of(this.out)
    this.symbols.put(values, dims)
    for d in gone:
        this.symbols.put_index(indices, dims, before[d], PICKED)
    return []


@rule("argmax", "argmin")
def argument(this: Call) -> Answer:
    before = this.first()
    dims, gone = _reduced(this)
    for d in gone:
        hold(before[d], PICKED)
    return dims


@rule("sort", "topk", "kthvalue")
def ranked(this: Call) -> Answer:
    """Values by their rank: whatever their order was along the dimension, it is by rank afterwards."""
    before, d = this.first(), this.axis()
    dims = list(before)
    values, indices = tensors_of(this.out)
    if values.dim() < len(dims):
        dims.pop(d)
    else:
        dims[d] = held(values.shape[d], RANKED)
    this.symbols.put(values, dims)
    this.symbols.put_index(indices, dims, before[d], PICKED)
    return []


@rule("_fft_r2c", "_fft_c2r", "_fft_c2c")
def fourier(this: Call) -> Answer:
    dims = this.first()
    for d in this.values["dim"]:
        hold(dims[d], POSITION)
        dims[d] = held(this.out.shape[d], POSITION)
    return dims


@rule("cumsum", "cumprod", "logcumsumexp", "flip", "roll", "tril", "triu", "argsort")
def ordered(this: Call) -> Answer:
    dims, dim = this.first(), this.values.get("dim", this.values.get("dims"))
    named = [dim] if isinstance(dim, int) else list(dim or range(len(dims)))
    for d in named[-2:] if dim is None else named:
        hold(dims[d], POSITION)
    return dims if isinstance(this.out, Tensor) else [dims] * len(this.out)


@rule("_softmax", "_log_softmax", "_safe_softmax", "softmax", "log_softmax")
def softmax(this: Call) -> Answer:
    return this.first()
