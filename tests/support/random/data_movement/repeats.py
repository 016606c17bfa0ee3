"""What is computed twice, and elementwise operators on several rows or a batch."""

from dataclasses import replace

from hypothesis import strategies as st

from search_space.ir.graph import CONST, INPUT, TensorType
from velatune.testing.random.builder import ALL, INTEGERS, Builder
from velatune.testing.random.kinds import Kind, on
from velatune.testing.random.movements import read
from velatune.testing.random.operators import ELEMENTWISE, RESCALES, rescaled

REPEATS: Kind = []
REPEATED_RESCALES: Kind = []
REPEATED_BEHIND: Kind = []
BATCHES: Kind = []


@on(*ALL, kind=REPEATS)
def _repeated(b: Builder, value: int) -> None:
    """The last operator once more, in one way or another; both are read."""
    _twice(b, value if b.nodes[value].op not in (INPUT, "RESCALE") else read(b, value))


@on(*INTEGERS, kind=REPEATED_RESCALES)
def _repeated_rescale(b: Builder, value: int) -> None:
    _twice(b, read(b, value, RESCALES))


@on("INT8", "INT16", kind=REPEATED_BEHIND)
def _repeated_behind(b: Builder, value: int) -> None:
    """RESCALE to INT32 and operators behind it, all of them twice."""
    chain = [rescaled(b, value, "INT32")]
    for _ in range(b.draw(st.integers(1, 2))):
        before = len(b.nodes)
        read(b, chain[-1], ELEMENTWISE)
        chain += [i for i in range(before, len(b.nodes)) if b.nodes[i].op not in (CONST, INPUT)]
    again: dict[int, int] = {}
    for one in chain:
        again[one] = _again(b, one, again)
    b.draw(st.sampled_from([_both_read, _combined]))(b, chain[-1], again[chain[-1]])


def _twice(b: Builder, value: int) -> None:
    node = b.nodes[value]
    if node.op == INPUT:
        return
    again = _again(b, value, {})
    if node.type.dtype not in ("BOOL", "INT48") and b.draw(st.booleans()):
        _combined(b, value, again)
    else:
        _both_read(b, value, again)


def _combined(b: Builder, value: int, again: int) -> None:
    tensor = b.type(value)
    if tensor.dtype == "BOOL":
        b.op("LOGICAL_XOR", (value, again), tensor.shape, "BOOL")
    else:
        b.op("BITWISE_XOR", (value, again), tensor.shape, tensor.dtype)


def _both_read(b: Builder, value: int, again: int) -> None:
    read(b, value)
    read(b, again)


def _again(b: Builder, value: int, others: dict[int, int]) -> int:
    """The operator once more, on the others where there are such, and often on another constant of the same content."""

    def copied(operand: int) -> int:
        constant = b.nodes[operand]
        if operand in others:
            return others[operand]
        if constant.op != CONST or b.draw(st.booleans()):
            return operand
        node_id = len(b.nodes)
        b.nodes[node_id] = replace(constant, name="again")
        b.bounds[node_id] = b.bounds.get(operand, (0, 0))
        return node_id

    node = b.nodes[value]
    return b.add(replace(node, inputs=tuple(copied(i) for i in node.inputs)), b.bounds[value])


@on(*ALL, kind=BATCHES)
def _batch(b: Builder, value: int) -> None:
    """Operators that treat every element alike, on a batch or a column of pixels."""
    n, h, w = b.draw(st.sampled_from([(2, 1, 1), (2, 2, 1), (2, 2, 3), (3, 1, 2), (1, 4, 1), (1, 3, 2), (4, 1, 1)]))
    value = b.input(TensorType((n, h, w, b.draw(st.integers(1, 4))), b.draw(st.sampled_from(INTEGERS))))
    for _ in range(b.draw(st.integers(1, 3))):
        value = read(b, value, ELEMENTWISE)
