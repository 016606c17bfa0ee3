"""Whether a program has something that Vela is known to compile wrongly."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod

from benchmarks.correctness.miscompilations.catalogue import MISCOMPILATIONS
from benchmarks.correctness.miscompilations.detection.moves import (
    cancelled_transposes,
    lost_output,
    square_transposes,
    transposed_blocks,
    written_constants,
)
from benchmarks.correctness.miscompilations.detection.paddings import (
    empty_window,
    fused_padding,
    padded_zero_point,
    reshaped_padding,
)
from benchmarks.correctness.miscompilations.detection.values import (
    given_out,
    numbers,
    operand,
    ordered_by,
    readers,
    seen,
)
from benchmarks.correctness.miscompilations.miscompilation import U85
from benchmarks.predictions.vela_versions.compile_with import VERSIONS
from search_space.building.miscompiled.lost_padding import windows_without_padding
from search_space.building.miscompiled.reduced_columns import reduced_columns
from search_space.building.miscompiled.reduced_slice import AXES, AXES_U85, lost_slice
from search_space.building.miscompiled.shared_weights import sharing
from search_space.building.miscompiled.wide_scales import rescales_of_wide_sums
from search_space.building.rounding import round_up
from search_space.ir.editor import Editor
from search_space.ir.graph import CONST, MOVE, Graph, Node
from search_space.layout.activation_shape import imposes_shape

_WIDTHS = {"BOOL": 1, "INT8": 8, "INT16": 16, "INT32": 32, "INT48": 48}
_REDUCTIONS = ("REDUCE_ALL", "REDUCE_ANY", "REDUCE_MAX", "REDUCE_MIN")
_LOGICAL_SHIFTS = ("LOGICAL_LEFT_SHIFT", "LOGICAL_RIGHT_SHIFT")

#: What an average pool of Ethos-U85 does in one operation.
_MOST_KERNEL, _MOST_STRIDE = 8, 3

#: Channels that are stored together.
_BRICK = 16

#: Elementwise operations of two operands that Ethos-U55 and U65 have.
_OF_TWO = (
    "ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "LOGICAL_LEFT_SHIFT", "LOGICAL_RIGHT_SHIFT", "ARITHMETIC_RIGHT_SHIFT",
)  # fmt: skip

#: Of an operation whose first operand may have one element.
_MOST_BROADCAST_DIMENSIONS = 4

#: Operators that Vela computes batch after batch, and the number of batches of which the last is forgotten.
_BY_BATCH = ("AVG_POOL2D", "CONV2D", "DEPTHWISE_CONV2D", "MATMUL", "MAX_POOL2D", "RESIZE", "TRANSPOSE_CONV2D")
_BATCHES = 2

#: Int32 words of a sum of 48 bits.
_WORDS = 2

#: Types that sums are narrowed to.
_NARROW = ("INT8", "INT16")

#: Above it, double rounding differs from single rounding.
_MOST_SHIFT = 31


#: Kind -> the families on which there is such a fault. Large constants are written to on Ethos-U65 too.
_FAMILIES = {one.name: one.affected[VERSIONS[0]] for one in MISCOMPILATIONS}


def open_to(graph: Graph, family: str, in_order: bool = False) -> set[str]:
    """Names of the kinds of miscompilation that the program is open to on the family, as in `ethos-u55`.

    Args:
        in_order: leave out those that only waits show. Executed one after the other, the operations of such a stream
            are right.
    """
    edit = Editor(graph)
    found = {"lost-padding"} if windows_without_padding(edit, graph.order) else set()
    found |= {"int48-scales"} if rescales_of_wide_sums(edit, graph.order) else set()
    kinds = _KINDS | {"written-constants": partial(written_constants, family=family)}
    kinds |= ({"narrowing-cast": _narrowed_index} if family == U85 else {}) | ({} if in_order else _WAITS)
    axes = AXES_U85 if family == U85 else AXES
    for node_id in graph.order:
        found |= {name for name, has_it in kinds.items() if has_it(graph, node_id)}
        node = graph[node_id]
        if node.op in ("TABLE", "CLAMP") and imposes_shape(edit, node, node.inputs[0], node.type.shape):
            found.add("batched-activation")
        # Ethos-U55 and U65 have no minimum: Vela subtracts, which reads the slice, and takes the maximum.
        if family == U85 or node.op != "REDUCE_MIN":
            found |= {"reduced-slice"} if lost_slice(edit, node, axes) is not None else set()
            found |= {"brick-padding"} if reduced_columns(edit, node) or _reduces_sums(graph, node) else set()
        if sharing(edit, node_id) or (family != U85 and _shares_bias_of_padding(graph, node_id)):
            found.add("shared-weights")
    return {name for name in found if family in _FAMILIES[name]}


def _reduces_sums(graph: Graph, node: Node) -> bool:
    """Whether a reduction along the last axis reads sums along another one. Vela computes these as `[...,W,1]`, and
    has the sums as `[...,1,W]`."""
    if node.op not in (*_REDUCTIONS, "ARGMAX") or node.attributes["axis"] != len(graph[node.inputs[0]].type.shape) - 1:
        return False
    source = seen(graph, node.inputs[0])
    while source.op in ("RESCALE", "TABLE", "CLAMP"):
        source = seen(graph, source.inputs[0])
    return source.op == "REDUCE_SUM" and source.attributes["axis"] != len(source.type.shape) - 1


def _shares_bias_of_padding(graph: Graph, node_id: int) -> bool:
    """Whether other TRANSPOSE_CONV2Ds with as many channels pad their results too, with other biases. Vela fills what
    is padded by a depthwise convolution, and the weights of these are equal."""
    if not _pads_its_result(graph[node_id]):
        return False
    bias = graph[graph[node_id].inputs[2]]
    others = (graph[graph[i].inputs[2]] for i in graph.order if _pads_its_result(graph[i]))
    return any(one.type == bias.type and one.payload != bias.payload for one in others)


def _pads_its_result(node: Node) -> bool:
    return node.op == "TRANSPOSE_CONV2D" and max(node.attributes["out_pad"]) > 0


def _sliced_matmul(graph: Graph, node_id: int) -> bool:
    node = graph[node_id]
    return node.op == "MATMUL" and operand(graph, node).op == "SLICE"


def _sliced_operands(graph: Graph, node_id: int) -> bool:
    """Whether its two operands are parts of one value, or one is a part of the other."""
    node = graph[node_id]
    if node.op not in (*_OF_TWO, "MATMUL"):
        return False
    (first, is_sliced), (second, other_is_sliced) = (_whole(graph, i) for i in node.inputs[:2])
    return first == second and (is_sliced or other_is_sliced)


def _whole(graph: Graph, value: int) -> tuple[int, bool]:
    """The value of which an operand is a part, and whether it was sliced. RESCALEs do not count, since an elementwise
    operation does them on its own."""
    is_sliced = False
    while graph[value].op in (MOVE, "IDENTITY", "RESCALE", "SLICE"):
        is_sliced = is_sliced or graph[value].op == "SLICE"
        value = graph[value].inputs[0]
    return value, is_sliced


def _two_batches(graph: Graph, node_id: int) -> bool:
    node = graph[node_id]
    return node.op in _BY_BATCH and node.type.shape[0] == _BATCHES


def _addition_scales(graph: Graph, node_id: int) -> bool:
    node = graph[node_id]
    if node.op not in ("ADD", "SUB"):
        return False
    operands = [seen(graph, i) for i in node.inputs]
    if any(one.op != "RESCALE" for one in operands):
        return False
    scales = [numbers(graph, one, 1)[0] / 2 ** numbers(graph, one, 2)[0] for one in operands]
    return scales[0] != scales[1] and all(scale.is_integer() for scale in scales)


def _lost_saturation(graph: Graph, node_id: int) -> bool:
    """Whether a RESCALE reads the result of one that is by one, with zero points 0, and that narrows."""
    node = graph[node_id]
    if node.op != "RESCALE":
        return False
    first = ordered_by(graph, node.inputs[0])
    if first.op != "RESCALE" or first.type.dtype not in _NARROW:
        return False
    multipliers, shifts, *zero_points = (numbers(graph, first, operand) for operand in range(1, 5))
    is_by_one = all(scale == 1 << shift for scale, shift in zip(multipliers, shifts, strict=True))
    narrows = _WIDTHS[first.type.dtype] < _WIDTHS[graph[first.inputs[0]].type.dtype]
    return is_by_one and narrows and not any(map(any, zero_points))


def _argmax_channels(graph: Graph, node_id: int) -> bool:
    node = graph[node_id]
    return node.op == "RESCALE" and operand(graph, node).op == "ARGMAX" and len(numbers(graph, node, 1)) > 1


def _brick_padding(graph: Graph, node_id: int) -> bool:
    """Whether a value that is rescaled needs more bricks in the shape before its RESCALE or after the next one."""
    node = graph[node_id]
    if node.op != "RESCALE" or graph[node.inputs[0]].op != MOVE:
        return False
    shapes = [graph[graph[node.inputs[0]].inputs[0]].type.shape]
    for reader in (i for i in graph.users[node_id] if graph[i].op == "RESCALE"):
        shapes += [graph[i].type.shape for i in graph.users[reader] if graph[i].op == MOVE]
    return len(shapes) > 1 and any(_in_bricks(shape) > _in_bricks(node.type.shape) for shape in shapes)


def _in_bricks(shape: tuple[int, ...]) -> int:
    """Elements, with the channels filled up to bricks."""
    return prod(shape[:-1]) * round_up(shape[-1], _BRICK) if shape else _BRICK


def _double_rounded_sum(graph: Graph, node_id: int) -> bool:
    node = graph[node_id]
    operands = [seen(graph, i) for i in node.inputs] if node.op in ("ADD", "SUB") else []
    return any(one.op == "RESCALE" and one.attributes["rounding_mode"] == "DOUBLE_ROUND" for one in operands)


def _read_booleans(graph: Graph, node_id: int) -> bool:
    """Whether a BOOL output, or another shape or order of it, is read."""
    if graph[node_id].type.dtype != "BOOL" or ordered_by(graph, node_id) not in given_out(graph):
        return False
    return bool(readers(graph, node_id))


def _nearest_axes(graph: Graph, node_id: int) -> bool:
    """Whether rows and columns are not repeated alike, from one half pixel or corner to the other."""
    node = graph[node_id]
    if node.op != "RESIZE" or node.attributes["mode"] != "NEAREST":
        return False
    (rows, above, columns, beside), offset, border = (node.attributes[name] for name in ("scale", "offset", "border"))
    if rows != columns or above != beside:
        return True
    half = (rows // 2 - 1) if above == 2 else 0
    return offset != (-half, -half) or border != (half, half)


def _reduced_minimum(graph: Graph, node_id: int) -> bool:
    node = graph[node_id]
    if node.op != "REDUCE_MIN":
        return False
    return any(graph[i].op == MOVE for value in (node_id, node.inputs[0]) for i in graph.users[value])


def _overwritten_indices(graph: Graph, node_id: int) -> bool:
    node = graph[node_id]
    return node.op in ("GATHER", "SCATTER") and seen(graph, node.inputs[1]).op != CONST


def _tensor_shape(graph: Graph, node_id: int) -> bool:
    node = graph[node_id]
    if node.op != "SELECT" and (node.op != "RESIZE" or node.type.shape != graph[node.inputs[0]].type.shape):
        return False
    return any(graph[reader].op == MOVE for i in (*node.inputs, node_id) for reader in graph.users[i])


def _reshaped_selection(graph: Graph, node_id: int) -> bool:
    """Whether it selects from a RESHAPE of a value that has other readers."""
    node = graph[node_id]
    moves = [graph[i] for i in node.inputs if graph[i].op == MOVE] if node.op == "SELECT" else []
    return any(len(graph.users[one.inputs[0]]) > 1 for one in moves)


def _matmul_channels(graph: Graph, node_id: int) -> bool:
    node = graph[node_id]
    return node.op == "RESCALE" and operand(graph, node).op == "MATMUL" and len(numbers(graph, node, 1)) > 1


def _sliced_reduction(graph: Graph, node_id: int) -> bool:
    node = graph[node_id]
    if node.op == "PAD":
        return operand(graph, node).op in _REDUCTIONS
    return node.op == "CONCAT" and any(seen(graph, i).op in _REDUCTIONS for i in node.inputs)


def _scaled_max_pool(graph: Graph, node_id: int) -> bool:
    node = graph[node_id]
    return node.op == "RESCALE" and operand(graph, node).op == "MAX_POOL2D"


def _batched_average(graph: Graph, node_id: int) -> bool:
    node = graph[node_id]
    if node.op != "AVG_POOL2D" or node.type.shape[0] == 1 or not any(node.attributes["pad"]):
        return False
    return max(node.attributes["kernel"]) > _MOST_KERNEL or max(node.attributes["stride"]) > _MOST_STRIDE


def _wide_bricks(graph: Graph, node_id: int) -> bool:
    """Whether it has several results for each of two channels, two columns, and INT48 sums that are not fused."""
    node = graph[node_id]
    if node.op != "DEPTHWISE_CONV2D" or node.type.dtype != "INT48" or len(graph.users[node_id]) == 1:
        return False
    _, _, channels, times = graph[node.inputs[1]].type.shape
    return times > 1 and channels == node.type.shape[2] == _WORDS


def _narrowing_cast(graph: Graph, node_id: int) -> bool:
    node = graph[node_id]
    return node.op == "CAST" and _WIDTHS[node.type.dtype] < _WIDTHS[graph[node.inputs[0]].type.dtype]


def _narrowed_index(graph: Graph, node_id: int) -> bool:
    """A cast that a TABLE reads, which alone saturates on Ethos-U85."""
    node = graph[node_id]
    if node.op != "TABLE":
        return False
    while node.op in (MOVE, "TABLE"):
        node_id = node.inputs[0]
        node = graph[node_id]
    return _narrowing_cast(graph, node_id)


def _scalar_operand(graph: Graph, node_id: int) -> bool:
    node = graph[node_id]
    if node.op not in _OF_TWO or len(node.type.shape) <= _MOST_BROADCAST_DIMENSIONS:
        return False
    return graph[node.inputs[0]].type.elements == 1 != node.type.elements


def _shifted_clamp(graph: Graph, node_id: int) -> bool:
    node = graph[node_id]
    if node.op == "TABLE":
        return operand(graph, node).op == "LOGICAL_LEFT_SHIFT"
    return node.op == "CLAMP" and operand(graph, node).op in _LOGICAL_SHIFTS


def _rounded_negation(graph: Graph, node_id: int) -> bool:
    """Whether a NEGATE's result is rescaled with DOUBLE_ROUND by more bits than round alike, other RESCALEs aside."""
    node = graph[node_id]
    if node.op != "RESCALE" or node.attributes["rounding_mode"] != "DOUBLE_ROUND":
        return False
    if max(numbers(graph, node, 2)) <= _MOST_SHIFT:
        return False
    source = operand(graph, node)
    while source.op == "RESCALE":
        source = operand(graph, source)
    return source.op == "NEGATE"


def _rounded_product(graph: Graph, node_id: int) -> bool:
    node = graph[node_id]
    return node.op == "MUL" and numbers(graph, node, 2)[0] > _MOST_SHIFT


_KINDS: dict[str, Callable[[Graph, int], bool]] = {
    "addition-scales": _addition_scales,
    "argmax-channels": _argmax_channels,
    "batched-average": _batched_average,
    "brick-padding": _brick_padding,
    "cancelled-transposes": cancelled_transposes,
    "double-rounded-sum": _double_rounded_sum,
    "empty-window": empty_window,
    "fused-padding": fused_padding,
    "lost-output": lost_output,
    "lost-saturation": _lost_saturation,
    "matmul-channels": _matmul_channels,
    "narrowing-cast": _narrowing_cast,
    "nearest-axes": _nearest_axes,
    "padded-zero-point": padded_zero_point,
    "read-booleans": _read_booleans,
    "reduced-minimum": _reduced_minimum,
    "reshaped-padding": reshaped_padding,
    "rounded-negation": _rounded_negation,
    "rounded-product": _rounded_product,
    "scalar-operand": _scalar_operand,
    "scaled-max-pool": _scaled_max_pool,
    "shifted-clamp": _shifted_clamp,
    "sliced-matmul": _sliced_matmul,
    "sliced-reduction": _sliced_reduction,
    "tensor-shape": _tensor_shape,
    "reshaped-selection": _reshaped_selection,
    "wide-bricks": _wide_bricks,
}

_WAITS: dict[str, Callable[[Graph, int], bool]] = {
    "sliced-operands": _sliced_operands,
    "overwritten-indices": _overwritten_indices,
    "transposed-blocks": transposed_blocks,
    "transposed-rows": transposed_blocks,
    "square-transposes": square_transposes,
    "two-batches": _two_batches,
}
