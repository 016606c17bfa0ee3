"""Operators on the CPU that only select elements, on the int8 values that these stand for."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from workers.ethos_u.cost.estimates.host_operators import HostOperator
from workers.ethos_u.lowering.frontend.edge import dequantises, is_constant, quantises, short_name
from workers.ethos_u.lowering.frontend.function_table import FunctionTables, before_partitioning_with
from workers.ethos_u.lowering.frontend.places import places, repetitions, runs, step

if TYPE_CHECKING:
    from executorch.backends.arm.tosa.specification import TosaSpecification
    from torch.export import ExportedProgram
    from torch.fx import Node

#: Operators of ATen whose results are elements of their first operand, whatever its values are.
_MOVEMENTS = {
    "_clone_dim_order", "alias_copy", "clone", "expand_copy", "flip", "index", "index_select",
    "permute_copy", "pixel_shuffle", "pixel_unshuffle", "repeat", "roll", "select_copy", "slice_copy", "squeeze_copy",
    "t_copy", "transpose_copy", "unfold_copy", "unsqueeze_copy", "upsample_nearest2d", "view_copy",
}  # fmt: skip

#: Those whose results are the largest or smallest of some elements.
_EXTREMES = {"adaptive_max_pool2d", "amax", "amin", "max_pool2d", "max_pool2d_with_indices"}

#: Elements are distinguished by number, in single precision.
_MOST_ELEMENTS = 2**24

#: Slices along an axis. Each is an operation of the NPU at least.
_MOST_SLICES = 64

_FIRST_EXPONENT = -1_000_000.5

_Target = Callable[..., Any]


@contextmanager
def lowering(alternative: str) -> Iterator[None]:
    """Inside the block, ExecuTorch is given such operators on int8 values."""
    with before_partitioning_with(FunctionTables(f"host-selection={alternative}", _FIRST_EXPONENT), _select):
        yield


def concerns(host_operators: Iterable[HostOperator]) -> bool:
    """Whether the default lowering leaves anything on the CPU that may be such an operator."""
    return any(one.name.split(".")[1] in _MOVEMENTS | _EXTREMES for one in host_operators if "." in one.name)


def _select(tables: FunctionTables, program: ExportedProgram, spec: TosaSpecification) -> None:
    """Let what selects among dequantised values select among the int8 values."""
    from executorch.backends.arm.operator_support.tosa_supported_operators import tosa_support_factory
    from executorch.backends.arm.tosa.partitioner import DecomposableLargeStrideMaxPool2dForU55Supported
    from executorch.exir.backend.utils import WhyNoPartitionReporter
    from torch.fx import Node

    graph = program.graph_module.graph
    pools = DecomposableLargeStrideMaxPool2dForU55Supported(spec)
    support = tosa_support_factory(spec, program, WhyNoPartitionReporter(), additional_positive_checks=[pools])

    def is_taken(node: Node) -> bool:
        return support.is_node_supported({}, node)

    selected: dict[Node, _Selected] = {}
    for node in list(graph.nodes):
        if dequantises(node):
            selected[node] = _Selected(node.args[0], node, False)
        elif node.args and isinstance(node.args[0], Node) and node.args[0] in selected:
            before = selected[node.args[0]]
            value = _on_int8(program, node, before.value, is_taken)
            if value is not None:
                selected[node] = _Selected(value, before.source, before.was_refused or not is_taken(node))
    for node, one in selected.items():
        if one.was_refused:
            for reader in [reader for reader in node.users if reader not in selected]:
                _read(tables, node, reader, one)
    graph.eliminate_dead_code()
    program.graph_module.recompile()


@dataclass(frozen=True)
class _Selected:
    """A value that consists of elements of another one.

    Attributes:
        value: elements of what `source` dequantises, as int8.
        source: a dequantise.
        was_refused: whether ExecuTorch leaves an operator on the CPU that selected them.
    """

    value: Node
    source: Node
    was_refused: bool


def _read(tables: FunctionTables, node: Node, reader: Node, selected: _Selected) -> None:
    """Let a reader of a float value read the int8 values that it was selected from."""
    values = _values(selected.source)
    if quantises(reader) and np.array_equal(_quantised(selected.source, reader, values), values):
        reader.replace_all_uses_with(selected.value)
        return
    dequantise = cast("_Target", selected.source.target)
    with reader.graph.inserting_before(reader):
        floats = reader.graph.call_function(dequantise, (selected.value, *selected.source.args[1:]))
    floats.meta = dict(node.meta)
    if quantises(reader):
        tables.put(floats, reader, lambda x: x)
    else:
        reader.replace_input_with(node, floats)


def _values(dequantise: Node) -> np.ndarray:
    lowest, highest = dequantise.args[3:5]
    return np.arange(lowest, highest + 1, dtype=np.int8)  # type: ignore[operator]


def _quantised(dequantise: Node, quantise: Node, values: np.ndarray) -> np.ndarray:
    """What quantising makes of dequantised values."""
    import torch

    there: Any = getattr(dequantise.target, "_op", dequantise.target)
    back: Any = getattr(quantise.target, "_op", quantise.target)
    floats = there(torch.from_numpy(values), *dequantise.args[1:])
    result: np.ndarray = back(floats, *quantise.args[1:]).numpy()
    return result


def _on_int8(program: ExportedProgram, node: Node, value: Node, is_taken: Callable[[Node], bool]) -> Node | None:
    """What an operator selects, of int8 values, in operators that ExecuTorch takes; None if it does not select, or if
    there are no such operators."""
    kind = "getitem" if node.target is operator.getitem else short_name(node)
    if kind not in _MOVEMENTS | _EXTREMES | {"getitem"}:
        return None
    if any(not _is_known(program, one) for one in node.all_input_nodes if one is not node.args[0]):
        return None
    if kind == "getitem" and node.args[1] != 0:
        return None
    with node.graph.inserting_before(node):
        if kind == "adaptive_max_pool2d":
            same = _adaptive(node, value)
        else:
            same = _call(cast("_Target", node.target), value, *node.args[1:], **node.kwargs)
        if same is None or is_taken(same):
            return same
        return _sliced(program, node, value) if kind in _MOVEMENTS else None


def _adaptive(node: Node, value: Node) -> Node | None:
    """An adaptive max pool whose windows have one size, as a max pool."""
    from executorch.exir.dialects._ops import ops

    sizes, results = value.meta["val"].shape[-2:], node.args[1]
    if any(size % result for size, result in zip(sizes, results, strict=True)):  # type: ignore[arg-type]
        return None
    window = [size // result for size, result in zip(sizes, results, strict=True)]  # type: ignore[arg-type]
    strides = [1 if result == 1 else width for width, result in zip(window, results, strict=True)]  # type: ignore[arg-type]
    return _call(ops.edge.aten.max_pool2d_with_indices.default, value, window, strides)


def _sliced(program: ExportedProgram, node: Node, value: Node) -> Node | None:
    """What an operator moves, as slices of int8 values."""
    shape = tuple(value.meta["val"].shape)
    if prod(shape) >= _MOST_ELEMENTS:
        return None
    found = places(_moved_numbers(program, node, shape), shape)
    if found is None or max(map(_operations, found)) > _MOST_SLICES:
        return None
    for axis, along in enumerate(found):
        value = _moved(value, axis, along)
    return value


def _is_known(program: ExportedProgram, node: Node) -> bool:
    """Whether a value is the same in every run."""
    import torch

    if node.op != "call_function":
        return is_constant(program, node)
    tags = getattr(getattr(node.target, "_op", node.target), "tags", ())
    seeded = torch.Tag.nondeterministic_seeded in tags
    return not seeded and all(_is_known(program, operand) for operand in node.all_input_nodes)


def _moved_numbers(program: ExportedProgram, moving: Node, shape: tuple[int, ...]) -> np.ndarray:
    """What comes of the numbers of the elements where the elements themselves go."""
    import torch
    from executorch.backends.arm._passes.arm_pass_utils import get_param_tensor

    source: Any = moving.args[0]
    known: dict[Node, Any] = {source: torch.arange(prod(shape), dtype=torch.float32).reshape(shape)}

    def value(node: Node) -> Any:
        if node not in known:
            if node.op == "call_function":
                called: Any = getattr(node.target, "_op", node.target)
                arguments, named = torch.fx.map_arg((node.args, node.kwargs), value)
                known[node] = called(*arguments, **named)
            else:
                known[node] = get_param_tensor(program, node)
        return known[node]

    numbers: np.ndarray = value(moving).long().numpy()
    return numbers


def _operations(along: np.ndarray) -> int:
    return 1 if repetitions(along) > 1 or step(along) > 1 else len(runs(along))


def _moved(value: Node, axis: int, along: np.ndarray) -> Node:
    """The value with these places of an axis."""
    from executorch.exir.dialects._ops import ops

    aten = ops.edge.aten
    sizes = list(value.meta["val"].shape)
    if np.array_equal(along, np.arange(sizes[axis])):
        return value
    first, last, times = int(along[0]), int(along[-1]), repetitions(along)
    if (apart := step(along)) > 1:
        return _call(aten.slice_copy.Tensor, value, axis, first, last + 1, apart)
    if times > 1:
        sizes[axis] = last + 1 - first
        part = _call(aten.slice_copy.Tensor, value, axis, first, last + 1)
        one = _call(aten.view_copy.default, part, [*sizes[: axis + 1], 1, *sizes[axis + 1 :]])
        all_of_it = _call(aten.cat.default, [one] * times, axis + 1)
        sizes[axis] = len(along)
        return _call(aten.view_copy.default, all_of_it, sizes)
    parts = [_call(aten.slice_copy.Tensor, value, axis, start, start + length) for start, length in runs(along)]
    return parts[0] if len(parts) == 1 else _call(aten.cat.default, parts, axis)


def _call(target: _Target, *arguments: Any, **named: Any) -> Node:
    """A new operator on int8 values, with what it gives."""
    import torch
    from torch.utils import _pytree as pytree

    values = torch.fx.map_arg(arguments, lambda node: node.meta["val"])
    source: Any = arguments[0][0] if isinstance(arguments[0], list) else arguments[0]
    node: Node = source.graph.call_function(target, arguments, named)
    (first, *_) = pytree.tree_leaves(source.meta["val"])  # what is got out of several results reads all of them
    with first.fake_mode:
        node.meta = {**source.meta, "val": target(*values, **named)}
    return node
