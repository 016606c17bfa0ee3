"""Reads a lowered program: which kernel every operator calls, and with what sizes."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, Any

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.operator import OperatorCall

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram
    from torch.fx import Node

#: Views of an image in another order of axes, see `workers.cortex_m.lowering.image_order`.
IMAGE_VIEWS = ("as_nhwc", "as_nchw")

#: Operators that are no instruction of the file: views are made when it is loaded, buffers planned, tuples taken apart.
ELIDED = frozenset({"view_copy", "alloc", "getitem", *IMAGE_VIEWS})


def operator_calls(program: ExportedProgram) -> list[OperatorCall]:
    """The instructions of a lowered program, in order."""
    nodes = (node for node in program.graph.nodes if node.op == "call_function")
    calls = ((node, operator_of(node)) for node in nodes)
    return [OperatorCall(node.name, name, call_of(node)) for node, name in calls if name not in ELIDED]


def operator_of(node: Node) -> str:
    """An operator's name without namespace and overload, as in `quantized_conv2d_nhwc`."""
    schema = getattr(node.target, "_schema", None)
    return schema.name.rpartition("::")[2] if schema is not None else str(getattr(node.target, "__name__", node.target))


def call_of(node: Node) -> KernelCall | None:
    """The kernel that an operator of a lowered program calls; None where none was counted for it."""
    reader = _READERS.get(operator_of(node))
    return reader(node) if reader else None


def shape_of(node: Any) -> tuple[int, ...]:
    """The shape of a node's value."""
    return tuple(int(one) for one in node.meta["val"].shape)


def results_of(program: ExportedProgram) -> list[Any]:
    """What a program gives its caller, in order: nodes, and numbers or None where an output is one. The buffers that it
    writes to, which its graph gives as well, are left out."""
    from torch.export.graph_signature import OutputKind

    given: Any = program.graph.output_node().args[0]
    specs = program.graph_signature.output_specs
    return [one for one, spec in zip(given, specs, strict=True) if spec.kind is OutputKind.USER_OUTPUT]


def output_shapes(program: ExportedProgram) -> list[tuple[int, ...]]:
    """The shapes of the tensors among what a program gives its caller."""
    return [shape_of(one) for one in results_of(program) if hasattr(getattr(one, "meta", {}).get("val"), "shape")]


def args_of(node: Node) -> tuple[Any, ...]:
    """The arguments of an operator, whose types its schema tells."""
    return node.args


def _pixels(node: Any, channels_last: bool) -> tuple[int, int, int, int]:
    """Batch, height, width and channels of an image."""
    n, second, third, fourth = shape_of(node)
    return (n, second, third, fourth) if channels_last else (n, third, fourth, second)


def _nhwc(node: Node) -> bool:
    return operator_of(node).endswith("_nhwc")


def _window(node: Node, sizes: dict[str, Any], stride: Any, padding: Any, dilation: Any = (1, 1)) -> dict[str, Any]:
    _, oh, ow, _ = _pixels(node, _nhwc(node))
    (sh, sw), (ph, pw), (dh, dw) = stride, padding, dilation
    return {"oh": oh, "ow": ow, "sh": sh, "sw": sw, "ph": ph, "pw": pw, "dh": dh, "dw": dw, **sizes}


def _convolution(node: Node) -> KernelCall:
    image, weight, _, stride, padding, dilation = args_of(node)[:6]
    n, h, w, c = _pixels(image, _nhwc(node))
    o, kh, kw, depth = shape_of(weight)
    sizes = {"n": n, "h": h, "w": w, "c": c, "o": o, "kh": kh, "kw": kw, "groups": c // depth}
    return KernelCall("conv2d", **_window(node, sizes, stride, padding, dilation))


def _depthwise(node: Node) -> KernelCall:
    image, weight, _, stride, padding, dilation = args_of(node)[:6]
    n, h, w, c = _pixels(image, _nhwc(node))
    _, kh, kw, o = shape_of(weight)
    sizes = {"n": n, "h": h, "w": w, "c": c, "o": o, "kh": kh, "kw": kw, "groups": c}
    kernel = "depthwise" if o == c else "depthwise_mult"
    return KernelCall(kernel, **_window(node, sizes, stride, padding, dilation))


def _transposed_convolution(node: Node) -> KernelCall:
    image, weight, _, stride, padding = args_of(node)[:5]
    n, h, w, c = _pixels(image, _nhwc(node))
    o, kh, kw, _ = shape_of(weight)
    sizes = {"n": n, "h": h, "w": w, "c": c, "o": o, "kh": kh, "kw": kw}
    return KernelCall("transpose_conv", **_window(node, sizes, stride, padding))


def _pool(kernel: str) -> Callable[[Node], KernelCall]:
    def read(node: Node) -> KernelCall:
        image, (kh, kw), stride, padding = args_of(node)[:4]
        n, h, w, c = _pixels(image, _nhwc(node))
        sizes = {"n": n, "h": h, "w": w, "c": c, "o": c, "kh": kh, "kw": kw}
        return KernelCall(kernel, **_window(node, sizes, stride, padding))

    return read


def _linear(node: Node) -> KernelCall:
    *rows, depth = shape_of(args_of(node)[0])
    return KernelCall("fully_connected", n=prod(rows), c=depth, o=shape_of(node)[-1])


def _addmm(node: Node) -> KernelCall | None:
    """A product in float and a bias. A `linear` layer has no kernel of its own: it is priced as what replaces it."""
    rows = args_of(node)[1 if operator_of(node) == "addmm" else 0]
    if len(shape_of(rows)) != 2:
        return None
    return KernelCall("addmm_portable", n=shape_of(rows)[0], c=shape_of(rows)[1], o=shape_of(node)[-1])


def _matmul(node: Node) -> KernelCall:
    left, left_zero, _, right_zero = args_of(node)[:4]
    (n, h, o), depth = shape_of(node), shape_of(left)[-1]
    offsets = {"no_left_offset": left_zero == 0, "no_right_offset": right_zero == 0}
    return KernelCall("batch_matmul", n=n, h=h, c=depth, o=o, **offsets)


def _softmax(node: Node) -> KernelCall:
    *rows, last = shape_of(node)
    return KernelCall("softmax", n=prod(rows), c=last)


def _by_element(kernel: str) -> Callable[[Node], KernelCall]:
    return lambda node: KernelCall(kernel, elements=prod(shape_of(node)))


#: Axes that CMSIS-NN's kernels take at most.
_KERNEL_AXES = 4

#: Portable operators by element were counted up to this rank: with each axis their indices cost more.
_MOST_AXES = 2


def _portable(kernel: str, operands: int, dtype: str) -> Callable[[Node], KernelCall | None]:
    """Of operands of one shape and dtype."""

    def read(node: Node) -> KernelCall | None:
        values = [node.meta["val"], *(one.meta["val"] for one in node.all_input_nodes)]
        alike = len({(tuple(one.shape), one.dtype) for one in values}) == 1 and str(values[0].dtype) == dtype
        counted = alike and values[0].dim() <= _MOST_AXES and len(node.args) == operands
        return KernelCall(kernel, elements=prod(shape_of(node))) if counted else None

    return read


def _broadcast(kernel: str, dtypes: tuple[str, ...]) -> Callable[[Node], KernelCall | None]:
    """Of contiguous operands of one dtype, which is the result's too; of `where`, beside the condition."""

    def read(node: Node) -> KernelCall | None:
        operands = [one for one in args_of(node) if hasattr(one, "meta")]
        chosen = operands[1:] if kernel == "where_portable" else operands
        alike = {_dtype(one) for one in (*chosen, node)} == {_dtype(node)} and _dtype(node) in dtypes
        plain = len(operands) == len(args_of(node)) and not node.kwargs
        if not (alike and plain and all(map(_is_contiguous, (*operands, node)))):
            return None
        shapes = tuple(shape_of(one) for one in operands)
        return KernelCall(kernel, dims=shape_of(node), operands=shapes, dtype=_dtype(node))

    return read


def _is_contiguous(node: Any) -> bool:
    order = _dim_order(node)
    return order == tuple(range(len(order)))


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
    counted = not hasattr(other, "meta") and _dtype(values) in ("int8", "float32")
    return KernelCall("comparison_portable", elements=prod(shape_of(node)), dtype=_dtype(values)) if counted else None


def _filled(node: Node) -> KernelCall | None:
    if _dtype(node) not in ("int8", "float32"):
        return None
    shape = shape_of(node)
    return KernelCall("full_like_portable", elements=prod(shape), axes=len(shape), dtype=_dtype(node))


def _mean(node: Node) -> KernelCall | None:
    """Of contiguous floats along axes that are named."""
    values, axes = args_of(node)[0], args_of(node)[1] if len(args_of(node)) > 1 else None
    dims = shape_of(values)
    if not axes or _dtype(values) != "float32" or not _is_contiguous(values):
        return None
    gone = sorted(int(axis) % len(dims) for axis in axes)
    return KernelCall("mean_portable", dims=dims, perm=tuple(gone))


def _arange(node: Node) -> KernelCall | None:
    is_counted = str(node.meta["val"].dtype) == "torch.int64"
    return KernelCall("arange_portable", elements=prod(shape_of(node))) if is_counted else None


def _index(node: Node) -> KernelCall | None:
    """Of int8 values along one axis, by one tensor of one axis."""
    source, indices = args_of(node)[:2]
    given = [(axis, one) for axis, one in enumerate(indices) if one is not None]
    counted = len(given) == 1 and len(shape_of(given[0][1])) == 1 and _dtype(source) == "int8"
    if not counted:
        return None
    (axis, index), dims = given[0], shape_of(source)
    behind = prod(dims[axis + 1 :])
    return KernelCall("index_portable", n=prod(dims[:axis]), o=shape_of(index)[0], axes=len(dims), dims=(behind,))


def _select(node: Node) -> KernelCall:
    axis, place, whole = int(args_of(node)[1]), int(args_of(node)[2]), shape_of(args_of(node)[0])
    axis %= len(whole)
    outer = prod(whole[:axis])
    size = prod(whole[axis + 1 :]) * node.meta["val"].element_size()
    offsets = {"w": whole[axis] * size, "pw": place % whole[axis] * size}
    return KernelCall("select_copy_portable", n=outer, **offsets, axes=len(whole), dims=(size,))


def _extreme(kernel: str) -> Callable[[Node], KernelCall | None]:
    """Of two values of one shape, or of values and one number; no others were counted."""

    def read(node: Node) -> KernelCall | None:
        shapes = [shape_of(one) for one in args_of(node)[:2]]
        whole = shape_of(node)
        if {*shapes} == {whole}:
            return KernelCall(kernel, elements=prod(whole))
        if shapes[0] == whole and prod(shapes[1]) == 1:
            return KernelCall("extreme_of_a_number", elements=prod(whole), axes=sum(map(len, shapes)))
        return None

    return read


def _moved(kernel: str, node: Node) -> KernelCall:
    dims, perm = shape_of(args_of(node)[0]), args_of(node)[1]
    axes = tuple(int(axis) % len(dims) for axis in perm)
    return KernelCall(kernel, elements=prod(dims), dims=dims, perm=axes, dtype=_dtype(node))


def _transpose(node: Node) -> KernelCall | None:
    """The kernel refuses more than four axes."""
    return _moved("transpose", node) if len(shape_of(node)) <= _KERNEL_AXES else None


def _dtype(node: Any) -> str:
    return str(node.meta["val"].dtype).removeprefix("torch.")


def _permute(node: Node) -> KernelCall:
    return _moved("permute_copy", node)


def _clone(node: Node) -> KernelCall | None:
    """A `memcpy` if the dim order stays."""
    shape = shape_of(node)
    if _dim_order(args_of(node)[0]) == _dim_order(node):
        return KernelCall("memcpy", elements=prod(shape) * node.meta["val"].element_size())
    if len(shape) != 4:
        return None
    return KernelCall("clone_dim_order", elements=prod(shape), dims=shape, dtype=_dtype(node))


def _conversion(node: Node) -> KernelCall:
    shape, source = shape_of(node), _dtype(args_of(node)[0])
    return KernelCall("to_dim_order_copy", elements=prod(shape), dims=shape, dtype=_dtype(node), from_dtype=source)


def _dim_order(node: Any) -> tuple[int, ...]:
    return tuple(node.meta["val"].dim_order())


def _upsample(node: Node) -> KernelCall | None:
    """Of contiguous floats; others were not counted."""
    if _dim_order(args_of(node)[0]) != (0, 1, 2, 3) or _dtype(node) != "float32":
        return None
    (n, c, h, w), (_, _, oh, ow) = shape_of(args_of(node)[0]), shape_of(node)
    return KernelCall("upsample_nearest2d_portable", n=n, h=h, w=w, c=c, oh=oh, ow=ow)


def _pad(node: Node) -> KernelCall | None:
    """The kernel refuses more than four axes. Its padding is given in the order of memory, of four axes, the last ones
    of which the image has."""
    image, before, after = args_of(node)[:3]
    shape = shape_of(image)
    if len(shape) > _KERNEL_AXES:
        return None
    # ExecuTorch takes such images for channels_last, whatever their order is called.
    is_channels_last = len(shape) == _KERNEL_AXES and (shape[1] == 1 or shape[2:] == (1, 1))
    order = (0, 2, 3, 1) if is_channels_last else _dim_order(image)
    dims = tuple(shape[axis] for axis in order)
    first, last = (tuple(int(one) for one in axes)[-len(dims) :] for axes in (before, after))
    return KernelCall("pad", elements=prod(shape_of(node)), dims=dims, before=first, after=last)


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


def _parts(kernel: str, parts: list[Any], axis: int, whole: Any) -> KernelCall:
    axes = len(shape_of(whole))
    outer = prod(shape_of(whole)[: axis % axes])
    values = [one.meta["val"] if hasattr(one, "meta") else one for one in parts]
    sizes = tuple(value.numel() // max(outer, 1) * value.element_size() for value in values)
    return KernelCall(kernel, n=outer, o=len(parts), axes=axes, dims=sizes)


def _cat(node: Node) -> KernelCall:
    axis = int(args_of(node)[1]) if len(args_of(node)) > 1 else 0
    return _parts("cat_portable", list(args_of(node)[0]), axis, node)


def _slice(node: Node) -> KernelCall:
    given, whole, shape = args_of(node)[1:], shape_of(args_of(node)[0]), shape_of(node)
    axis = int(given[0]) % len(shape) if given else 0
    step = int(given[3]) if len(given) > 3 else 1
    begin = int(given[1] or 0) if len(given) > 1 else 0
    begin = min(max(begin + whole[axis] * (begin < 0), 0), whole[axis])
    place = prod(shape[axis + 1 :]) * node.meta["val"].element_size()
    places, size = (shape[axis], place) if step > 1 else (1, shape[axis] * place)
    offsets = {"w": whole[axis] * place, "pw": begin * place}
    return KernelCall(
        "slice_copy_portable", n=prod(shape[:axis]), o=places, sw=step, **offsets, axes=len(shape), dims=(size,)
    )


def _split(node: Node) -> KernelCall:
    """Priced as of int8 values in as many bytes, which alone were counted: its loops go by words."""
    axis = int(args_of(node)[2]) if len(args_of(node)) > 2 else 0
    values: list[torch.Tensor] = list(node.meta["val"])
    return _parts("split_portable", list(values), axis, args_of(node)[0])


_Reader = Callable[["Node"], KernelCall | None]
_READERS: dict[str, _Reader] = {
    **dict.fromkeys(("quantized_conv2d", "quantized_conv2d_nhwc"), _convolution),
    **dict.fromkeys(("quantized_depthwise_conv2d", "quantized_depthwise_conv2d_nhwc"), _depthwise),
    **dict.fromkeys(("quantized_transpose_conv2d", "quantized_transpose_conv2d_nhwc"), _transposed_convolution),
    **dict.fromkeys(("quantized_avg_pool2d", "quantized_avg_pool2d_nhwc"), _pool("avgpool")),
    **dict.fromkeys(("quantized_max_pool2d", "quantized_max_pool2d_nhwc"), _pool("maxpool")),
    "quantized_linear": _linear,
    "quantized_batch_matmul": _matmul,
    **dict.fromkeys(("addmm", "linear"), _addmm),
    "softmax": _softmax,
    "quantized_add": _by_element("add"),
    "quantized_mul": _by_element("mul"),
    "minimum": _extreme("minimum"),
    "maximum": _extreme("maximum"),
    "quantized_activation": _by_element("quantized_activation"),
    "quantize_per_tensor": _by_element("quantize_per_tensor"),
    "dequantize_per_tensor": _by_element("dequantize_per_tensor"),
    "transpose": _transpose,
    "permute_copy": _permute,
    "_clone_dim_order": _clone,
    "_to_dim_order_copy": _conversion,
    "pad": _pad,
    "upsample_nearest2d": _upsample,
    "convolution": _portable_convolution,
    "relu": _by_element("relu_portable"),
    "quantized_div": _by_element("div"),
    **{one: _portable(f"{one}_portable", 1, "torch.float32") for one in ("sigmoid", "tanh")},
    **{one: _broadcast(f"{one}_portable", ("float32",)) for one in ("add", "mul", "div")},
    "where": _broadcast("where_portable", ("int8", "float32")),
    **dict.fromkeys(("gt", "ge", "lt", "le", "eq", "ne"), _compared),
    "full_like": _filled,
    "mean": _mean,
    "abs": _portable("abs_int64_portable", 1, "torch.int64"),
    "sub": _subtract,
    "arange": _arange,
    "index": _index,
    "select_copy": _select,
    "pow": _by_element("pow_portable"),
    "slice_copy": _slice,
    "cat": _cat,
    "split_with_sizes_copy": _split,
    "split_copy": _split,
}
