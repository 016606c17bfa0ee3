"""Small int8 TOSA programs written by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from search_space.ir.dtypes import NUMPY
from search_space.ir.graph import INPUT, Graph, Node, Step, TensorType, constant, move
from search_space.ir.layout_map import Shape
from search_space.tosa_file.writer import write_tosa


@dataclass
class Program:
    """A TOSA program under construction. Values are ids; activations are int8, with scales that keep them alive."""

    nodes: dict[int, Node] = field(default_factory=dict)
    inputs: list[int] = field(default_factory=list)
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))

    def graph(self, *outputs: int) -> Graph:
        whole = Graph(self.nodes, tuple(self.inputs), outputs, len(self.nodes))
        return Graph({i: whole[i] for i in whole.order}, whole.inputs, outputs, whole.next_id)

    def tosa(self, *outputs: int) -> bytes:
        return write_tosa(self.graph(*outputs))

    def shape(self, value: int) -> Shape:
        return self.nodes[value].type.shape

    def input(self, *shape: int, dtype: str = "INT8") -> int:
        self.inputs.append(self._add(Node(INPUT, (), TensorType(shape, dtype))))
        return self.inputs[-1]

    def data(self, values: Any, dtype: str) -> int:
        return self._add(constant(np.atleast_1d(np.asarray(values)), dtype))

    def transpose(self, value: int, *perms: int) -> int:
        return self._add(move(value, self.nodes[value].type, (Step("transpose", perms),)))

    def reshape(self, value: int, *shape: int) -> int:
        return self._add(move(value, self.nodes[value].type, (Step("reshape", shape),)))

    def slice(self, value: int, start: Shape, size: Shape) -> int:
        return self.op("SLICE", (value,), size, start=start, size=size)

    def concat(self, axis: int, *values: int) -> int:
        shape = list(self.shape(values[0]))
        shape[axis] = sum(self.shape(value)[axis] for value in values)
        return self.op("CONCAT", values, tuple(shape), axis=axis)

    def conv(
        self, value: int, channels: int, kernel: tuple[int, int] = (1, 1), stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1), depthwise: bool = False, dtype: str = "INT8",
    ) -> int:  # fmt: skip
        """CONV2D or DEPTHWISE_CONV2D with as much padding as keeps the size at stride 1, and its RESCALE."""
        batch, height, width, depth = self.shape(value)
        pad, sizes = [], []
        for size, taps, step, apart in zip((height, width), kernel, stride, dilation, strict=True):
            reach = (taps - 1) * apart
            before, after = reach // 2, reach - reach // 2
            after -= (size + before + after - reach - 1) % step
            pad += [before, after]
            sizes.append((size + before + after - reach - 1) // step + 1)
        weights = (*kernel, depth, channels // depth) if depthwise else (channels, *kernel, depth)
        # Whether an activation has 16 bits decides what sums are held in.
        wide = self.nodes[value].type.dtype == "INT16"
        operands = (
            self.data(self.random.integers(-127, 128, weights), "INT8"),
            self.bias(channels, wide),
            self.data(0, "INT16" if wide else "INT8"),
            self.data(0, "INT8"),
        )
        result = self.op(
            "DEPTHWISE_CONV2D" if depthwise else "CONV2D", (value, *operands), (batch, *sizes, channels),
            "INT48" if wide else "INT32", pad=tuple(pad), stride=stride, dilation=dilation, local_bound=False,
            acc_type="INT48" if wide else "INT32",
        )  # fmt: skip
        return self.rescale(result, dtype, 1 / (40 * prod(weights) / channels))

    def bias(self, channels: int, wide: bool) -> int:
        values = self.random.integers(-1000, 1000, channels)
        if not wide:
            return self.data(values, "INT32")
        payload = b"".join(int(v).to_bytes(6, "little", signed=True) for v in values)
        return self._add(Node("CONST", (), TensorType((channels,), "INT48"), payload=payload))

    def matmul(self, first: int, second: int) -> int:
        (batch, rows, _), columns = self.shape(first), self.shape(second)[2]
        zeros = self.data(0, "INT8"), self.data(0, "INT8")
        result = self.op("MATMUL", (first, second, *zeros), (batch, rows, columns), "INT32")
        return self.rescale(result, "INT8", 1 / 1000)

    def rescale(self, value: int, dtype: str, scale: float) -> int:
        """RESCALE by about `scale`."""
        shift = 30
        while scale < 0.5 and shift < 60:
            scale, shift = scale * 2, shift + 1
        while scale >= 2:
            scale, shift = scale / 2, shift - 1
        if self.nodes[value].type.dtype == "INT48":
            return self.rescale_by(value, dtype, int(scale * (1 << 14)), shift - 16)
        return self.rescale_by(value, dtype, int(scale * (1 << 30)), shift)

    def rescale_by(
        self, value: int, dtype: str, multiplier: int | list[int], shift: int | list[int], zero_in: int = 0,
        zero_out: int = 0, double: bool = False,
    ) -> int:  # fmt: skip
        """RESCALE by multiplier / 2^shift; a list: one for each channel. double: DOUBLE_ROUND."""
        source = self.nodes[value].type
        multipliers = multiplier if isinstance(multiplier, list) else [multiplier]
        shifts = shift if isinstance(shift, list) else [shift] * len(multipliers)
        wide = source.dtype == "INT48"
        operands = (
            self.data(multipliers, "INT16" if wide else "INT32"), self.data(shifts, "INT8"),
            self._zero_point(source.dtype, zero_in), self._zero_point(dtype, zero_out),
        )  # fmt: skip
        return self.op(
            "RESCALE", (value, *operands), source.shape, dtype, scale32=not wide,
            rounding_mode="DOUBLE_ROUND" if double else "SINGLE_ROUND", per_channel=len(multipliers) > 1,
            input_unsigned=False, output_unsigned=False,
        )  # fmt: skip

    def add(self, first: int, second: int) -> int:
        """ADD of int8 values as ExecuTorch writes it: both rescaled to int32 and the sum back."""
        wide = [self.rescale(value, "INT32", 1.0) for value in (first, second)]
        shape = tuple(max(sizes) for sizes in zip(*map(self.shape, wide), strict=True))
        return self.rescale(self.op("ADD", tuple(wide), shape, "INT32"), "INT8", 0.5)

    def mul(self, first: int, second: int) -> int:
        shape = tuple(max(sizes) for sizes in zip(self.shape(first), self.shape(second), strict=True))
        product = self.op("MUL", (first, second, self.data(0, "INT8")), shape, "INT32")
        return self.rescale(product, "INT8", 1 / 128)

    def clamp(self, value: int, low: int = -128, high: int = 127) -> int:
        width = NUMPY[self.nodes[value].type.dtype].itemsize
        low_bytes, high_bytes = (bound.to_bytes(width, "little", signed=True) for bound in (low, high))
        return self.op(
            "CLAMP", (value,), self.shape(value), min_val=low_bytes, max_val=high_bytes, nan_mode="PROPAGATE"
        )

    def table(self, value: int) -> int:
        return self.op("TABLE", (value, self.data(self.random.integers(-128, 128, 256), "INT8")), self.shape(value))

    def every_value_by_table(self, value: int) -> int:
        """A TABLE that gives back its int8 operand."""
        return self.op("TABLE", (value, self.data(np.arange(-128, 128), "INT8")), self.shape(value))

    def max_pool(self, value: int, size: int, stride: int | None = None) -> int:
        step = stride or size
        batch, height, width, depth = self.shape(value)
        shape = (batch, (height - size) // step + 1, (width - size) // step + 1, depth)
        return self.op(
            "MAX_POOL2D", (value,), shape, kernel=(size, size), stride=(step, step), pad=(0, 0, 0, 0),
            nan_mode="PROPAGATE",
        )  # fmt: skip

    def sum(self, value: int, axis: int) -> int:
        shape = tuple(1 if at == axis else size for at, size in enumerate(self.shape(value)))
        wide = self.rescale(value, "INT32", 1.0)
        return self.rescale(self.op("REDUCE_SUM", (wide,), shape, "INT32", axis=axis), "INT8", 0.1)

    def resize(self, value: int, mode: str = "NEAREST") -> int:
        """RESIZE to twice the height and width."""
        batch, height, width, depth = self.shape(value)
        border = 1 if mode == "NEAREST" else 0
        shape = (batch, 2 * height - 1 + border, 2 * width - 1 + border, depth)
        bilinear = mode == "BILINEAR"
        result = self.op(
            "RESIZE", (value,), shape, "INT32" if bilinear else None, scale=(4, 2, 4, 2), offset=(0, 0),
            border=(2 * border, 2 * border), mode=mode,
        )  # fmt: skip
        return self.rescale(result, "INT8", 1 / 16) if bilinear else result

    def gather(self, value: int, indices: int) -> int:
        batch, _, depth = self.shape(value)
        return self.op("GATHER", (value, indices), (batch, self.shape(indices)[1], depth))

    def op(self, op: str, inputs: Shape, shape: Shape, dtype: str | None = None, **attributes: Any) -> int:
        return self._add(
            Node(op, inputs, TensorType(shape, dtype or self.nodes[inputs[0]].type.dtype), attributes),
        )

    def _zero_point(self, dtype: str, value: int) -> int:
        if dtype == "INT48":
            return self._add(Node("CONST", (), TensorType((1,), "INT48"), payload=bytes(6)))
        return self.data(value, dtype)

    def _add(self, node: Node) -> int:
        self.nodes[len(self.nodes)] = node
        return len(self.nodes) - 1
