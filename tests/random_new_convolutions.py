"""Movements and convolutions that are done otherwise as convolutions."""

from hypothesis import strategies as st
from random_builder import Builder
from random_kinds import Kind, on
from random_layers import convolved, transpose_convolved
from random_operators import rescaled

from search_space.graph import TensorType

PHASES: Kind = []
FEW_INPUTS: Kind = []


@on("INT8", kind=PHASES)
def _phases(b: Builder, value: int) -> None:
    """TRANSPOSE_CONV2D whose result is its data times its stride, and RESCALE."""
    n, h, w, c = (b.draw(st.integers(1, most)) for most in (2, 4, 4, 3))
    value = b.input(TensorType((n, h, w, c), "INT8"))
    stride = b.draw(st.sampled_from([(1, 1), (2, 2), (1, 2), (2, 1), (3, 2)]))
    kernel = b.draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    pad = []
    for step, size in zip(stride, kernel, strict=True):
        before = b.draw(st.integers(min(0, step - size), max(0, step - size)))
        pad += [before, step - size - before]
    sums = transpose_convolved(b, value, kernel, b.draw(st.integers(1, 3)), stride, tuple(pad))
    if sums is not None:
        rescaled(b, sums, "INT8")


@on("INT8", kind=FEW_INPUTS)
def _narrow(b: Builder, value: int) -> None:
    """A convolution with few channels on rows of several pixels, and RESCALE."""
    h, c = b.draw(st.integers(2, 4)), b.draw(st.integers(1, 3))
    value = b.input(TensorType((1, h, b.draw(st.sampled_from([12, 18, 24])), c), "INT8"))
    sums = convolved(b, value, b.draw(st.sampled_from([(2, 3), (1, 3), (1, 1)])), b.draw(st.integers(1, 3)))
    if sums is not None:
        rescaled(b, sums, "INT8")
