"""Convolutions with few channels that compute several pixels of a row as channels of one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np

from search_space.analysis.uniform_constant import uniform_value
from search_space.building.convolution import MOST_ROWS, MOST_STRIDE, MOST_TAPS
from search_space.building.new_convolution import convolved
from search_space.building.rounding import round_up
from search_space.ir.editor import Editor
from search_space.ir.graph import Node, Step, TensorType, move
from search_space.layout.constants import repeated_constant
from search_space.passes.base import Pass

#: Most bytes of weights, and most pixels that become one.
_MOST_WEIGHTS, _MOST_PIXELS = 1 << 19, 16

#: Products in the time in which one result is written, and in which a byte of weights is read from flash
#: (Ethos-U55-128 and U85-256, by Vela's cost models).
_PRODUCTS_PER_RESULT, _PRODUCTS_PER_WEIGHT = 64, 128

#: Convolutions of which the cheapest form is kept.
_KEPT = 1024


@dataclass(frozen=True)
class WidenConv(Pass):
    """Computes several neighbouring pixels as channels of one, with a wider kernel and stride.

    Source: Ethos-U55 and U85 in Vela's cost models. Results are computed by 8 channels and written by 16. Data is read
    by 8, and the taps of a kernel by 4. Of 12 channels a quarter is empty, and a quarter of a kernel of 3 x 3. Two
    pixels of 12 channels are one of 24. It is computed by a kernel of 3 x 4 = 12 taps with stride 2. The columns of the
    data can be grouped in the same way, also alone. In the limit a whole row is one pixel. Where k does not divide a
    row of results, a few more are computed and sliced off. Where it does not divide a row of the data, zero points fill
    it up.

    The pass does not apply where more products with zeros are added than are saved. Nor does it apply before a CONCAT:
    Vela writes results into it directly, but not through a reshape.

    Attributes:
        by_taps: whether the NPU goes through a kernel tap by tap, 4 at a time, as U85 does. It does so wherever the
            kernel has several taps and the data has up to 32 channels. A convolution of 1 x 1 with 32 channels then
            takes twice the time of one with 64. It skips half of the work where at most two of four consecutive weights
            are not zero. This is so for data with one or two channels. The U55 goes channel by channel (32 at a time)
            where that wastes less.
    """

    name: ClassVar[str] = "widen-conv"
    law: ClassVar[str] = "k neighbouring results of a convolution are channels of one with a wider kernel, stride k"

    by_taps: bool = False

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        rescale = edit[node_id]
        if rescale.op != "RESCALE" or not edit.used_once(rescale.inputs[0]):
            return False
        node = edit[rescale.inputs[0]]
        if not _can_be(edit, node) or not all(map(edit.is_constant, rescale.inputs[1:])):
            return False
        if any(edit[reader].op == "CONCAT" for reader in edit.users(node_id)):
            return False
        weights = _weights(edit, node)
        step, before = node.attributes["stride"][1], node.attributes["pad"][2]
        now = _Form(node.type, edit[node.inputs[0]].type, weights.shape, step, before, self.by_taps)
        best = _cheapest_form(now)
        if best == now:
            return False
        wide = _widened(edit, node, weights, best)
        scales = rescale.inputs[1:3]
        if rescale.attributes["per_channel"]:
            scales = tuple(repeated_constant(edit, i, best.results) for i in scales)
        after = TensorType(edit[wide].type.shape, rescale.type.dtype)
        last = edit.add(replace(rescale, inputs=(wide, *scales, *rescale.inputs[3:]), type=after))
        n, height, width, channels = rescale.type.shape
        rows = move(last, after, (Step("reshape", (n, height, best.computed, channels)),), rescale.name)
        if best.computed > width:
            taken = {"start": (0, 0, 0, 0), "size": rescale.type.shape}
            rows = Node("SLICE", (edit.add(rows),), rescale.type, taken, name=rescale.name)
        edit.redefine(node_id, rows)
        return True


def _can_be(edit: Editor, node: Node) -> bool:
    """A convolution, or a depthwise one of one channel, which is one too."""
    if node.op not in ("CONV2D", "DEPTHWISE_CONV2D") or not all(map(edit.is_constant, node.inputs[1:])):
        return False
    data = edit[node.inputs[0]].type
    if node.op == "DEPTHWISE_CONV2D" and data.shape[3] != 1:
        return False
    return (
        data.dtype == edit[node.inputs[1]].type.dtype == "INT8"
        and uniform_value(edit, node.inputs[4]) is not None
        and node.attributes["dilation"] == (1, 1)
        and not node.attributes["local_bound"]
    )


def _weights(edit: Editor, node: Node) -> np.ndarray:
    """[OC,KH,KW,IC]."""
    weights = edit[node.inputs[1]].array
    return weights if node.op == "CONV2D" else weights.transpose(3, 0, 1, 2)


@dataclass(frozen=True)
class _Form:
    """A convolution that gives `results` pixels as one, and sees `data` pixels as one.

    Attributes:
        of: type of what the convolution gives, a pixel at a time.
        tensor: type of its data.
        weights: shape, [OC,KH,KW,IC].
        step, before: the convolution's stride and its padding before a row.
    """

    of: TensorType
    tensor: TensorType
    weights: tuple[int, ...]
    step: int
    before: int
    by_taps: bool
    results: int = 1
    data: int = 1

    def others(self) -> Iterator[_Form]:
        for results in range(1, min(self.of.shape[2], _MOST_PIXELS) + 1):
            for data in range(2 if results == 1 else 1, results * self.step + 1):
                form = replace(self, results=results, data=data)
                if form.allowed:
                    yield form

    @property
    def allowed(self) -> bool:
        if not self.one and (self.results * self.step) % self.data:
            return False
        height, width = self.weights[1], self.width
        return (
            self.right >= 0
            and self.stride <= MOST_STRIDE
            and (width if self.flat else height) <= MOST_ROWS
            and height * width <= MOST_TAPS
            and self.size <= _MOST_WEIGHTS
        )

    @property
    def pixels(self) -> int:
        """In a row, each of so many results."""
        return -(-self.of.shape[2] // self.results)

    @property
    def computed(self) -> int:
        """Results in a row, of which the last ones may be none of the convolution's."""
        return self.pixels * self.results

    @property
    def seen(self) -> int:
        """Pixels in a row of the data, of which the last one may be filled up."""
        return -(-self.tensor.shape[2] // self.data)

    @property
    def one(self) -> bool:
        """Whether a row of results is one pixel: padding is never read then."""
        return self.results == self.of.shape[2]

    @property
    def flat(self) -> bool:
        """Whether a row of data is one pixel, too: rows are columns then."""
        return self.one and self.seen == 1

    @property
    def left(self) -> int:
        """Columns of padding."""
        return 0 if self.one else -(-self.before // self.data)

    @property
    def stride(self) -> int:
        return 1 if self.one else self.results * self.step // self.data

    @property
    def width(self) -> int:
        """Of the kernel."""
        if self.one:
            return self.seen
        reach = (self.results - 1) * self.step + self.weights[2] - 1 - self.before
        return self.left + reach // self.data + 1

    @property
    def right(self) -> int:
        """Columns of padding; negative where the last columns of the data are not read."""
        return (self.pixels - 1) * self.stride + self.width - self.left - self.seen

    @property
    def size(self) -> int:
        """Of the weights, in bytes."""
        return self.results * self.weights[0] * self.weights[1] * self.width * self.data * self.weights[3]

    @property
    def cost(self) -> int:
        """In products, as the NPU works: the more of computing, putting out results and reading weights."""
        n, height, width, _ = self.of.shape
        channels, depth = self.results * self.weights[0], self.data * self.weights[3]
        # Two columns at a time.
        pixels = n * (round_up(height, 2) if self.flat else height * round_up(self.pixels, 2))
        useful = self.results * self.weights[0] * self.weights[1] * self.weights[2] * self.weights[3]
        read = useful + (self.size - useful) // 8  # zeros are compressed
        copied = self.tensor.elements if self.seen * self.data > self.tensor.shape[2] else 0
        copied += self.of.elements if self.computed > width else 0
        return copied * _PRODUCTS_PER_RESULT + max(
            pixels * max(round_up(channels, 8) * self._each(depth), channels * _PRODUCTS_PER_RESULT),
            read * _PRODUCTS_PER_WEIGHT,
        )

    def _each(self, depth: int) -> int:
        """Products for a result, as the NPU works, from data of this many channels."""
        taps = self.weights[1] * self.width
        by_taps = round_up(taps, 4) * (round_up(depth, 8) if depth <= 8 else round_up(depth, 16))
        if self.by_taps:
            by_taps = by_taps // 2 if depth <= 2 else by_taps
            return by_taps if taps > 1 or depth <= 32 else taps * round_up(depth, 64)
        by_depth = taps * round_up(depth, 32)
        return by_taps if depth <= 8 or by_depth >= round_up(taps, 4) * round_up(depth, 8) else by_depth


@lru_cache(_KEPT)
def _cheapest_form(now: _Form) -> _Form:
    """`now` itself where no other one costs less. A search asks this of the same convolutions for every program."""
    best = min(now.others(), key=lambda form: form.cost, default=now)
    return best if best.cost < now.cost else now


def _widened(edit: Editor, node: Node, weights: np.ndarray, form: _Form) -> int:
    channels, rows, columns, depth = weights.shape
    empty = uniform_value(edit, node.inputs[4])
    wide = np.full((form.results, channels, rows, form.width * form.data, depth), empty, np.int8)
    step, pad = node.attributes["stride"][1], node.attributes["pad"]
    for result in range(form.results):
        for column in range(columns):
            at = result * step + column - pad[2] + form.left * form.data
            if 0 <= at < wide.shape[3]:  # else it reads padding only
                wide[result, :, :, at] = weights[:, :, column]
    wide = wide.reshape(form.results * channels, rows, form.width, form.data * depth)
    n, height, width, _ = form.tensor.shape
    seen = (n, height, form.seen, form.data * depth)
    padding, stride = (*pad[:2], form.left, form.right), (node.attributes["stride"][0], form.stride)
    if form.flat:
        wide, seen = wide.swapaxes(1, 2), (n, 1, height, form.data * depth)
        padding, stride = (0, 0, *pad[:2]), stride[::-1]
    data = node.inputs[0]
    filled = form.seen * form.data - width
    if filled:
        attributes = {"padding": (0, 0, 0, 0, 0, filled, 0, 0)}
        whole = TensorType((n, height, width + filled, depth), form.tensor.dtype)
        data = edit.add(Node("PAD", (data, node.inputs[3]), whole, attributes, name=edit[data].name))
    if seen != edit[data].type.shape:
        data = edit.add(move(data, edit[data].type, (Step("reshape", seen),), edit[data].name))
    bias = np.tile(np.broadcast_to(edit[node.inputs[2]].array, channels), form.results)
    return convolved(edit, data, wide, bias, (node.inputs[3], node.inputs[4]), padding, stride, node.name)
