"""What products, convolutions, normalisations and attention ask of axes: the operations that use weights."""

from __future__ import annotations

import re

from torch import Tensor

from landscape_gui.core.axis_calls import POSITION, Answer, Call, RuleOf, broadcast_all, rule
from landscape_gui.core.splits import tensors_of
from landscape_gui.core.symbolic_axes import ONE, Product, factor, held, hold, resolve, unify


@rule("mm", "bmm", "matmul")
def product(this: Call) -> Answer:
    a, b = (this.dims(tensor) for tensor in this.tensors)
    unify(a[-1], b[-2])
    return [*broadcast_all([a[:-2], b[:-2]]), a[-2], b[-1]]


@rule("addmm", "baddbmm")
def added_product(this: Call) -> Answer:
    bias, a, b = (this.dims(tensor) for tensor in this.tensors)
    unify(a[-1], b[-2])
    return broadcast_all([[*broadcast_all([a[:-2], b[:-2]]), a[-2], b[-1]], bias])


@rule("mv")
def matrix_vector(this: Call) -> Answer:
    a, b = (this.dims(tensor) for tensor in this.tensors)
    unify(a[1], b[0])
    return [a[0]]


@rule("dot", "vdot")
def inner(this: Call) -> Answer:
    broadcast_all([this.dims(tensor) for tensor in this.tensors])
    return []


@rule("_trilinear")
def trilinear(this: Call) -> Answer:
    many = [list(this.dims(tensor)) for tensor in this.tensors]
    for dims, name in zip(many, ("expand1", "expand2", "expand3"), strict=True):
        for d in sorted(this.values[name]):
            dims.insert(d, ONE)
    return [node for d, node in enumerate(broadcast_all(many)) if d not in this.values["sumdim"]]


@rule("linear")
def linear(this: Call) -> Answer:
    x, weight = this.dims(this.tensors[0]), this.dims(this.tensors[1])
    unify(x[-1], weight[1])
    if len(this.tensors) > 2:
        unify(weight[0], this.dims(this.tensors[2])[0])
    return [*x[:-1], weight[0]]


@rule("convolution", "_convolution", "mkldnn_convolution")
def convolution(this: Call) -> Answer:
    x, weight = list(this.dims(this.tensors[0])), list(this.dims(this.tensors[1]))
    groups, transposed = int(this.values["groups"]), bool(this.values.get("transposed", False))
    for node in (*x[len(x) - len(weight) + 2 :], *weight[2:]):
        hold(node, POSITION)
    channel = len(x) - len(weight) + 1
    if transposed:
        g, inside = factor(weight[0], (groups, weight[0].size // groups))
        unify(x[channel], weight[0])
        channels = resolve(Product((g, weight[1])))
    else:
        g, inside = factor(x[channel], (groups, x[channel].size // groups))
        out_g, _ = factor(weight[0], (groups, weight[0].size // groups))
        unify(inside, weight[1])
        unify(g, out_g)
        channels = resolve(weight[0])
    if isinstance(this.values.get("bias"), Tensor):
        unify(channels, this.dims(this.values["bias"])[0])
    return [*x[:channel], channels, *(held(size, POSITION) for size in this.out.shape[channel + 1 :])]


@rule("native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training", "cudnn_batch_norm",
      "miopen_batch_norm", "_batch_norm_no_update", "_batch_norm_with_update", "_native_batch_norm_legit_functional")  # fmt: skip
def batch_norm(this: Call) -> Answer:
    x = this.first()
    for tensor in this.tensors[1:]:
        unify(x[1], this.dims(tensor)[0])
    return [x, *([x[1]] if result.dim() else [] for result in list(tensors_of(this.out))[1:])]


@rule("native_layer_norm", "_fused_rms_norm")
def layer_norm(this: Call) -> Answer:
    x = this.first()
    for tensor in this.tensors[1:]:
        broadcast_all([x, this.dims(tensor)])
    outer = x[: len(x) - len(this.values["normalized_shape"])]
    rest = list(tensors_of(this.out))[1:]
    return [x, *(outer + [ONE] * (result.dim() - len(outer)) for result in rest)]


@rule("native_group_norm")
def group_norm(this: Call) -> Answer:
    x, groups = this.first(), int(this.values["group"])
    g, _ = factor(x[1], (groups, x[1].size // groups))
    for tensor in this.tensors[1:]:
        unify(x[1], this.dims(tensor)[0])
    return [x, [x[0], g], [x[0], g]]


@rule("_weight_norm_interface", "_weight_norm")
def weight_norm(this: Call) -> Answer:
    v, g = (this.dims(tensor) for tensor in this.tensors)
    broadcast_all([v, g])
    return [list(v), list(g)] if not isinstance(this.out, Tensor) else list(v)


@rule("_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_attention_math", "scaled_dot_product_attention",
      "_scaled_dot_product_efficient_attention", "_scaled_dot_product_flash_attention", "_scaled_dot_product_cudnn_attention",
      "_scaled_dot_product_fused_attention_overrideable")  # fmt: skip
def attention(this: Call) -> Answer:
    q, k, v = (this.dims(tensor) for tensor in this.tensors[:3])
    unify(q[-1], k[-1])
    unify(k[-2], v[-2])
    batch = broadcast_all([q[:-2], k[:-2], v[:-2]])
    for tensor in this.tensors[3:]:
        broadcast_all([[*batch, q[-2], k[-2]], this.dims(tensor)])
    if this.values.get("is_causal"):
        hold(q[-2], POSITION)
        hold(k[-2], POSITION)
    rest = [[held(size, POSITION) for size in result.shape] for result in list(tensors_of(this.out))[1:]]
    return [[*batch, q[-2], v[-1]], *rest] if not isinstance(this.out, Tensor) else [*batch, q[-2], v[-1]]


@rule("pixel_shuffle")
def pixel_shuffle(this: Call) -> Answer:
    dims, r = this.first(), int(this.values["upscale_factor"])
    channels, inside = factor(dims[-3], (dims[-3].size // r**2, r**2))
    for node in (inside, *dims[-2:]):
        hold(node, POSITION)
    return [*dims[:-3], channels, *(held(size, POSITION) for size in this.out.shape[-2:])]


@rule("native_channel_shuffle", "channel_shuffle")
def channel_shuffle(this: Call) -> Answer:
    dims, groups = this.first(), int(this.values["groups"])
    g, inside = factor(dims[1], (groups, dims[1].size // groups))
    return [dims[0], resolve(Product((inside, g))), *dims[2:]]


@rule("im2col")
def unfold(this: Call) -> Answer:
    dims, shape = this.first(), this.out.shape
    for node in dims[-2:]:
        hold(node, POSITION)
    inside = held(shape[-2] // dims[-3].size, POSITION)
    return [*dims[:-3], resolve(Product((dims[-3], inside))), held(shape[-1], POSITION)]


SPATIAL = re.compile(
    r"(?:_?adaptive_)?(?:avg|max)_pool([123])d(?:_with_indices)?|_?upsample_\w+?([123])d(?:_aa)?|(?:reflection|replication)_pad([123])d"
)


def spatial(count: int) -> RuleOf:
    """A rule for what works along the last `count` dimensions and on each of the others alike: pools, resizing, padding."""

    def pool(this: Call) -> Answer:
        dims = this.first()
        for node in dims[-count:]:
            hold(node, POSITION)
        every = [[*dims[:-count], *(held(n, POSITION) for n in r.shape[-count:])] for r in tensors_of(this.out)]
        return every[0] if isinstance(this.out, Tensor) else every

    return pool


def spatial_rule(name: str) -> RuleOf | None:
    """The rule for a pool, a resizing or a padding of any dimension, by its name."""
    match = SPATIAL.fullmatch(name)
    return spatial(int(next(filter(None, match.groups())))) if match else None
