"""Read what Vela packed into a `.tflite`: command streams, constants, and where inputs and outputs lie.

The file is untrusted: it is read by the flatbuffer classes of Vela, nothing in it is executed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from workers.errors import ModelError, one_line
from workers.ethos_u.command_stream.npu_program import IoTensor, NpuProgram

_OPERATOR = b"ethos-u"

#: What Vela's tflite_writer and TensorFlow Lite for Microcontrollers call the addresses of tensors in the arena: a
#: version, the number of subgraphs, the number of tensors, and an address for each; -1: in no arena.
_ADDRESSES = b"OfflineMemoryAllocation"
_ADDRESSES_BEHIND = 3

#: Element types of the schema (TensorType), as far as Vela takes them.
_TYPES = {0: "float32", 2: "int32", 3: "uint8", 4: "int64", 6: "bool", 7: "int16", 9: "int8"}

_ARENA, _DIMENSIONS = 1, 6


@dataclass(frozen=True)
class TfliteTensor:
    """A tensor of the file: its number, and its shape and numpy's type."""

    number: int
    shape: tuple[int, ...]
    dtype: np.dtype


@dataclass(frozen=True)
class TfliteOperator:
    """An `ethos-u` operator: what the NPU is given, and the tensors that it reads and writes."""

    npu_program: NpuProgram
    inputs: tuple[TfliteTensor, ...]
    outputs: tuple[TfliteTensor, ...]


@dataclass(frozen=True)
class TfliteFile:
    """What is in a `.tflite` that Vela wrote.

    Attributes:
        operators: the `ethos-u` ones, in order.
        others: the kinds of operators that are left to the CPU.
        inputs, outputs: of the file.
    """

    operators: tuple[TfliteOperator, ...]
    others: tuple[str, ...]
    inputs: tuple[TfliteTensor, ...]
    outputs: tuple[TfliteTensor, ...]


def read_tflite(path: Path) -> TfliteFile:
    """Raises ModelError if there is no such file, it is none that Vela wrote, or it is damaged."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    if content[4:8] != b"TFL3":
        raise ModelError(f"{path}: not a .tflite file")
    try:
        found = _Reader(content).file()
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    # The reader follows offsets unchecked: a damaged file can end it in whatever its content leads to.
    except Exception as error:
        raise ModelError(f"{path}: damaged or cut off ({one_line(error)})") from error
    if not found.operators:
        raise ModelError(f"{path}: no {_OPERATOR.decode()} operator in it; was it compiled with Vela?")
    return found


class _Reader:
    def __init__(self, content: bytes) -> None:
        from ethosu.vela.tflite.Model import Model

        self._model: Any = Model.GetRootAsModel(content, 0)
        if self._model.SubgraphsLength() != 1:
            raise ModelError(f"it has {self._model.SubgraphsLength()} subgraphs, only one can be read")
        self._graph: Any = self._model.Subgraphs(0)

    def file(self) -> TfliteFile:
        addresses = self._addresses()
        operators, others = [], []
        for operator in (self._graph.Operators(at) for at in range(self._graph.OperatorsLength())):
            code = self._model.OperatorCodes(operator.OpcodeIndex())
            if code.CustomCode() == _OPERATOR:
                operators.append(self._operator(operator, addresses))
            else:
                others.append(
                    (code.CustomCode() or b"builtin operator %d" % code.BuiltinCode()).decode(errors="replace")
                )
        ends = (self._graph.InputsAsNumpy(), self._graph.OutputsAsNumpy())
        inputs, outputs = (tuple(map(self._tensor, one)) for one in ends)
        return TfliteFile(tuple(operators), tuple(dict.fromkeys(others)), inputs, outputs)

    def _operator(self, operator: Any, addresses: Sequence[int]) -> TfliteOperator:
        """Its first inputs are the command stream, the constants, the arena, and the memory of region 2. The last is
        the arena again where the NPU has no such memory."""
        stream, constants, arena, fast, *inputs = (int(one) for one in operator.InputsAsNumpy())
        outputs = [int(one) for one in operator.OutputsAsNumpy()]
        program = NpuProgram(
            command_stream=self._content(stream),
            constants=self._content(constants),
            arena_bytes=prod(self._tensor(arena).shape),
            fast_bytes=None if fast == arena else prod(self._tensor(fast).shape),
            inputs=tuple(self._io_tensor(one, addresses) for one in inputs),
            outputs=tuple(self._io_tensor(one, addresses) for one in outputs),
        )
        return TfliteOperator(program, tuple(map(self._tensor, inputs)), tuple(map(self._tensor, outputs)))

    def _io_tensor(self, number: int, addresses: Sequence[int]) -> IoTensor:
        tensor = self._tensor(number)
        if not 0 <= number < len(addresses) or addresses[number] < 0 or len(tensor.shape) > _DIMENSIONS:
            raise ModelError(f"damaged, its tensor {number} is nowhere in the arena")
        shape = (1,) * (_DIMENSIONS - len(tensor.shape)) + tensor.shape
        return IoTensor(shape, tensor.dtype.itemsize, _ARENA, addresses[number])

    def _tensor(self, number: int) -> TfliteTensor:
        tensor = self._graph.Tensors(int(number))
        if tensor.Type() not in _TYPES:
            raise ModelError(f"its tensor {number} has the type {tensor.Type()}, which is not known")
        shape = tuple(int(one) for one in tensor.ShapeAsNumpy()) if tensor.ShapeLength() else ()
        return TfliteTensor(int(number), shape, np.dtype(_TYPES[tensor.Type()]))

    def _content(self, number: int) -> bytes:
        buffer = self._model.Buffers(self._graph.Tensors(number).Buffer())
        return bytes(buffer.DataAsNumpy()) if buffer.DataLength() else b""

    def _addresses(self) -> Sequence[int]:
        for entry in (self._model.Metadata(at) for at in range(self._model.MetadataLength())):
            if entry.Name() == _ADDRESSES:
                words = np.frombuffer(bytes(self._model.Buffers(entry.Buffer()).DataAsNumpy()), "<i4")
                return [int(one) for one in words[_ADDRESSES_BEHIND:]]
        raise ModelError("it does not say where its tensors lie in the arena; it was not written by Vela")
