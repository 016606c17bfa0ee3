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
        """Add an input.

        Args:
            *shape: its shape.
            dtype: its element type.

        Returns:
            Its id.
        """
        self.inputs.append(self._add(Node(INPUT, (), TensorType(shape, dtype))))
        return self.inputs[-1]

    def data(self, values: Any, dtype: str) -> int:
        """Add a constant.

        Args:
            values: a number or array.
            dtype: its element type.

        Returns:
            Its id; a number gives a tensor [1].
        """
        return self._add(constant(np.atleast_1d(np.asarray(values)), dtype))

    def transpose(self, value: int, *perms: int) -> int:
        """Add a TRANSPOSE.

        Args:
            value: id of the value.
            *perms: output dimension i is input dimension `perms[i]`.

        Returns:
            The id of the result.
        """
        return self._add(move(value, self.nodes[value].type, (Step("transpose", perms),)))

    def reshape(self, value: int, *shape: int) -> int:
        """Add a RESHAPE.

        Args:
            value: id of the value.
            *shape: the new shape.

        Returns:
            The id of the result.
        """
        return self._add(move(value, self.nodes[value].type, (Step("reshape", shape),)))

    def slice(self, value: int, start: Shape, size: Shape) -> int:
        """Add a SLICE.

        Args:
            value: id of the value.
            start: first entry along each dimension.
            size: number of entries along each dimension.

        Returns:
            The id of the result.
        """
        return self.op("SLICE", (value,), size, start=start, size=size)

    def concat(self, axis: int, *values: int) -> int:
        """Add a CONCAT.

        Args:
            axis: the axis.
            *values: ids of the operands.

        Returns:
            The id of the result.
        """
        shape = list(self.shape(values[0]))
        shape[axis] = sum(self.shape(value)[axis] for value in values)
        return self.op("CONCAT", values, tuple(shape), axis=axis)

    def conv(
        self, value: int, channels: int, kernel: tuple[int, int] = (1, 1), stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1), depthwise: bool = False, dtype: str = "INT8", padded: bool = True,
    ) -> int:  # fmt: skip
        """Add a CONV2D or DEPTHWISE_CONV2D with random weights, and its RESCALE.

        Args:
            value: id of the data [N,H,W,C], INT8 or INT16.
            channels: output channels.
            kernel: (height, width).
            stride: (height, width).
            dilation: (height, width).
            depthwise: make it a DEPTHWISE_CONV2D.
            dtype: element type of the result.
            padded: pad so that a stride of 1 keeps the size. Otherwise there is no padding.

        Returns:
            The id of the rescaled result.
        """
        batch, height, width, depth = self.shape(value)
        pad, sizes = [], []
        for size, taps, step, apart in zip((height, width), kernel, stride, dilation, strict=True):
            reach = (taps - 1) * apart
            before = after = 0
            if padded:
                before, after = reach // 2, reach - reach // 2 - (size - 1) % step
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
        """Add random biases.

        Args:
            channels: how many.
            wide: as INT48 instead of INT32.

        Returns:
            The id of the constant.
        """
        values = self.random.integers(-1000, 1000, channels)
        if not wide:
            return self.data(values, "INT32")
        payload = b"".join(int(v).to_bytes(6, "little", signed=True) for v in values)
        return self._add(Node("CONST", (), TensorType((channels,), "INT48"), payload=payload))

    def matmul(self, first: int, second: int) -> int:
        """Add a MATMUL of int8 values with zero points 0, and its RESCALE.

        Args:
            first: id of a value [N,H,C].
            second: id of a value [N,C,W].

        Returns:
            The id of the rescaled result [N,H,W], INT8.
        """
        (batch, rows, _), columns = self.shape(first), self.shape(second)[2]
        zeros = self.data(0, "INT8"), self.data(0, "INT8")
        result = self.op("MATMUL", (first, second, *zeros), (batch, rows, columns), "INT32")
        return self.rescale(result, "INT8", 1 / 1000)

    def rescale(self, value: int, dtype: str, scale: float) -> int:
        """Add a RESCALE by about `scale`.

        Args:
            value: id of the value.
            dtype: element type of the result.
            scale: the factor.

        Returns:
            The id of the result.
        """
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
        """Add a RESCALE by multiplier / 2^shift.

        Args:
            value: id of the value.
            dtype: element type of the result.
            multiplier: one, or a list with one for each channel.
            shift: as `multiplier`.
            zero_in: zero point of the value.
            zero_out: zero point of the result.
            double: with rounding mode DOUBLE_ROUND.

        Returns:
            The id of the result.
        """
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
        """Add an ADD of int8 values as ExecuTorch writes it.

        Both operands are rescaled to int32, and the sum back.

        Args:
            first: id of an operand.
            second: id of the other operand, which may broadcast.

        Returns:
            The id of the INT8 sum.
        """
        wide = [self.rescale(value, "INT32", 1.0) for value in (first, second)]
        shape = tuple(max(sizes) for sizes in zip(*map(self.shape, wide), strict=True))
        return self.rescale(self.op("ADD", tuple(wide), shape, "INT32"), "INT8", 0.5)

    def mul(self, first: int, second: int) -> int:
        """Add a MUL of int8 values, rescaled to int8.

        Args:
            first: id of an operand.
            second: id of the other operand, which may broadcast.

        Returns:
            The id of the INT8 product.
        """
        shape = tuple(max(sizes) for sizes in zip(self.shape(first), self.shape(second), strict=True))
        product = self.op("MUL", (first, second, self.data(0, "INT8")), shape, "INT32")
        return self.rescale(product, "INT8", 1 / 128)

    def clamp(self, value: int, low: int = -128, high: int = 127) -> int:
        """Add a CLAMP.

        Args:
            value: id of the value.
            low: the least result.
            high: the largest result.

        Returns:
            The id of the result.
        """
        width = NUMPY[self.nodes[value].type.dtype].itemsize
        low_bytes, high_bytes = (bound.to_bytes(width, "little", signed=True) for bound in (low, high))
        return self.op(
            "CLAMP", (value,), self.shape(value), min_val=low_bytes, max_val=high_bytes, nan_mode="PROPAGATE"
        )

    def table(self, value: int) -> int:
        return self.op("TABLE", (value, self.data(self.random.integers(-128, 128, 256), "INT8")), self.shape(value))

    def every_value_by_table(self, value: int) -> int:
        """Add a TABLE that returns its int8 operand."""
        return self.op("TABLE", (value, self.data(np.arange(-128, 128), "INT8")), self.shape(value))

    def max_pool(self, value: int, size: int, stride: int | None = None) -> int:
        """Add a MAX_POOL2D without padding.

        Args:
            value: id of the data [N,H,W,C].
            size: height and width of the window.
            stride: of both; the size if left out.

        Returns:
            The id of the result.
        """
        step = stride or size
        batch, height, width, depth = self.shape(value)
        shape = (batch, (height - size) // step + 1, (width - size) // step + 1, depth)
        return self.op(
            "MAX_POOL2D", (value,), shape, kernel=(size, size), stride=(step, step), pad=(0, 0, 0, 0),
            nan_mode="PROPAGATE",
        )  # fmt: skip

    def sum(self, value: int, axis: int) -> int:
        """Add a REDUCE_SUM of an int8 value, rescaled to int8.

        Args:
            value: id of the value.
            axis: the axis, which has size 1 in the result.

        Returns:
            The id of the INT8 sum.
        """
        shape = tuple(1 if at == axis else size for at, size in enumerate(self.shape(value)))
        wide = self.rescale(value, "INT32", 1.0)
        return self.rescale(self.op("REDUCE_SUM", (wide,), shape, "INT32", axis=axis), "INT8", 0.1)

    def resize(self, value: int, mode: str = "NEAREST") -> int:
        """Add a RESIZE to twice the height and width.

        Args:
            value: id of the data [N,H,W,C].
            mode: NEAREST or BILINEAR.

        Returns:
            The id of the result, INT8.
        """
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
        """Add a GATHER.

        Args:
            value: id of the data [N,K,C].
            indices: id of INT32 indices [N,W].

        Returns:
            The id of the result [N,W,C].
        """
        batch, _, depth = self.shape(value)
        return self.op("GATHER", (value, indices), (batch, self.shape(indices)[1], depth))

    def op(self, op: str, inputs: Shape, shape: Shape, dtype: str | None = None, **attributes: Any) -> int:
        """Add any operator.

        Args:
            op: its name in TOSA.
            inputs: ids of its operands.
            shape: shape of the result.
            dtype: element type of the result; that of the first operand if left out.
            **attributes: by their names in `search_space.ir.schema`.

        Returns:
            The id of the result.
        """
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
