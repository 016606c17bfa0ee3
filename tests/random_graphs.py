"""Hypothesis strategies for well-formed TOSA programs that the reference model runs to the end."""

import numpy as np
from hypothesis import strategies as st
from random_builder import Builder, shapes
from random_operators import ELEMENTWISE, LAYERS_1D, MOVED_CONSTANTS, MOVEMENTS, NOOPS, OTHERS, RESCALES, Operator

from search_space.graph import INPUT, Graph, Node, TensorType

_KINDS = [MOVEMENTS, MOVEMENTS, ELEMENTWISE, ELEMENTWISE, OTHERS, OTHERS, LAYERS_1D, MOVED_CONSTANTS, NOOPS, RESCALES]

#: What makes a pass or choice likely to find a site; others find enough of them.
OFTEN = {
    "conv1d": LAYERS_1D, "fold-constants": MOVED_CONSTANTS, "remove-noops": NOOPS, "through-rescale": RESCALES,
}  # fmt: skip

_INT32_REACH = 1 << 15  # of an int32 input, as in workers.check_inputs


@st.composite
def graphs(draw: st.DrawFn, most_operators: int = 10, often: str = "") -> Graph:
    """Well-formed programs of some `most_operators` operators that are defined on every input (int32 inputs: within
    2^15). Values have several users, outputs are also used inside, are inputs, and are given out twice.

    often: name of a pass or choice that should find a site in most of the programs.
    """
    kinds: list[list[Operator]] = [*_KINDS, *[OFTEN.get(often, MOVEMENTS)] * 4]
    b = Builder(draw, np.random.default_rng(draw(st.integers(0, 2**16))))
    inputs = []
    for _ in range(draw(st.integers(1, 3))):
        tensor = b.type(inputs[0]) if inputs else None
        if tensor is None or draw(st.booleans()):
            dtype = draw(st.sampled_from(["INT8", "INT8", "INT32", "INT32", "INT16", "BOOL"]))
            tensor = TensorType(draw(st.one_of(shapes(), shapes(4, 4), shapes(2, 4))), dtype)
        reach = (-_INT32_REACH, _INT32_REACH - 1) if tensor.dtype == "INT32" else None
        inputs.append(b.add(Node(INPUT, (), tensor, name=f"input{len(inputs)}"), reach))
    for _ in range(draw(st.integers(2, most_operators))):
        operator = draw(st.sampled_from(draw(st.sampled_from(kinds))))
        value = b.pick(operator.dtypes, operator.rank)
        if value is not None:
            operator.put(b, value)
    used = {i for node in b.nodes.values() for i in node.inputs}
    results = [v for v in b.values if b.type(v).dtype != "INT48"]
    leaves = [v for v in results if v not in used and v not in inputs][-4:]
    extra = [draw(st.sampled_from(results)) for _ in range(draw(st.integers(0 if leaves else 1, 2)))]
    outputs = tuple(draw(st.permutations(leaves + extra)))
    whole = Graph(b.nodes, tuple(inputs), outputs, len(b.nodes))
    return Graph({i: whole[i] for i in whole.order}, whole.inputs, outputs, whole.next_id)
