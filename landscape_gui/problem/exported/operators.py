"""The operators that an exported program may use: a list of names, and for each the function of torch that is called."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch._ops import OpOverload

from landscape_gui.checkpoint.limits import shown
from landscape_gui.errors import ProblemError
from landscape_gui.problem.exported.graph import Here
from landscape_gui.problem.exported.replacements import REPLACEMENTS


def words(*texts: str) -> frozenset[str]:
    """The words of the texts."""
    return frozenset(word for text in texts for word in text.split())


_ELEMENTWISE = """
abs absolute acos acosh add addcdiv addcmul angle arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin asinh atan atan2
atanh bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor __and__ __or__ __xor__ ceil celu
clamp clamp_max clamp_min clip complex conj conj_physical copysign cos cosh deg2rad digamma div divide elu eq erf erfc erfinv
exp exp2 expm1 fix floor floor_divide fmax fmin fmod frac ge gelu glu greater greater_equal gt hardshrink hardsigmoid hardswish
hardtanh heaviside hypot i0 imag isclose isfinite isinf isnan isneginf isposinf isreal ldexp le leaky_relu lerp less less_equal
lgamma log log10 log1p log2 log_sigmoid logaddexp logaddexp2 logical_and logical_not logical_or logical_xor logit lt masked_fill
maximum minimum mish mul multiply nan_to_num ne neg negative not_equal polar positive pow prelu _prelu_kernel rad2deg real
reciprocal relu relu6 remainder resolve_conj resolve_neg round rsqrt rsub selu sgn sigmoid sign signbit silu sin sinc sinh
softplus softshrink sqrt square sub subtract tan tanh threshold true_divide trunc view_as_complex view_as_real where xlogy
special_digamma special_entr special_erf special_erfc special_erfcx special_erfinv special_exp2 special_expit special_expm1
special_gammaln special_i0 special_i0e special_i1 special_i1e special_log1p special_log_ndtr special_log_softmax special_logit
special_logsumexp special_ndtr special_ndtri special_round special_sinc special_softmax special_xlog1py special_xlogy
"""
_REDUCTIONS = """
all amax amin aminmax any argmax argmin argsort count_nonzero cummax cummin cumprod cumsum diff dist frobenius_norm kthvalue
linalg_matrix_norm linalg_norm linalg_vector_norm log_softmax logcumsumexp logsumexp max mean median min msort nanmean nanmedian
nansum norm nuclear_norm prod softmax sort std std_mean sum topk trapezoid trapz var var_mean
"""
_PRODUCTS = """
addbmm addmm addmv addr baddbmm bilinear bmm cdist chain_matmul cosine_similarity cov cross dot einsum ger inner kron
linalg_cholesky linalg_cholesky_ex linalg_cross linalg_det linalg_eigh linalg_eigvalsh linalg_householder_product linalg_inv
linalg_inv_ex linalg_lu_factor linalg_matmul linalg_matrix_exp linalg_matrix_power linalg_multi_dot linalg_pinv linalg_qr
linalg_slogdet linalg_solve linalg_solve_ex linalg_solve_triangular linalg_svd linalg_svdvals linalg_vecdot linear logdet matmul
matrix_exp matrix_power mm mv outer pairwise_distance renorm scaled_dot_product_attention slogdet tensordot trace
triangular_solve vdot _trilinear
"""
_LAYERS = """
adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d
affine_grid_generator alpha_dropout avg_pool1d avg_pool2d avg_pool3d batch_norm channel_shuffle col2im constant_pad_nd conv1d
conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d convolution dropout embedding embedding_bag
feature_alpha_dropout feature_dropout grid_sampler grid_sampler_2d grid_sampler_3d group_norm gru_cell im2col instance_norm
layer_norm lstm_cell max_pool1d max_pool1d_with_indices max_pool2d max_pool2d_with_indices max_pool3d
max_pool3d_with_indices native_channel_shuffle pad pixel_shuffle pixel_unshuffle reflection_pad1d reflection_pad2d
reflection_pad3d replication_pad1d replication_pad2d replication_pad3d rms_norm rnn_relu_cell rnn_tanh_cell
upsample_bicubic2d upsample_bilinear2d upsample_linear1d upsample_nearest1d upsample_nearest2d upsample_nearest3d
upsample_trilinear3d _pad_circular _pad_enum _upsample_bicubic2d_aa _upsample_bilinear2d_aa _upsample_nearest_exact1d
_upsample_nearest_exact2d _upsample_nearest_exact3d binary_cross_entropy
binary_cross_entropy_with_logits cross_entropy_loss huber_loss kl_div l1_loss mse_loss nll_loss nll_loss2d nll_loss_nd
smooth_l1_loss soft_margin_loss
"""
_SHAPES = """
_conj _neg_view _reshape_alias _to_copy _unsafe_view adjoint alias as_strided atleast_1d atleast_2d atleast_3d block_diag
broadcast_tensors broadcast_to bucketize cartesian_prod cat chunk clone column_stack combinations concat concatenate contiguous
copy detach diag diag_embed diagonal diagonal_scatter dsplit dstack expand expand_as fill flatten flip fliplr flipud gather
hsplit hstack index index_add index_copy index_fill index_put index_select isin item lift lift_fresh lift_fresh_copy mH mT
matrix_H masked_scatter masked_select meshgrid moveaxis movedim narrow nonzero numpy_T one_hot permute ravel repeat reshape
reshape_as roll rot90 row_stack scatter scatter_add scatter_reduce searchsorted select select_scatter slice slice_scatter split
split_with_sizes squeeze stack swapaxes swapdims t take take_along_dim tensor_split tile to transpose tril tril_indices triu
triu_indices type_as unbind unflatten unfold unsafe_chunk unsafe_split unsafe_split_with_sizes unsqueeze view view_as vsplit
vstack zero _local_scalar_dense
"""
_MADE = """
arange bartlett_window blackman_window eye full full_like hamming_window hann_window linspace logspace new_full new_ones
new_zeros ones ones_like scalar_tensor zeros zeros_like fft_fft fft_fft2 fft_fftfreq fft_fftn fft_fftshift fft_hfft fft_ifft
fft_ifft2 fft_ifftn fft_ifftshift fft_ihfft fft_irfft fft_irfft2 fft_irfftn fft_rfft fft_rfft2 fft_rfftfreq fft_rfftn istft stft
_fft_c2c _fft_c2r _fft_r2c
"""
ELEMENTWISE, REDUCTIONS = words(_ELEMENTWISE), words(_REDUCTIONS)
LISTED = ELEMENTWISE | REDUCTIONS | words(_PRODUCTS, _LAYERS, _SHAPES, _MADE)
"""Operators of torch.ops.aten, in every overload that gives a new tensor or writes into one (add, add_)."""

_PRIMS = words("broadcast_in_dim convert_element_type device_put squeeze sum view_of")
DROPPED = words("""
_assert_async _assert_scalar _assert_tensor_metadata _functional_assert_async _functional_assert_scalar sym_constrain_range
sym_constrain_range_for_size
""")
"""Checks of the sizes at the time of export: left out."""

RANDOM = words("""
bernoulli cauchy exponential geometric log_normal multinomial normal poisson rand rand_like randint randint_like randn randn_like
random randperm rrelu rrelu_with_noise uniform
""")
_FUSED = words("_transformer_encoder_layer_fwd _native_multi_head_attention _transformer_decoder_only_layer_fwd")
_ARITHMETIC = words("add and_ eq floordiv ge gt le lt mod mul ne neg not_ or_ pos pow sub truediv")
_SYMBOLIC: Mapping[str, Callable[..., Any]] = {
    **{f"_operator.{name}": getattr(operator, name) for name in _ARITHMETIC},
    **{f"torch.{name}": getattr(torch, name) for name in words("sym_float sym_int sym_ite sym_max sym_min sym_not")},
    **{f"math.{name}": getattr(math, name) for name in words("ceil floor trunc sqrt")},
    "builtins.round": round,
    "builtins.abs": abs,
}
"""Arithmetic of sizes."""

_OPERATOR = re.compile(r"torch\.ops\.(\w+)\.(\w+)(?:\.(\w+))?")


def find_operator(target: str) -> Callable[..., Any]:
    """The function that an operator's name stands for. Raises ProblemError that says why it is not run."""
    if target in _SYMBOLIC:
        return _SYMBOLIC[target]
    found = _OPERATOR.fullmatch(target)
    space, name, overload = found.groups() if found else ("", "", None)
    if space not in ("aten", "prims") or overload is None:
        raise _refusal(target, space, name)
    full = f"{space}.{name}.{overload}"
    if full in REPLACEMENTS:
        return REPLACEMENTS[full]
    listed = LISTED if space == "aten" else _PRIMS
    if name not in listed and not (name.endswith("_") and name[:-1] in LISTED and space == "aten"):
        raise _refusal(target, space, name)
    packet = getattr(getattr(torch.ops, space), name, None)
    chosen = getattr(packet, overload, None) if overload in (packet.overloads() if packet is not None else ()) else None
    if not isinstance(chosen, OpOverload) or not _is_plain(chosen, name):
        raise ProblemError(
            f"Its program uses the operator {shown(target)}, which this torch does not have.",
            remedy="Install the torch that wrote it.",
        )
    return chosen


def is_dropped(target: str) -> bool:
    found = _OPERATOR.fullmatch(target)
    return found is not None and found[1] == "aten" and found[2] in DROPPED


def arguments_of(target: str, given: tuple[tuple[str, Any, bool], ...]) -> tuple[list[Any], dict[str, Any]]:
    """What an operator is called with: positional arguments and keywords, told apart by torch where the file does not.
    What makes a tensor out of nothing makes it on the network's device."""
    schema = schema_of(target)
    only = {argument.name for argument in schema.arguments if argument.kwarg_only} if schema is not None else set()
    positional = [value for name, value, keyword in given if not keyword and name not in only]
    keywords = {name: value for name, value, keyword in given if keyword or name in only}
    if "device" in only and not any("Tensor" in str(argument.type) for argument in schema.arguments):
        keywords["device"] = Here()
    return positional, keywords


def bound(target: str, given: tuple[tuple[str, Any, bool], ...]) -> dict[str, Any]:
    """Every argument of an operator by its name, those that were not given by default."""
    schema = schema_of(target)
    if schema is None:
        return {name: value for name, value, _ in given}
    defaults = {a.name: a.default_value for a in schema.arguments if a.has_default_value()}
    names = [a.name for a in schema.arguments]
    positional = dict(zip(names, (value for _, value, keyword in given if not keyword), strict=False))
    return {**defaults, **positional, **{name: value for name, value, keyword in given if keyword}}


def schema_of(target: str) -> Any:
    """Torch's own declaration of a listed operator; None for arithmetic of sizes."""
    found = _OPERATOR.fullmatch(target)
    if found is None or found[1] not in ("aten", "prims"):
        return None
    packet = getattr(getattr(torch.ops, found[1]), found[2], None)
    chosen = getattr(packet, found[3] or "", None)
    return chosen._schema if isinstance(chosen, OpOverload) else None


def _is_plain(chosen: OpOverload, name: str) -> bool:
    """Whether it gives tensors alone (torch's own lists and texts have overloads too) and writes into no out=."""
    returns = [str(given.type) for given in chosen._schema.returns]
    gives = (bool(returns) and all("Tensor" in given for given in returns)) or name in ("item", "_local_scalar_dense")
    writes = any(a.kwarg_only and a.alias_info is not None and a.alias_info.is_write for a in chosen._schema.arguments)
    return gives and not writes


def _refusal(target: str, space: str, name: str) -> ProblemError:
    what = f"Its program uses the operator {shown(target)}"
    if name.rstrip("_") in RANDOM or name.removesuffix("_like") in RANDOM:
        return ProblemError(
            f"{what}, which draws random numbers: the loss would not be a function of the weights.",
            remedy="Export the network in evaluation mode (model.eval()) and without noise of its own.",
        )
    if name in _FUSED:
        return ProblemError(
            f"{what}, a fused form that cannot be differentiated twice.",
            remedy="Call torch.backends.mha.set_fastpath_enabled(False) before torch.export.export, and export it again.",
        )
    if space == "higher_order":
        return ProblemError(
            f"{what}: control flow inside a program is not run.",
            remedy="Export the network without torch.cond, map, scan or while_loop.",
        )
    if space and space not in ("aten", "prims"):
        return ProblemError(
            f"{what}, which is no part of torch and is not run.",
            remedy="Write that part of the network with torch's own functions, or open its state_dict with a landscape.py.",
        )
    return ProblemError(
        f"{what}, which is not on the list of those that are run.",
        remedy="Open the network's state_dict with a landscape.py instead (docs/landscape_py.md).",
    )
