"""Execute a command stream: what the NPU leaves in memory, bit for bit.

Operations are executed one after the other, as if each waited for the one before it; `workers.npu_model.hazards` says
whether the stream's waits make that so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from workers.command_stream import Decoded, FeatureMap, Kind, Operation, Run, decode
from workers.npu_model.accelerator import accelerator_of
from workers.npu_model.accumulators import writes_result
from workers.npu_model.convolution import convolution
from workers.npu_model.dma import copy
from workers.npu_model.elementwise import elementwise
from workers.npu_model.errors import Fault
from workers.npu_model.feature_maps import Layout, layout, read, write
from workers.npu_model.memory import ARENA, CONSTANTS, FAST, Memory
from workers.npu_model.operation_cache import OperationCache
from workers.npu_model.output_stage import output_values
from workers.npu_model.pool import pool
from workers.npu_model.program import IoTensor, NpuProgram
from workers.npu_model.resize import resize
from workers.npu_model.weights import decode_scales

#: Told of an operation that computes and of the values that it writes, `[S, H, W, C]`.
Trace = Callable[[Operation, np.ndarray], None]

#: Elements of the OFMs of a run that are computed at once.
_RUN_ELEMENTS = 1 << 20

_NOTHING = np.zeros((1, 1, 1, 1), np.int8)

#: What memory holds before anything is written. No value that a program could rely on, and another one for each set.
_UNWRITTEN_SEED = 0x5EED


def execute(
    program: NpuProgram, inputs: Sequence[np.ndarray], trace: Trace | None = None, decoded: Decoded | None = None,
    cache: OperationCache | None = None,
) -> list[np.ndarray]:  # fmt: skip
    """What the NPU computes, for several sets of inputs at once.

    Args:
        program: one delegate.
        inputs: one array for each of the program's inputs, `[S, ...]`; their bytes are taken as they are.
        trace: called after each operation that computes.
        decoded: the program's command stream, if it was decoded before.
        cache: of values that other programs' operations gave.

    Returns:
        One array for each of the program's outputs, `[S, *shape]`, signed integers of the output's element size.

    Raises:
        Unmodelled: the stream has something that the model does not know.
        Fault: the stream does what the hardware does not do or what has no defined result.
        StreamError: it is no command stream.
    """
    decoded = decoded or decode(program.command_stream)
    memory = _memory(program, decoded.accelerator, inputs)
    machine = _Machine(decoded, memory, trace, cache)
    for run in decoded.runs:
        machine.execute(run)
    return [_output(memory, tensor) for tensor in program.outputs]


class _Machine:
    """The NPU while it executes one stream."""

    def __init__(self, decoded: Decoded, memory: Memory, trace: Trace | None, cache: OperationCache | None) -> None:
        self._decoded, self._memory, self._trace, self._cache = decoded, memory, trace, cache
        self._sets = len(memory.region(ARENA))
        self._kept: np.ndarray | None = None  # accumulators that the operation before has left

    def execute(self, run: Run) -> None:
        """All operations of a run."""
        if len(run.offsets) == 1:
            self._one(run.first)
        elif not self._together(run):
            for number in range(run.number, run.number + len(run.offsets)):
                self._one(self._decoded.operations[number])

    def _one(self, operation: Operation) -> None:
        memory = self._memory
        if operation.kind is Kind.DMA:
            copy(operation, memory)
            return
        ofm, ifm, ifm2 = operation.ofm, operation.ifm, operation.ifm2
        assert ofm is not None
        # What a pool of mode NONE reads as its IFM is thrown away; Vela describes it as elements that are none.
        unread = operation.pooling_mode == "NONE"
        first = _NOTHING if ifm is None or unread else self._input(operation, "IFM", ifm)
        second = None if ifm2 is None else self._input(operation, "IFM2", ifm2)
        values = self._written(operation, first, second)
        if not operation.uses_table:
            memory.clobber_tables()
        self._kept = None if writes_result(operation) else values
        if self._kept is not None:
            return
        self._store(operation, ofm, values)
        if self._trace is not None:
            self._trace(operation, np.broadcast_to(values, (self._sets, *values.shape[1:])))

    def _together(self, run: Run) -> bool:
        """Execute all operations of a run at once if none reads what another one writes."""
        operation = run.first
        if operation.kind not in (Kind.POOL, Kind.ELEMENTWISE) or operation.scales:
            return False
        if operation.accumulator_input == "KEEP" or not writes_result(operation):
            return False
        ofm, ifm, ifm2 = operation.ofm, operation.ifm, operation.ifm2
        assert ofm is not None and ifm is not None
        changes = self._decoded.addresses(run)
        count = len(run.offsets)

        def addresses(role: str) -> list[np.ndarray]:
            number = operation.registers.number
            return [
                changes.get(f"NPU_SET_{role}_BASE{tile}", np.full(count, number(f"{role}_BASE{tile}")))
                for tile in range(4)
            ]

        inputs = {role: one for role, one in (("IFM", ifm), ("IFM2", ifm2)) if one is not None and one.in_memory}
        places = {role: (layout(operation, role, one), addresses(role)) for role, one in inputs.items()}
        out, out_at = layout(operation, "OFM", ofm), addresses("OFM")
        if any(_overlap(out, out_at, place, at) for place, at in places.values()):
            return False
        step = max(1, _RUN_ELEMENTS // max(1, ofm.elements * self._sets))
        for start in range(0, count, step):
            part = slice(start, min(start + step, count))
            read_in: dict[str, np.ndarray] = {}
            for role, (place, at) in places.items():
                found = read(self._memory, place, [one[part] for one in at])
                read_in[role] = _for_each_set(found, self._sets, part.stop - part.start)
            if ifm2 is not None and not ifm2.in_memory:
                read_in["IFM2"] = _scalar(ifm2)
            values = self._written(operation, read_in["IFM"], read_in.get("IFM2"))
            write(self._memory, out, [one[part] for one in out_at], _transposed(ofm, values))
            if self._trace is not None:
                each = values.reshape(self._sets, -1, *values.shape[1:])
                for number in range(each.shape[1]):
                    self._trace(self._decoded.operations[run.number + start + number], each[:, number])
        if not operation.uses_table:
            self._memory.clobber_tables()
        return True

    def _written(self, operation: Operation, ifm: np.ndarray, ifm2: np.ndarray | None) -> np.ndarray:
        """The elements that an operation writes, in the order of dimensions before a transpose, or its accumulators if
        it writes none."""
        weights, scales = (
            [self._bytes(one.region, one.address, one.length_bytes) for one in spans]
            for spans in (operation.weights, operation.scales)
        )

        def compute() -> np.ndarray:
            results = self._computed(operation, ifm, ifm2, weights, scales)
            return output_values(operation, results, self._memory) if writes_result(operation) else results

        if self._cache is None:
            return compute()
        kept = self._kept if operation.accumulator_input == "KEEP" else None
        inputs = [one for one in (ifm, ifm2, kept) if one is not None]
        tables = [self._memory.tables.tobytes()] if operation.uses_table else []
        return self._cache.find(operation, inputs, [*weights, *scales, *tables], compute)

    def _computed(
        self, operation: Operation, ifm: np.ndarray, ifm2: np.ndarray | None, weights: list[bytes], scales: list[bytes]
    ) -> np.ndarray:
        if operation.kind is Kind.ELEMENTWISE:
            return elementwise(operation, ifm, ifm2)
        if operation.kind is Kind.POOL:
            channels = decode_scales(operation, self._decoded.accelerator, scales) if scales else None
            return pool(operation, ifm, ifm2, channels, self._kept)
        if operation.kind is Kind.RESIZE:
            return resize(operation, ifm)
        return convolution(operation, self._decoded.accelerator, ifm, ifm2, weights, scales, self._kept)

    def _bytes(self, region: int | None, address: int, length: int) -> bytes:
        """Of weights or scales, which are the same on all sets of inputs."""
        return self._memory.read_bytes(region, address, length)[0].tobytes()

    def _input(self, operation: Operation, role: str, feature_map: FeatureMap) -> np.ndarray:
        if feature_map.storage == "NONE":
            return _scalar(feature_map)
        if feature_map.storage == "CHAINED":
            found = self._memory.chained.get(feature_map.region)
            if found is None:
                raise Fault(f"chaining buffer {feature_map.region} is read before it is written")
            return found
        return read(self._memory, layout(operation, role, feature_map), _own_addresses(feature_map))

    def _store(self, operation: Operation, ofm: FeatureMap, values: np.ndarray) -> None:
        if ofm.storage == "CHAINED":
            self._memory.chained[ofm.region] = values
        else:
            write(self._memory, layout(operation, "OFM", ofm), _own_addresses(ofm), _transposed(ofm, values))


def _memory(program: NpuProgram, accelerator: str, inputs: Sequence[np.ndarray]) -> Memory:
    if len(inputs) != len(program.inputs):
        raise Fault(f"the program has {len(program.inputs)} inputs, {len(inputs)} were given")
    sets = {len(one) for one in inputs} or {1}
    if len(sets) != 1:
        raise Fault(f"inputs for {sorted(sets)} sets were given")
    random = np.random.default_rng(_UNWRITTEN_SEED)

    def unwritten(size: int) -> np.ndarray:
        return random.integers(0, 256, (*sets, size), np.uint8)

    arena = unwritten(program.arena_bytes)
    fast = arena if program.fast_bytes is None else unwritten(program.fast_bytes)
    constants = np.frombuffer(program.constants, np.uint8)[None]
    memory = Memory(accelerator_of(accelerator), {CONSTANTS: constants, ARENA: arena, FAST: fast})
    for number, (tensor, array) in enumerate(zip(program.inputs, inputs, strict=True)):
        data = np.ascontiguousarray(array).reshape(len(array), -1).view(np.uint8)
        if data.shape[1] != tensor.bytes:
            raise Fault(f"input {number} has {data.shape[1]} bytes, the program takes {tensor.bytes}")
        memory.write_bytes(tensor.region, tensor.address, data)
    return memory


def _output(memory: Memory, tensor: IoTensor) -> np.ndarray:
    data = memory.read_bytes(tensor.region, tensor.address, tensor.bytes)
    return np.ascontiguousarray(data).view(f"<i{tensor.element_bytes}").reshape(len(data), *tensor.shape)


def _scalar(feature_map: FeatureMap) -> np.ndarray:
    return np.full((1, 1, 1, 1), feature_map.scalar, np.int64)


def _own_addresses(feature_map: FeatureMap) -> list[np.ndarray]:
    return [np.array([one]) for one in feature_map.addresses]


def _transposed(ofm: FeatureMap, values: np.ndarray) -> np.ndarray:
    """In the order of the dimensions in memory."""
    if ofm.reverse != "NONE":
        values = np.flip(values, 1 + "HWC".index(ofm.reverse))
    if ofm.transpose != "HWC":
        values = values.transpose(0, *(1 + "HWC".index(letter) for letter in ofm.transpose))
    return values


def _for_each_set(values: np.ndarray, sets: int, count: int) -> np.ndarray:
    """Values of the constants, `[count, ...]`, for every set of inputs; others as they are."""
    if len(values) == sets * count:
        return values
    return np.broadcast_to(values, (sets, *values.shape)).reshape(sets * count, *values.shape[1:])


def _overlap(out: Layout, out_at: Sequence[np.ndarray], place: Layout, at: Sequence[np.ndarray]) -> bool:
    if out.region != place.region and CONSTANTS in (out.region, place.region):
        return False
    (low, high), (other_low, other_high) = out.reach(out_at), place.reach(at)
    return low < other_high and other_low < high
