"""What is the same for all operations that differ in addresses only.

It is found once, and kept for other streams.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np

from workers.cache.lru import LRU
from workers.ethos_u.command_stream import FeatureMap, Kind, Operation
from workers.ethos_u.command_stream.state import RegisterState
from workers.ethos_u.npu_model.accelerator import Accelerator
from workers.ethos_u.npu_model.machine.operation_cache import dependencies
from workers.ethos_u.npu_model.memory.feature_maps import Layout, layout
from workers.ethos_u.npu_model.memory.table_place import overwrites_tables
from workers.ethos_u.npu_model.operations.accumulators import writes_result

_ADDRESS_BITS = (1 << 40) - 1
_TILES = 4
_KEPT = 1 << 14

# Registers that say where something is, when it may start, or what copies do.
_FREE = re.compile(r"NPU_SET_(\w+_BASE\d?|DMA0_\w+|BLOCKDEP|IFM_IB_END|IFM2_IB_START|AB_START)")

_BASES = {
    role: tuple(f"NPU_SET_{role}_BASE{tile}" for tile in range(_TILES)) for role in ("IFM", "IFM2", "OFM")
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Plan:
    """An operation without its addresses.

    Attributes:
        operation: one of them, for what its registers say of the computation.
        inputs: role (`IFM`, `IFM2`) -> the feature map that is read.
        ofm: what is written.
        places: role (`OFM` too) -> layout of what lies in memory.
        writes: whether results leave the accumulators.
        loses_tables: whether its accumulators take the place of the look-up tables.
        depends: what decides its results beside its inputs, as a key.
    """

    operation: Operation
    inputs: Mapping[str, FeatureMap]
    ofm: FeatureMap
    places: Mapping[str, Layout]
    writes: bool
    loses_tables: bool
    depends: Hashable


_plans: LRU[Plan] = LRU(_KEPT)


def plan_of(operation: Operation, accelerator: Accelerator) -> Plan:
    """The plan of an operation that computes.

    Args:
        operation: one that computes.
        accelerator: the NPU.

    Returns:
        The plan; equal for operations that differ in addresses only.

    Raises:
        Unmodelled: a feature map is stored in a way that is not known.
        StreamError: a register that is needed is not set.
    """
    key = accelerator, operation.kind, operation.parameter, operation.registers.pick(_FREE)
    return _plans.find(key, lambda: _plan(operation, accelerator))


def addresses_of(registers: RegisterState, role: str) -> list[int]:
    """The addresses of the four tiles of a feature map.

    Args:
        registers: of the operation.
        role: `IFM`, `IFM2` or `OFM`.

    Returns:
        Bytes; 0 where a register is not set.
    """
    return [(value or 0) & _ADDRESS_BITS for value in registers.take(_BASES[role])]


def addresses_within(
    registers: RegisterState, changes: Mapping[str, np.ndarray], role: str, count: int
) -> list[np.ndarray]:
    """The addresses of the four tiles of a feature map, for each operation of a run.

    Args:
        registers: of the first of them.
        changes: as `Decoded.addresses` gives them.
        role: `IFM`, `IFM2` or `OFM`.
        count: how many operations there are.

    Returns:
        `[count]` bytes for each tile.
    """
    first = addresses_of(registers, role)
    return [changes.get(name, np.full(count, one)) for name, one in zip(_BASES[role], first, strict=True)]


def _plan(operation: Operation, accelerator: Accelerator) -> Plan:
    ofm, ifm, ifm2 = operation.ofm, operation.ifm, operation.ifm2
    assert ofm is not None and ifm is not None
    inputs = {"IFM": ifm}
    if ifm2 is not None:
        inputs["IFM2"] = ifm2
    if operation.kind is Kind.POOL and operation.pooling_mode == "NONE":
        # What a pool of mode NONE reads as its IFM is thrown away; Vela describes it as elements that are none.
        del inputs["IFM"]
    writes = writes_result(operation)
    in_memory = {role: one for role, one in inputs.items() if one.in_memory}
    if writes and ofm.storage != "CHAINED":
        in_memory["OFM"] = ofm
    return Plan(
        operation=operation,
        inputs=inputs,
        ofm=ofm,
        places={role: layout(operation, role, one) for role, one in in_memory.items()},
        writes=writes,
        loses_tables=overwrites_tables(operation, accelerator),
        depends=(operation.kind, operation.parameter, dependencies(operation)),
    )
