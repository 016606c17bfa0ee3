"""Hypothesis strategies for well-formed TOSA programs that the reference model runs to the end."""

from itertools import chain

import numpy as np
from hypothesis import strategies as st

from search_space.ir.graph import Graph, TensorType
from support.random.attention import BRANCHES, CONSTANT_PRODUCTS, GROUPS, HEADS, PRODUCTS, PROJECTIONS, SLICED_PRODUCTS
from support.random.builder import Builder, shapes
from support.random.channel_constants import CHANNEL_CONSTANTS
from support.random.channels import CHANNEL_ORDERS
from support.random.convolutions import BLOCKS, COLUMNS, DILATED, NARROW, PADDED, PIXELS, STRIDED, TALL
from support.random.copies import COPIES, NESTED, SLICED, SLICES_OF_SLICES, TWO_SHAPES
from support.random.functions import FUNCTIONS, FUNCTIONS_OF_JOINED, JOINED_FUNCTIONS, TABLES
from support.random.gathers import GATHERS_OF_MOVED, MOVED_GATHERS
from support.random.joins import CONCATS_OF_MOVED, MOVED_CONCATS, SETTLING, SLICES_OF_MERGED
from support.random.kinds import Kind
from support.random.layers import LAYERS, LAYERS_1D, WINDOWS
from support.random.movements import (
    AFTER,
    BEFORE,
    CHAINS,
    DETOURS,
    MOVED_CONSTANTS,
    MOVEMENTS,
    UNIT_MOVEMENTS,
    WIDE_TRANSPOSES,
)  # fmt: skip
from support.random.new_convolutions import AVERAGES, DEPTHWISE, FEW_INPUTS, PHASES, WHOLE_AVERAGES
from support.random.operators import CONCATS, ELEMENTWISE, GATHERS, NOOPS, REDUCTIONS, SLICES
from support.random.packed import PACKED
from support.random.pools import POOLED
from support.random.prelus import PRELUS
from support.random.repeats import BATCHES, REPEATED_BEHIND, REPEATED_RESCALES, REPEATS
from support.random.shapes_for_vela import ACTIVATIONS, WINDOWS_OF_SLICES
from support.random.sums import FEW_CHANNELS, MAXIMA, SCALED_SUMS, SUMS, TURNED_PRODUCTS

_OTHERS = [*CONCATS, *SLICES, *REDUCTIONS, *GATHERS, *LAYERS, *WINDOWS]
_KINDS = [MOVEMENTS, MOVEMENTS, ELEMENTWISE, ELEMENTWISE, _OTHERS, _OTHERS, LAYERS_1D, MOVED_CONSTANTS, NOOPS]

_DOWN = [*CONCATS_OF_MOVED, *GATHERS_OF_MOVED, *SLICES_OF_MERGED, *chain(*BEFORE.values())]
_UP = [*MOVED_CONCATS, *MOVED_GATHERS, *chain(*AFTER.values())]

#: What makes a pass or choice likely to find a site, by its name or its name with options; and what Vela gets wrong.
OFTEN: dict[str, Kind] = {
    "carried-table": TABLES,
    "channel-by-depthwise": CHANNEL_CONSTANTS,
    "channels-into-weights": CHANNEL_ORDERS,
    "conv-along-width": COLUMNS,
    "conv1d": LAYERS_1D,
    "dilation-to-grid": DILATED,
    "fill-channels": FEW_CHANNELS,
    "flatten-pixels": PIXELS,
    "copy-by-conv": COPIES,
    "copy-reshaped-operand": TWO_SHAPES,
    "copy-sliced-operand": SLICED_PRODUCTS,
    "flatten-concat": NESTED,
    "fold-constants": MOVED_CONSTANTS,
    "fuse-transposes": CHAINS,
    "group-pixels": PIXELS,
    "groups-apart": GROUPS,
    "heads-apart": HEADS,
    "hoist-moves": _UP,
    "max-tree": MAXIMA,
    "int4-as-int8": PACKED,
    "matmul-as-convolution": CONSTANT_PRODUCTS,
    "matmul-by-rows": PRODUCTS,
    "merge-projections": BRANCHES,
    "merge-transposed-axes": DETOURS + WIDE_TRANSPOSES,
    "move-by-convolution": BLOCKS,
    "merge-slices": SLICES_OF_SLICES,
    "order-channels": CHANNEL_ORDERS,
    "pad-into-convolution": PADDED,
    "phases-by-conv": PHASES,
    "depthwise-as-conv": DEPTHWISE,
    "plan-moves": DETOURS,
    "pool-by-depthwise": AVERAGES,
    "pool-by-depthwise{whole=true}": WHOLE_AVERAGES,
    "pool-first": POOLED,
    "prelu": PRELUS,
    "remove-noops": NOOPS,
    "settle-moves": SETTLING * 6 + _DOWN + _UP,
    "share-equal": REPEATS,
    "share-equal{behind=true}": REPEATED_BEHIND,
    "share-equal{rescales=true}": REPEATS + REPEATED_RESCALES,
    "sink-moves": _DOWN,
    "stride-to-depth": STRIDED,
    "split-projection": PROJECTIONS,
    "slices-into-weights": SLICED,
    "sum-by-depthwise": SUMS,
    "sum-tree": SUMS,
    "table": FUNCTIONS,
    "through-concat": CONCATS_OF_MOVED,
    "through-concat{mixed=true,up=true}": MOVED_CONCATS,
    "through-concat{up=true}": MOVED_CONCATS,
    "through-elementwise": BEFORE["elementwise"],
    "through-elementwise{up=true}": AFTER["elementwise"],
    "through-gathers": GATHERS_OF_MOVED,
    "through-gathers{up=true}": MOVED_GATHERS,
    "through-reductions": BEFORE["reductions"],
    "through-reductions{up=true}": AFTER["reductions"],
    "through-rescale": BEFORE["rescales"],
    "through-rescale{up=true}": AFTER["rescales"],
    "through-slices": BEFORE["slices"] + SLICES_OF_MERGED,
    "through-slices{up=true}": AFTER["slices"],
    "through-windows": BEFORE["windows"],
    "through-windows{up=true}": AFTER["windows"],
    "trim-kernel": NARROW,
    "turn-convolution": TALL,
    "turn-matmul": TURNED_PRODUCTS,
    "unary-joins": JOINED_FUNCTIONS,
    "unary-joins{up=true}": FUNCTIONS_OF_JOINED,
    "unbatch": BATCHES,
    "unit-transposes": UNIT_MOVEMENTS,
    "unscaled-sum": SCALED_SUMS,
    "widen-conv": FEW_INPUTS,
    "window-to-depth": STRIDED + NARROW,
    "activations": ACTIVATIONS,
    "windows of slices": WINDOWS_OF_SLICES,
}


@st.composite
def graphs(draw: st.DrawFn, most_operators: int = 10, often: str = "") -> Graph:
    """Well-formed programs of some `most_operators` operators that are defined on every input (int32 inputs: within
    2^15). Values have several users, outputs are also used inside, are inputs, and are given out twice.

    often: a pass or choice, with its options, that should find a site in most of the programs, or another of OFTEN.
    """
    wanted = OFTEN.get(often) or OFTEN.get(often.partition("{")[0], MOVEMENTS)
    b = Builder(draw, np.random.default_rng(draw(st.integers(0, 2**16))))
    for _ in range(draw(st.integers(1, 3))):
        tensor = b.type(b.inputs[0]) if b.inputs else None
        if tensor is None or draw(st.booleans()):
            dtype = draw(st.sampled_from(["INT8", "INT8", "INT32", "INT32", "INT16", "BOOL"]))
            tensor = TensorType(draw(st.one_of(shapes(), shapes(4, 4), shapes(2, 4))), dtype)
        b.input(tensor)
    count = draw(st.integers(2, most_operators))
    for at in range(count):
        now = bool(often) and (at == count - 1 or not b.chance(4))
        operator = draw(st.sampled_from(wanted if now else draw(st.sampled_from(_KINDS))))
        value = b.pick(operator.dtypes, operator.rank)
        if value is not None:
            operator.put(b, value)
    used = {i for node in b.nodes.values() for i in node.inputs}
    results = [v for v in b.values if b.type(v).dtype != "INT48"]
    leaves = [v for v in results if v not in used and v not in b.inputs][-4:]
    extra = [draw(st.sampled_from(results)) for _ in range(draw(st.integers(0 if leaves else 1, 2)))]
    outputs = tuple(draw(st.permutations(leaves + extra)))
    whole = Graph(b.nodes, tuple(b.inputs), outputs, len(b.nodes))
    return Graph({i: whole[i] for i in whole.order}, whole.inputs, outputs, whole.next_id)
