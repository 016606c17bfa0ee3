"""Hypothesis strategies for well-formed TOSA programs that the reference model runs to the end."""

import numpy as np
from hypothesis import strategies as st

from search_space.ir.graph import Graph, TensorType
from velatune.testing.random.builder import Builder, shapes
from velatune.testing.random.kinds import Kind
from velatune.testing.random.layers import LAYERS, LAYERS_1D, WINDOWS
from velatune.testing.random.movements import MOVED_CONSTANTS, MOVEMENTS
from velatune.testing.random.operators import CONCATS, ELEMENTWISE, GATHERS, NOOPS, REDUCTIONS, SLICES

_OTHERS = [*CONCATS, *SLICES, *REDUCTIONS, *GATHERS, *LAYERS, *WINDOWS]
_KINDS = [MOVEMENTS, MOVEMENTS, ELEMENTWISE, ELEMENTWISE, _OTHERS, _OTHERS, LAYERS_1D, MOVED_CONSTANTS, NOOPS]


@st.composite
def graphs(draw: st.DrawFn, most_operators: int = 10, often: Kind | None = None) -> Graph:
    """Well-formed programs that are defined on every input (int32 inputs: within 2^15).

    Values have several users. Outputs are also used inside the program, are inputs, and are returned twice.

    Args:
        draw: Hypothesis's draw function.
        most_operators: about how many operators a program has at most.
        often: operators that are put into most of the programs, among others of all kinds.

    Returns:
        The strategy.
    """
    builder = Builder(draw, np.random.default_rng(draw(st.integers(0, 2**16))))
    for _ in range(draw(st.integers(1, 3))):
        tensor = builder.type(builder.inputs[0]) if builder.inputs else None
        if tensor is None or draw(st.booleans()):
            dtype = draw(st.sampled_from(["INT8", "INT8", "INT32", "INT32", "INT16", "BOOL"]))
            tensor = TensorType(draw(st.one_of(shapes(), shapes(4, 4), shapes(2, 4))), dtype)
        builder.input(tensor)
    count = draw(st.integers(2, most_operators))
    for at in range(count):
        wanted = often
        if wanted is None or (at < count - 1 and builder.chance(4)):
            wanted = draw(st.sampled_from(_KINDS))
        operator = draw(st.sampled_from(wanted))
        value = builder.pick(operator.dtypes, operator.rank)
        if value is not None:
            operator.put(builder, value)
    return _with_outputs(draw, builder)


def _with_outputs(draw: st.DrawFn, builder: Builder) -> Graph:
    """The program under construction, whose last unread values are outputs, and some others too."""
    used = {i for node in builder.nodes.values() for i in node.inputs}
    results = [v for v in builder.values if builder.type(v).dtype != "INT48"]
    leaves = [v for v in results if v not in used and v not in builder.inputs][-4:]
    extra = [draw(st.sampled_from(results)) for _ in range(draw(st.integers(0 if leaves else 1, 2)))]
    outputs = tuple(draw(st.permutations(leaves + extra)))
    whole = Graph(builder.nodes, tuple(builder.inputs), outputs, len(builder.nodes))
    return Graph({i: whole[i] for i in whole.order}, whole.inputs, outputs, whole.next_id)
