"""ADD as TensorFlow Lite defines it, and a `.tflite` with nothing else in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import frexp
from pathlib import Path

import flatbuffers
import numpy as np

#: By element type: by how much TensorFlow Lite shifts operands left (kernels/internal/reference/add.h, kernels/add.cc).
_LEFT_SHIFTS = {"int8": 20, "int16": 15}

_RANGES = {"int8": (-128, 127), "int16": (-32768, 32767)}


@dataclass(frozen=True)
class Addition:
    """ADD of two tensors. scales, zero_points: of the operands and the result."""

    dtype: str
    scales: tuple[float, float, float]
    zero_points: tuple[int, int, int] = (0, 0, 0)

    def of(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """By the reference kernel, AddElementwise: two roundings for each scale, as in gemmlowp's fixedpoint.h."""
        left_shift = _LEFT_SHIFTS[self.dtype]
        scales = [float(np.float32(one)) for one in self.scales]
        twice_largest = 2 * max(scales[:2])
        parts = [
            _scaled((values.astype(np.int64) - zero) << left_shift, scale / twice_largest)
            for values, zero, scale in zip((first, second), self.zero_points, scales, strict=False)
        ]
        result = _scaled(sum(parts), twice_largest / ((1 << left_shift) * scales[2])) + self.zero_points[2]
        return result.clip(*_RANGES[self.dtype]).astype(self.dtype)

    def write(self, path: Path, shape: Sequence[int]) -> None:
        """Write the `.tflite` file that adds two inputs of the shape."""
        path.write_bytes(_file(self, shape))


def _scaled(values: np.ndarray, real: float) -> np.ndarray:
    """`MultiplyByQuantizedMultiplierSmallerThanOneExp` by what `QuantizeMultiplier` makes of a number below 1."""
    fraction, exponent = frexp(real)
    multiplier = round(fraction * (1 << 31))
    if multiplier == 1 << 31:
        multiplier, exponent = multiplier >> 1, exponent + 1
    assert exponent <= 0
    return rounded_quotient(high_product(values, multiplier), -exponent)


def high_product(a: np.ndarray, b: int) -> np.ndarray:
    """gemmlowp's SaturatingRoundingDoublingHighMul: 2ab / 2^32, its quotient truncated after a nudge."""
    product = a * b
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    return np.sign(nudged) * (np.abs(nudged) >> 31)


def rounded_quotient(values: np.ndarray, exponent: int) -> np.ndarray:
    """gemmlowp's RoundingDivideByPOT: halves go away from zero."""
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (values < 0)
    return (values >> exponent) + ((values & mask) > threshold)


def _file(addition: Addition, shape: Sequence[int]) -> bytes:
    from ethosu.vela.tflite import (
        AddOptions,
        Buffer,
        Model,
        Operator,
        OperatorCode,
        QuantizationParameters,
        SubGraph,
        Tensor,
    )
    from ethosu.vela.tflite.BuiltinOperator import BuiltinOperator
    from ethosu.vela.tflite.BuiltinOptions import BuiltinOptions
    from ethosu.vela.tflite.TensorType import TensorType

    b = flatbuffers.Builder()

    def vector(start: object, offsets: Sequence[int]) -> int:
        start(b, len(offsets))  # type: ignore[operator]
        for one in reversed(offsets):
            b.PrependUOffsetTRelative(one)
        return int(b.EndVector())

    Buffer.BufferStart(b)
    buffers = vector(Model.ModelStartBuffersVector, [Buffer.BufferEnd(b)])
    tensors = []
    for number, (scale, zero_point) in enumerate(zip(addition.scales, addition.zero_points, strict=True)):
        name = b.CreateString(f"t{number}")
        sizes = b.CreateNumpyVector(np.array(shape, np.int32))
        scales, zeros = (
            b.CreateNumpyVector(np.array([one], dtype)) for one, dtype in ((scale, np.float32), (zero_point, np.int64))
        )
        QuantizationParameters.QuantizationParametersStart(b)
        QuantizationParameters.QuantizationParametersAddScale(b, scales)
        QuantizationParameters.QuantizationParametersAddZeroPoint(b, zeros)
        quantisation = QuantizationParameters.QuantizationParametersEnd(b)
        Tensor.TensorStart(b)
        Tensor.TensorAddShape(b, sizes)
        Tensor.TensorAddType(b, getattr(TensorType, addition.dtype.upper()))
        Tensor.TensorAddName(b, name)
        Tensor.TensorAddQuantization(b, quantisation)
        tensors.append(Tensor.TensorEnd(b))
    AddOptions.AddOptionsStart(b)
    AddOptions.AddOptionsAddPotScaleInt16(b, False)
    options = AddOptions.AddOptionsEnd(b)
    ends = [b.CreateNumpyVector(np.array(one, np.int32)) for one in ((0, 1), (2,))]
    Operator.OperatorStart(b)
    Operator.OperatorAddInputs(b, ends[0])
    Operator.OperatorAddOutputs(b, ends[1])
    Operator.OperatorAddBuiltinOptionsType(b, BuiltinOptions.AddOptions)
    Operator.OperatorAddBuiltinOptions(b, options)
    operators = vector(SubGraph.SubGraphStartOperatorsVector, [Operator.OperatorEnd(b)])
    listed = vector(SubGraph.SubGraphStartTensorsVector, tensors)
    SubGraph.SubGraphStart(b)
    SubGraph.SubGraphAddTensors(b, listed)
    SubGraph.SubGraphAddInputs(b, ends[0])
    SubGraph.SubGraphAddOutputs(b, ends[1])
    SubGraph.SubGraphAddOperators(b, operators)
    subgraphs = vector(Model.ModelStartSubgraphsVector, [SubGraph.SubGraphEnd(b)])
    OperatorCode.OperatorCodeStart(b)
    OperatorCode.OperatorCodeAddDeprecatedBuiltinCode(b, BuiltinOperator.ADD)
    OperatorCode.OperatorCodeAddVersion(b, 1)
    codes = vector(Model.ModelStartOperatorCodesVector, [OperatorCode.OperatorCodeEnd(b)])
    Model.ModelStart(b)
    Model.ModelAddVersion(b, 3)
    Model.ModelAddOperatorCodes(b, codes)
    Model.ModelAddSubgraphs(b, subgraphs)
    Model.ModelAddBuffers(b, buffers)
    b.Finish(Model.ModelEnd(b), b"TFL3")
    return bytes(b.Output())
