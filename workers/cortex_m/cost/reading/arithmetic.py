"""Reads portable operators that compute, most of them in float."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.reading.nodes import (
    Reader,
    args_of,
    dtype_of,
    is_contiguous,
    shape_of,
)

if TYPE_CHECKING:
    from torch.fx import Node


def _per_value(kernel: str, dtype: str = "float32") -> Callable[[Node], KernelCall | None]:
    """Of one value, beside numbers."""

    def read(node: Node) -> KernelCall | None:
        shape, source = shape_of(node), args_of(node)[0]
        others = any(hasattr(one, "meta") for one in args_of(node)[1:])
        counted = dtype_of(node) == dtype_of(source) == dtype and not others
        return KernelCall(kernel, elements=prod(shape), axes=len(shape)) if counted else None

    return read


def _broadcast(kernel: str, dtypes: tuple[str, ...]) -> Callable[[Node], KernelCall | None]:
    """Of contiguous operands of one dtype, which is the result's too; of `where`, beside the condition."""

    def read(node: Node) -> KernelCall | None:
        operands = [one for one in args_of(node) if hasattr(one, "meta")]
        chosen = operands[1:] if kernel == "where_portable" else operands
        alike = {dtype_of(one) for one in (*chosen, node)} == {dtype_of(node)} and dtype_of(node) in dtypes
        plain = len(operands) == len(args_of(node)) and not node.kwargs
        if not (alike and plain and all(map(is_contiguous, (*operands, node)))):
            return None
        shapes = tuple(shape_of(one) for one in operands)
        return KernelCall(kernel, dims=shape_of(node), operands=shapes, dtype=dtype_of(node))

    return read


def _add(node: Node) -> KernelCall | None:
    kernel = "add_int64_portable" if dtype_of(node) == "int64" else "add_portable"
    return _broadcast(kernel, ("float32", "int64"))(node)


def _subtract(node: Node) -> KernelCall | None:
    """Of floats, or of integers from one integer."""
    first, second = (getattr(one, "meta", {}).get("val") for one in args_of(node)[:2])
    integers = {str(getattr(one, "dtype", "")) for one in (first, second)} == {"torch.int64"}
    if first is None or second is None or not integers:
        return _broadcast("sub_portable", ("float32",))(node)
    counted = first.dim() == 0 and second.dim() == 1
    return KernelCall("sub_int64_portable", elements=second.numel()) if counted else None


def _compared(node: Node) -> KernelCall | None:
    """Of int8 values or floats with a number; comparisons of two values were not counted."""
    values, other = args_of(node)[:2]
    counted = not hasattr(other, "meta") and dtype_of(values) in ("int8", "float32")
    return KernelCall("comparison_portable", elements=prod(shape_of(node)), dtype=dtype_of(values)) if counted else None


def _absolute(node: Node) -> KernelCall | None:
    integers = dtype_of(node) == "int64"
    return _per_value("abs_int64_portable", "int64")(node) if integers else _per_value("abs_portable")(node)


def _power(node: Node) -> KernelCall:
    return KernelCall("pow_portable", elements=prod(shape_of(node)))


def _reduced(kernel: str) -> Callable[[Node], KernelCall | None]:
    """Of contiguous floats along axes that are named."""

    def read(node: Node) -> KernelCall | None:
        source, axes = args_of(node)[0], args_of(node)[1] if len(args_of(node)) > 1 else None
        dims = shape_of(source)
        if not axes or dtype_of(source) != "float32" or not is_contiguous(source):
            return None
        gone = sorted(int(axis) % len(dims) for axis in axes)
        return KernelCall(kernel, dims=dims, perm=tuple(gone))

    return read


def _addmm(node: Node) -> KernelCall:
    """A product in float and a bias."""
    rows = args_of(node)[1]
    return KernelCall("addmm_portable", n=shape_of(rows)[0], c=shape_of(rows)[1], o=shape_of(node)[-1])


def _linear(node: Node) -> KernelCall:
    """A layer in float. It has no kernel of its own, and is priced as what replaces it."""
    source, _, bias = (*args_of(node), None)[:3]
    *rows, depth = shape_of(source)
    if bias is None:
        return KernelCall("mm_portable", h=prod(rows), c=depth, o=shape_of(node)[-1])
    return KernelCall("addmm_portable", n=prod(rows), c=depth, o=shape_of(node)[-1])


def _portable_convolution(node: Node) -> KernelCall | None:
    image, weight, _, stride, padding, dilation, transposed, _, groups = args_of(node)
    if transposed:
        return None
    two = len(shape_of(image)) == 4
    n, c, *size = shape_of(image)
    o, _, *kernel = shape_of(weight)
    out = shape_of(node)[2:]
    h, w = size if two else (1, *size)
    kh, kw = kernel if two else (1, *kernel)
    oh, ow = out if two else (1, *out)
    (sh, sw), (ph, pw), (dh, dw) = (
        tuple(one) if two else (filler, *one) for one, filler in ((stride, 1), (padding, 0), (dilation, 1))
    )
    sizes = {"n": n, "h": h, "w": w, "c": c, "o": o, "kh": kh, "kw": kw, "oh": oh, "ow": ow, "groups": groups}
    strides = {"sh": sh, "sw": sw, "ph": ph, "pw": pw, "dh": dh, "dw": dw}
    return KernelCall("convolution_portable", **sizes, **strides)


def _gelu(node: Node) -> KernelCall | None:
    """By `erf`; the approximation by `tanh` was not counted."""
    return None if "tanh" in (*args_of(node), *node.kwargs.values()) else _per_value("gelu_portable")(node)


def _clamp(node: Node) -> KernelCall | None:
    """Between two numbers, or on one side of one."""
    lower, upper = (*args_of(node)[1:], None)[:2]
    if dtype_of(node) not in ("int8", "float32") or any(hasattr(one, "meta") for one in (lower, upper)):
        return None
    kernel = "clamp_max_portable" if lower is None else "clamp_min_portable" if upper is None else "clamp_portable"
    shape = shape_of(node)
    return KernelCall(kernel, elements=prod(shape), axes=len(shape), dtype=dtype_of(node))


def _any(node: Node) -> KernelCall | None:
    """Of booleans along one axis."""
    source, axis = args_of(node)[0], args_of(node)[1] if len(args_of(node)) > 1 else None
    if dtype_of(source) != "bool" or not isinstance(axis, int) or not shape_of(source):
        return None
    dims = shape_of(source)
    return KernelCall("any_portable", dims=dims, perm=(axis % len(dims),))


def _along_axis(kernel: str) -> Callable[[Node], KernelCall | None]:
    """Of contiguous floats along one axis."""

    def read(node: Node) -> KernelCall | None:
        source, axis = (*args_of(node), None)[:2]
        dims = shape_of(source)
        if not dims or axis is None or dtype_of(source) != "float32" or not is_contiguous(source):
            return None
        return KernelCall(kernel, dims=dims, perm=(int(axis) % len(dims),))

    return read


def _group_norm(node: Node) -> KernelCall | None:
    """Of contiguous floats, with weights and bias or without both."""
    source, weight, bias, n, channels, inner, groups = args_of(node)[:7]
    if dtype_of(source) != "float32" or not is_contiguous(source) or (weight is None) != (bias is None):
        return None
    given = tuple(shape_of(one) for one in (weight, bias) if one is not None)
    return KernelCall(
        "group_norm_portable", n=n, c=channels, w=inner, groups=groups, axes=len(shape_of(source)), operands=given
    )


def _batch_norm_statistics(node: Node) -> KernelCall | None:
    """Of contiguous floats by their own statistics, with weights and bias."""
    source, weight, bias = args_of(node)[:3]
    # With running statistics they are the next operands.
    own = isinstance(args_of(node)[3], bool)
    if dtype_of(source) != "float32" or weight is None or bias is None or not own or not is_contiguous(source):
        return None
    n, c, *inner = shape_of(source)
    return KernelCall("batch_norm_statistics_portable", n=n, c=c, w=prod(inner), axes=2 + len(inner))


def _mm(node: Node) -> KernelCall | None:
    """Of floats."""
    left, right = args_of(node)[:2]
    if dtype_of(node) != "float32":
        return None
    return KernelCall("mm_portable", h=shape_of(left)[0], c=shape_of(left)[1], o=shape_of(right)[1])


def _layer_norm(node: Node) -> KernelCall | None:
    """Of floats, with or without weights and bias."""
    source, normalised, *factors = args_of(node)[:4]
    if dtype_of(source) != "float32":
        return None
    dims = shape_of(source)
    first = len(dims) - len(normalised)
    given = tuple(shape_of(one) for one in factors if one is not None)
    rows, size = prod(dims[:first]), prod(dims[first:])
    return KernelCall("layer_norm_portable", n=rows, c=size, axes=len(dims), operands=given)


def _batch_norm(node: Node) -> KernelCall | None:
    """Of floats, with weights and bias."""
    source, weight, bias = args_of(node)[:3]
    if dtype_of(source) != "float32" or weight is None or bias is None:
        return None
    n, c, *inner = shape_of(source)
    return KernelCall("batch_norm_portable", n=n, c=c, w=prod(inner), axes=2 + len(inner))


def _bmm(node: Node) -> KernelCall | None:
    """Of floats."""
    left, right = args_of(node)[:2]
    if dtype_of(node) != "float32":
        return None
    (n, h, depth), columns = shape_of(left), shape_of(right)[-1]
    return KernelCall("bmm_portable", n=n, h=h, c=depth, o=columns)


#: Unary operators of floats that were counted.
_UNARY = (
    "ceil", "cos", "elu", "erf", "exp", "expm1", "floor", "hardtanh", "leaky_relu", "log", "log10", "log1p", "log2",
    "neg", "reciprocal", "relu", "round", "rsqrt", "sigmoid", "sign", "sin", "sqrt", "tanh", "trunc",
)  # fmt: skip

#: Operator -> how its call is read.
ARITHMETIC: dict[str, Reader] = {
    **{one: _per_value(f"{one}_portable") for one in _UNARY},
    "abs": _absolute,
    "gelu": _gelu,
    "clamp": _clamp,
    "add": _add,
    **{one: _broadcast(f"{one}_portable", ("float32",)) for one in ("mul", "div")},
    "sub": _subtract,
    "fmod": _per_value("fmod_int64_portable", "int64"),
    "pow": _power,
    "where": _broadcast("where_portable", ("int8", "float32")),
    **dict.fromkeys(("gt", "ge", "lt", "le", "eq", "ne"), _compared),
    "logical_not": _per_value("logical_not_portable", "bool"),
    "any": _any,
    **{one: _reduced(f"{one}_portable") for one in ("mean", "sum", "amax")},
    "addmm": _addmm,
    "linear": _linear,
    "bmm": _bmm,
    "convolution": _portable_convolution,
    "mm": _mm,
    "_softmax": _along_axis("softmax_portable"),
    "_log_softmax": _along_axis("log_softmax_portable"),
    "argmax": _along_axis("argmax_portable"),
    "var": _reduced("var_portable"),
    "native_group_norm": _group_norm,
    "_native_batch_norm_legit": _batch_norm_statistics,
    "native_layer_norm": _layer_norm,
    "_native_batch_norm_legit_no_training": _batch_norm,
}
