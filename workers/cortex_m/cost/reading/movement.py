"""Reads portable operators that move, select or fill values."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.formulas.portable.copies import EXPANDED_BYTES
from workers.cortex_m.cost.reading.nodes import (
    Reader,
    args_of,
    dim_order_of,
    dtype_of,
    is_contiguous,
    shape_of,
)

if TYPE_CHECKING:
    from torch.fx import Node


def moved(kernel: str, node: Node) -> KernelCall:
    """The call of a kernel that permutes axes.

    Args:
        kernel: its name in the counted tables.
        node: whose second argument is the permutation.

    Returns:
        The call.
    """
    dims, perm = shape_of(args_of(node)[0]), args_of(node)[1]
    axes = tuple(int(axis) % len(dims) for axis in perm)
    return KernelCall(kernel, elements=prod(dims), dims=dims, perm=axes, dtype=dtype_of(node))


def _permute(node: Node) -> KernelCall:
    return moved("permute_copy", node)


def _clone(node: Node) -> KernelCall | None:
    """A `memcpy` if the dim order stays."""
    shape = shape_of(node)
    if dim_order_of(args_of(node)[0]) == dim_order_of(node):
        return KernelCall("memcpy", elements=prod(shape) * node.meta["val"].element_size())
    if len(shape) != 4:
        return None
    return KernelCall("clone_dim_order", elements=prod(shape), dims=shape, dtype=dtype_of(node))


def _conversion(node: Node) -> KernelCall:
    shape, source = shape_of(node), dtype_of(args_of(node)[0])
    return KernelCall("to_dim_order_copy", elements=prod(shape), dims=shape, dtype=dtype_of(node), from_dtype=source)


def _upsample(node: Node) -> KernelCall | None:
    """Of contiguous floats; others were not counted."""
    if dim_order_of(args_of(node)[0]) != (0, 1, 2, 3) or dtype_of(node) != "float32":
        return None
    (n, c, h, w), (_, _, oh, ow) = shape_of(args_of(node)[0]), shape_of(node)
    return KernelCall("upsample_nearest2d_portable", n=n, h=h, w=w, c=c, oh=oh, ow=ow)


def _arange(node: Node) -> KernelCall | None:
    is_counted = str(node.meta["val"].dtype) == "torch.int64"
    return KernelCall("arange_portable", elements=prod(shape_of(node))) if is_counted else None


def _filled(node: Node) -> KernelCall | None:
    if dtype_of(node) not in ("int8", "float32"):
        return None
    shape = shape_of(node)
    return KernelCall("full_like_portable", elements=prod(shape), axes=len(shape), dtype=dtype_of(node))


def _index(node: Node) -> KernelCall | None:
    """Of contiguous values along one axis, by one tensor of one axis. It copies bytes, whatever the dtype."""
    source, indices = args_of(node)[:2]
    given = [(axis, one) for axis, one in enumerate(indices) if one is not None]
    if len(given) != 1 or len(shape_of(given[0][1])) != 1 or not is_contiguous(source):
        return None
    (axis, index), dims = given[0], shape_of(source)
    behind = prod(dims[axis + 1 :]) * node.meta["val"].element_size()
    return KernelCall("index_portable", n=prod(dims[:axis]), o=shape_of(index)[0], axes=len(dims), dims=(behind,))


def _select(node: Node) -> KernelCall:
    axis, place, whole = int(args_of(node)[1]), int(args_of(node)[2]), shape_of(args_of(node)[0])
    axis %= len(whole)
    outer = prod(whole[:axis])
    size = prod(whole[axis + 1 :]) * node.meta["val"].element_size()
    offsets = {"w": whole[axis] * size, "pw": place % whole[axis] * size}
    return KernelCall("select_copy_portable", n=outer, **offsets, axes=len(whole), dims=(size,))


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
    values: list[Any] = list(node.meta["val"])
    return _parts("split_portable", list(values), axis, args_of(node)[0])


def _index_select(node: Node) -> KernelCall | None:
    """Of contiguous values along one axis."""
    source, axis, index = args_of(node)[:3]
    dims = shape_of(source)
    if not dims or not is_contiguous(source):
        return None
    axis %= len(dims)
    size = prod(dims[axis + 1 :]) * node.meta["val"].element_size()
    places = shape_of(index)[0] if shape_of(index) else 1
    return KernelCall("index_select_portable", n=prod(dims[:axis]), o=places, axes=len(dims), dims=(size,))


def _expanded(node: Node) -> KernelCall | None:
    """Of contiguous values."""
    source, dtype = args_of(node)[0], dtype_of(node)
    if not is_contiguous(source) or dtype not in EXPANDED_BYTES:
        return None
    return KernelCall("expand_copy_portable", dims=shape_of(source), operands=(shape_of(node),), dtype=dtype)


def _repeated(node: Node) -> KernelCall | None:
    """Of contiguous values, by the kernel's routine that `expand_copy` has, too."""
    call = _expanded(node)
    return replace(call, kernel="repeat_portable") if call is not None else None


def _embedding(node: Node) -> KernelCall | None:
    """Rows of a contiguous table."""
    table, index = args_of(node)[:2]
    if not is_contiguous(table) or not is_contiguous(index):
        return None
    size = shape_of(table)[-1] * table.meta["val"].element_size()
    return KernelCall("embedding_portable", o=prod(shape_of(index)), axes=len(shape_of(index)), dims=(size,))


def _full(node: Node) -> KernelCall | None:
    shape = shape_of(node)
    return KernelCall("full_portable", elements=prod(shape), axes=len(shape)) if dtype_of(node) == "float32" else None


#: Operator -> how its call is read.
MOVEMENT: dict[str, Reader] = {
    "permute_copy": _permute,
    "_clone_dim_order": _clone,
    "_to_dim_order_copy": _conversion,
    "upsample_nearest2d": _upsample,
    "full_like": _filled,
    "full": _full,
    "arange": _arange,
    "index": _index,
    "index_select": _index_select,
    "select_copy": _select,
    "slice_copy": _slice,
    "cat": _cat,
    "split_with_sizes_copy": _split,
    "split_copy": _split,
    "expand_copy": _expanded,
    "repeat": _repeated,
    "embedding": _embedding,
}
