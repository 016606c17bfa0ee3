"""What Vela gets wrong in some shapes: activations behind operations of other shapes, and padded windows of slices."""

from math import prod

from hypothesis import strategies as st

from velatune.testing.program import Program
from velatune.testing.random.builder import ALL, Builder, steps
from velatune.testing.random.kinds import Kind, on

ACTIVATIONS: Kind = []
WINDOWS_OF_SLICES: Kind = []


@on(*ALL, kind=ACTIVATIONS)
def _activation(b: Builder, value: int) -> None:
    """TABLE or CLAMP, often of a batch, behind a convolution, a pool or a sum, with movements before and after it."""
    p, before = Program(b.nodes, b.inputs), len(b.nodes)
    shape = b.draw(st.sampled_from([(1, 2, 4), (4, 1, 1), (2, 1, 4), (2, 2, 2), (6, 1, 1), (3, 1, 2)]))
    value = p.input(*shape, b.draw(st.sampled_from([2, 8])))
    kind = b.draw(st.sampled_from(["conv", "conv", "conv", "depthwise", "pool", "sum", "add", "nothing"]))
    if kind == "conv":
        value = p.conv(value, 8, b.draw(st.sampled_from([(1, 1), (1, 1), (2, 1)])))
    elif kind == "depthwise":
        value = p.conv(value, p.shape(value)[3], (2, 2), depthwise=True)
    elif kind == "pool":
        value = p.max_pool(value, 1)
    elif kind == "sum":
        value = p.sum(value, b.draw(st.integers(1, 2)))
    elif kind == "add":
        value = p.add(value, value)
    value = _moved(b, p, value)
    value = p.table(value) if b.draw(st.booleans()) else p.clamp(value, -90, 80)
    value = _moved(b, p, value)
    if b.chance(3):
        elements, channels = prod(p.shape(value)), p.shape(value)[-1]
        value = p.conv(p.reshape(value, 1, elements // channels, 1, channels), 2)
    _finish(b, before, value)


@on(*ALL, kind=WINDOWS_OF_SLICES)
def _window_of_a_slice(b: Builder, value: int) -> None:
    """A depthwise convolution of a slice, with movements or a CLAMP that does nothing between them."""
    p, before = Program(b.nodes, b.inputs), len(b.nodes)
    batch, width, channels = (
        b.draw(st.integers(1, 2)),
        b.draw(st.sampled_from([1, 5])),
        b.draw(st.sampled_from([9, 12])),
    )
    value = p.input(batch, 6, width, channels + 1)
    if b.draw(st.booleans()):
        value = p.slice(value, (0, 0, 0, 0), (batch, 6, width, channels))
    if b.chance(3):
        value = p.clamp(value)
    if b.chance(3):
        value = p.transpose(p.transpose(value, 0, 2, 1, 3), 0, 2, 1, 3)
    dilation = b.draw(st.integers(1, 3)), 1
    value = p.conv(value, p.shape(value)[3], (b.draw(st.integers(1, 3)), 1), dilation=dilation, depthwise=True)
    _finish(b, before, value)


def _moved(b: Builder, p: Program, value: int) -> int:
    """The value after up to two movements."""
    for _ in range(b.draw(st.integers(0, 2))):
        step = b.draw(steps(p.shape(value)))
        move = p.transpose if step.kind == "transpose" else p.reshape
        value = move(value, *step.argument)
    return value


def _finish(b: Builder, before: int, value: int) -> None:
    for node_id in range(before, len(b.nodes)):
        b.bounds[node_id] = (-128, 127) if b.type(node_id).dtype == "INT8" else (-(1 << 30), 1 << 30)
    b.values.append(value)
