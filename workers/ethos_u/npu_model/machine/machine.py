"""The NPU while it executes a stream, one operation or one run of them after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from workers.errors import one_line
from workers.ethos_u.command_stream import Decoded, FeatureMap, Kind, Operation, Run
from workers.ethos_u.npu_model.errors import Fault, Unmodelled
from workers.ethos_u.npu_model.machine.operation_cache import OperationCache
from workers.ethos_u.npu_model.machine.plan import Plan, addresses_of, addresses_within, plan_of
from workers.ethos_u.npu_model.memory.feature_maps import Layout, read, read_each, write, write_each
from workers.ethos_u.npu_model.memory.memory import ARENA, CONSTANTS, Memory
from workers.ethos_u.npu_model.operations.convolution import convolution
from workers.ethos_u.npu_model.operations.dma import copy
from workers.ethos_u.npu_model.operations.elementwise import elementwise
from workers.ethos_u.npu_model.operations.output_stage import output_values
from workers.ethos_u.npu_model.operations.pool import pool
from workers.ethos_u.npu_model.operations.resize import resize
from workers.ethos_u.npu_model.weights import decode_scales

#: Told of an operation that computes and of the values that it writes, `[S, H, W, C]`.
Trace = Callable[[Operation, np.ndarray], None]

#: Elements of the OFMs of a run that are computed at once.
_RUN_ELEMENTS = 1 << 20

_NOTHING = np.zeros((1, 1, 1, 1), np.int8)


class Machine:
    """Executes the operations of one stream on several sets of inputs."""

    def __init__(
        self, decoded: Decoded, memory: Memory, trace: Trace | None = None, cache: OperationCache | None = None
    ) -> None:
        """Begin with memory as it is.

        Args:
            decoded: the stream.
            memory: what the operations read and write.
            trace: called after every operation that computes; None if nobody asks.
            cache: of values that operations of other streams gave; None for none.
        """
        self._decoded, self._memory, self._trace, self._cache = decoded, memory, trace, cache
        self._sets = len(memory.region(ARENA))
        self._kept: np.ndarray | None = None  # accumulators that the operation before has left

    def execute(self, run: Run) -> None:
        """All operations of a run.

        Raises:
            Unmodelled, Fault, StreamError: as `workers.ethos_u.npu_model.execute`.
        """
        try:
            if run.first.kind is Kind.DMA:
                copy(run.first, self._memory)
            elif len(run.offsets) == 1:
                self._one(run.first)
            elif not self._together(run):
                for operation in self._decoded.operations_of(run):
                    self._one(operation)
        except (ValueError, IndexError, OverflowError, MemoryError) as error:
            # Shapes that do not go together: every register is possible by itself.
            where = f"at offset {run.first.offset:#x}"
            raise Fault(f"the registers of the operation {where} do not fit together ({one_line(error)})") from error

    def _one(self, operation: Operation) -> None:
        plan = plan_of(operation, self._memory.accelerator)
        first, second = (self._input(operation, plan, role) for role in ("IFM", "IFM2"))
        values = self._written(operation, plan, _NOTHING if first is None else first, second)
        if plan.loses_tables:
            self._memory.lose_tables()
        self._kept = None if plan.writes else values
        if self._kept is not None:
            return
        if plan.ofm.storage == "CHAINED":
            self._memory.chained[operation.registers.number("OFM_REGION")] = values
        else:
            at = addresses_of(operation.registers, "OFM")
            write(self._memory, plan.places["OFM"], at, _transposed(plan.ofm, values))
        if self._trace is not None:
            self._trace(operation, np.broadcast_to(values, (self._sets, *values.shape[1:])))

    def _together(self, run: Run) -> bool:
        """Execute all operations of a run at once if none reads what another one writes."""
        operation, count = run.first, len(run.offsets)
        plan = plan_of(operation, self._memory.accelerator)
        if operation.kind not in (Kind.POOL, Kind.ELEMENTWISE) or operation.scales or not plan.writes:
            return False
        if "IFM" not in plan.places or operation.accumulator_input == "KEEP":
            return False
        changes = self._decoded.addresses(run)
        at = {role: addresses_within(operation.registers, changes, role, count) for role in plan.places}
        out = plan.places["OFM"]
        if any(_overlap(out, at["OFM"], one, at[role]) for role, one in plan.places.items() if role != "OFM"):
            return False
        step = max(1, _RUN_ELEMENTS // max(1, plan.ofm.elements * self._sets))
        for start in range(0, count, step):
            part = slice(start, min(start + step, count))
            inputs = {}
            for role, one in plan.inputs.items():
                if one.in_memory:
                    found = read_each(self._memory, plan.places[role], [tile[part] for tile in at[role]])
                    inputs[role] = _for_each_set(found, self._sets, part.stop - part.start)
                else:
                    inputs[role] = _scalar(one)
            values = self._written(operation, plan, inputs["IFM"], inputs.get("IFM2"))
            write_each(self._memory, out, [tile[part] for tile in at["OFM"]], _transposed(plan.ofm, values))
            if self._trace is not None:
                each = values.reshape(self._sets, -1, *values.shape[1:])
                for number, own in enumerate(self._decoded.operations_of(run)[part]):
                    self._trace(own, each[:, number])
        if plan.loses_tables:
            self._memory.lose_tables()
        return True

    def _written(self, operation: Operation, plan: Plan, ifm: np.ndarray, ifm2: np.ndarray | None) -> np.ndarray:
        """The elements that an operation writes, in the order of dimensions before a transpose, or its accumulators if
        it writes none."""
        weights, scales = (
            [self._bytes(one.region, one.address, one.length_bytes) for one in spans]
            for spans in (operation.weights, operation.scales)
        )

        def compute() -> np.ndarray:
            try:
                return self._computed(plan.operation, ifm, ifm2, weights, scales, plan.writes)
            except (Fault, Unmodelled):
                # The message names the operation: the one at fault, not the one that the plan was made of.
                return self._computed(operation, ifm, ifm2, weights, scales, plan.writes)

        if self._cache is None:
            return compute()
        kept = self._kept if operation.accumulator_input == "KEEP" else None
        inputs = [one for one in (ifm, ifm2, kept) if one is not None]
        tables = [self._memory.tables.tobytes()] if plan.operation.uses_table else []
        return self._cache.find(plan.depends, inputs, [*weights, *scales, *tables], compute)

    def _computed(
        self, operation: Operation, ifm: np.ndarray, ifm2: np.ndarray | None, weights: Sequence[bytes],
        scales: Sequence[bytes], writes: bool,
    ) -> np.ndarray:  # fmt: skip
        accelerator = self._decoded.accelerator
        if operation.kind is Kind.ELEMENTWISE:
            results = elementwise(operation, ifm, ifm2)
        elif operation.kind is Kind.POOL:
            channels = decode_scales(operation, accelerator, scales) if scales else None
            results = pool(operation, ifm, ifm2, channels, self._kept)
        elif operation.kind is Kind.RESIZE:
            results = resize(operation, ifm)
        else:
            results = convolution(operation, accelerator, ifm, ifm2, weights, scales, self._kept)
        if not writes:
            return results
        if results.shape[1:] != operation.ofm_shape:
            found = "x".join(map(str, results.shape[1:]))
            wanted = "x".join(map(str, operation.ofm_shape))
            raise Fault(f"inputs give {found} elements for an OFM of {wanted} at offset {operation.offset:#x}")
        return output_values(operation, results, self._memory)

    def _bytes(self, region: int | None, address: int, length: int) -> bytes:
        """Of weights or scales, which are the same on all sets of inputs."""
        return self._memory.read_bytes(region, address, length)[0].tobytes()

    def _input(self, operation: Operation, plan: Plan, role: str) -> np.ndarray | None:
        feature_map = plan.inputs.get(role)
        if feature_map is None:
            return None
        if feature_map.in_memory:
            return read(self._memory, plan.places[role], addresses_of(operation.registers, role))
        if feature_map.storage == "NONE":
            return _scalar(feature_map)
        found = self._memory.chained.get(feature_map.region)
        if found is None:
            raise Fault(f"chaining buffer {feature_map.region} is read before it is written")
        return found


def _scalar(feature_map: FeatureMap) -> np.ndarray:
    return np.full((1, 1, 1, 1), feature_map.scalar, np.int64)


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
    """Whether something between the first and the last byte that are written is read."""
    if out.region != place.region and CONSTANTS in (out.region, place.region):
        return False
    (low, high), (other_low, other_high) = out.reach(out_at), place.reach(at)
    return low < other_high and other_low < high
