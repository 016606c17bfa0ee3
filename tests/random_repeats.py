"""What is computed twice, and elementwise operators on several rows or a batch."""

from dataclasses import replace

from hypothesis import strategies as st
from random_builder import ALL, INTEGERS, Builder
from random_kinds import Kind, on
from random_movements import read
from random_operators import ELEMENTWISE, RESCALES

from search_space.graph import CONST, INPUT, TensorType

REPEATS: Kind = []
REPEATED_RESCALES: Kind = []
BATCHES: Kind = []


@on(*ALL, kind=REPEATS)
def _repeated(b: Builder, value: int) -> None:
    """The last operator once more, in one way or another; both are read."""
    _twice(b, value if b.nodes[value].op not in (INPUT, "RESCALE") else read(b, value))


@on(*INTEGERS, kind=REPEATED_RESCALES)
def _repeated_rescale(b: Builder, value: int) -> None:
    _twice(b, read(b, value, RESCALES))


def _twice(b: Builder, value: int) -> None:
    node = b.nodes[value]
    if node.op == INPUT:
        return

    def copied(operand: int) -> int:
        """Often another constant of the same content."""
        constant = b.nodes[operand]
        if constant.op != CONST or b.draw(st.booleans()):
            return operand
        node_id = len(b.nodes)
        b.nodes[node_id] = replace(constant, name="again")
        b.bounds[node_id] = b.bounds.get(operand, (0, 0))
        return node_id

    again = b.add(replace(node, inputs=tuple(copied(i) for i in node.inputs)), b.bounds[value])
    if node.type.dtype not in ("BOOL", "INT48") and b.draw(st.booleans()):
        b.op("BITWISE_XOR", (value, again), node.type.shape, node.type.dtype)
    else:
        read(b, value)
        read(b, again)


@on(*ALL, kind=BATCHES)
def _batch(b: Builder, value: int) -> None:
    """Operators that treat every element alike, on a batch or a column of pixels."""
    n, h, w = b.draw(st.sampled_from([(2, 1, 1), (2, 2, 1), (2, 2, 3), (3, 1, 2), (1, 4, 1), (1, 3, 2), (4, 1, 1)]))
    value = b.input(TensorType((n, h, w, b.draw(st.integers(1, 4))), b.draw(st.sampled_from(INTEGERS))))
    for _ in range(b.draw(st.integers(1, 3))):
        value = read(b, value, ELEMENTWISE)
