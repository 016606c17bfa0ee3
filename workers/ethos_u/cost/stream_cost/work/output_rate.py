"""Cycles per element of the output unit, which scales, activates and writes what was computed."""

from __future__ import annotations

from workers.ethos_u.command_stream import Activation, FeatureMap, Kind, Operation, StreamError
from workers.ethos_u.cost.stream_cost.hardware.npu import Npu

_DIVISION_CYCLES = 33.0
_SWAPS_ROWS = ("WHC", "WCH", "CWH")


def cycles_per_element(npu: Npu, operation: Operation) -> float:
    """Cycles that the output unit takes for an element of one operation; those of a chain add up.

    Source: `EstimateAOCyclesPerElement` in Vela's ethos_u55_performance.cpp; `GetOutputCyclesPerElement` and
    `GetActivationCyclesPerElement` in ethos_u85_performance.cpp.

    Args:
        npu: the NPU.
        operation: one that computes.

    Returns:
        Cycles.

    Raises:
        StreamError: it is a copy.
    """
    ofm, activation = operation.ofm, operation.activation
    ifm = operation.ifm2 if operation.mode == "NONE" else operation.ifm
    if ofm is None or ifm is None or activation is None:
        raise StreamError(f"a copy at offset {operation.offset:#x} has no output unit")
    if npu.u85:
        return _u85(npu, operation, 8 * ifm.element_bytes, ofm, activation)
    return _u55(npu, operation, 8 * ifm.element_bytes, 8 * ofm.element_bytes, activation)


def _u55(npu: Npu, operation: Operation, ifm_bits: int, ofm_bits: int, activation: Activation) -> float:
    """`EstimateAOCyclesPerElement` in ethos_u55_performance.cpp.

    The activation is what the register says. A clamp is free: every operation has its bounds, whether or not they
    clamp. In 5.1.0 an operation without activation costs what a look-up table does. Arm corrected that later
    (MLBEDSW-11756).
    """
    elementwise = operation.kind is Kind.ELEMENTWISE
    if elementwise and ifm_bits == 32:
        rate = 1 if operation.ifm2 is not None else 0
    elif elementwise and operation.mode == "MUL" and ofm_bits == 32:
        rate = 2
    elif (elementwise and operation.mode == "MUL") or (not elementwise and operation.accumulator == "I40"):
        rate = 3
    elif elementwise and operation.mode in ("ADD", "SUB"):
        rate = 5
    elif operation.kind is Kind.POOL and operation.mode == "MAX":
        rate = 6
    else:
        rate = 7
    tabled = activation.function in ("lut", "tanh", "sigmoid")
    return max(npu.output_rates[rate], npu.activation_rates[0 if tabled else 2])


def _u85(npu: Npu, operation: Operation, ifm_bits: int, ofm: FeatureMap, activation: Activation) -> float:
    """`GetOutputCyclesPerElement` and `GetActivationCyclesPerElement` in ethos_u85_performance.cpp.

    Vela takes a transpose or reversal for slow only if it is an operation by itself. Here it is the OFM's register that
    makes it so, whatever has computed the OFM.
    """
    ofm_bits = 8 * ofm.element_bytes
    elementwise = operation.kind is Kind.ELEMENTWISE
    if operation.mode == "DIV":
        return _DIVISION_CYCLES
    if ofm.storage == "CHAINED" and 32 in (ofm_bits, ifm_bits):
        rate = 4
    elif ofm_bits == 64:
        rate = 3
    elif elementwise and operation.ifm2 is not None and ifm_bits == 32:
        rate = 5 if ofm_bits == 32 else 4
    else:
        rate = {8: 0, 16: 1, 32: 2}[ofm_bits]
    cycles = npu.output_rates[rate]
    slow = ofm.transpose in _SWAPS_ROWS or ofm.reverse == "W"
    if slow or activation.function in ("lut", "tanh", "sigmoid"):
        cycles = max(cycles, npu.activation_rates[1 if slow else 0])
    return cycles
