"""What the order of an operation's weights depends on, read off its registers and the accelerator's name."""

from __future__ import annotations

from typing import Any

from workers.ethos_u.command_stream import Kind, Operation
from workers.ethos_u.npu_model.errors import Unmodelled
from workers.ethos_u.npu_model.weights.order_u55 import GeometryU55
from workers.ethos_u.npu_model.weights.order_u85 import GeometryU85

# The tables at the top of Vela's ethos_u55.cpp, ethos_u65.cpp and ethos_u85.cpp.
_CORES = {"ethos-u65-512": 2, "ethos-u85-512": 2, "ethos-u85-1024": 4, "ethos-u85-2048": 4}
_UBLOCK_DEPTH_U55 = {"ethos-u55-32": 4}
#: Microblocks (height, width).
_MICROBLOCKS = {
    "ethos-u85-128": ((1, 2), (1, 1)),
    "ethos-u85-256": ((1, 2), (1, 4), (2, 2)),
    "ethos-u85-512": ((2, 2), (1, 4)),
    "ethos-u85-1024": ((2, 2), (1, 4), (2, 4)),
    "ethos-u85-2048": ((2, 2), (1, 4), (4, 4)),
}


def cores_of(operation: Operation, accelerator_name: str) -> int:
    """How many cores share the channels of an operation.

    Args:
        operation: with weights or scales.
        accelerator_name: as in `Decoded.accelerator`.

    Returns:
        1 or 2.

    Raises:
        Unmodelled: a core of a U65 is left out.
    """
    cores = _CORES.get(accelerator_name, 1)
    if operation.family == "ethos-u65":
        mode = operation.registers.choice("PARALLEL_MODE")
        if mode != ("DUAL_CORE_DEPTH" if cores == 2 else "SINGLE_CORE"):
            raise Unmodelled(f"{accelerator_name} in parallel mode {mode}")
    return cores


def ublock_depth_u85(operation: Operation, accelerator_name: str) -> int:
    """Channels of a U85's microblock: each of its elements takes 8 multiply-accumulates per cycle.

    Args:
        operation: of a U85.
        accelerator_name: as in `Decoded.accelerator`.

    Returns:
        Channels.

    Raises:
        Unmodelled: the accelerator is not known to have such microblocks.
    """
    microblock = operation.microblock
    if microblock is None or microblock not in _MICROBLOCKS.get(accelerator_name, ()):
        raise Unmodelled(f"a microblock of {microblock} on {accelerator_name}")
    height, width = microblock
    return _macs(accelerator_name) // 8 // (height * width)


def geometry_u55(operation: Operation, accelerator_name: str) -> GeometryU55:
    """The order in which the weights of a convolution on U55 or U65 are read.

    Args:
        operation: a convolution or depthwise convolution.
        accelerator_name: as in `Decoded.accelerator`.

    Returns:
        The sizes that decide it.

    Raises:
        Unmodelled: a way of traversal or precision is not known.
    """
    return GeometryU55(**_common(operation, accelerator_name), ublock_depth=_UBLOCK_DEPTH_U55.get(accelerator_name, 8))


def geometry_u85(operation: Operation, accelerator_name: str, fast: bool) -> GeometryU85:
    """The order in which the weights of a convolution on U85 are read.

    Args:
        operation: a convolution or depthwise convolution.
        accelerator_name: as in `Decoded.accelerator`.
        fast: with weights for the fast weight decoder.

    Returns:
        The sizes that decide it.

    Raises:
        Unmodelled: as `geometry_u55`, or a depthwise convolution with fast or sparse weights.
    """
    assert operation.kernel is not None
    sparse = operation.registers.choice("WEIGHT_FORMAT", "weight_sparsity") == "SPARSE_2_4"
    if operation.kind is Kind.DEPTHWISE and (fast or sparse):
        raise Unmodelled(f"a depthwise convolution with weight format {operation.weight_format}")
    return GeometryU85(
        **_common(operation, accelerator_name),
        stride_y=operation.kernel.stride_y,
        stride_x=operation.kernel.stride_x,
        sparse=sparse,
        ublock_depth=ublock_depth_u85(operation, accelerator_name),
        macs=_macs(accelerator_name),
        interleaved=fast and cores_of(operation, accelerator_name) > 1,
    )


def _common(operation: Operation, accelerator_name: str) -> dict[str, Any]:
    """The attributes that both geometries have."""
    kernel, ofm, block = operation.kernel, operation.ofm, operation.block
    assert kernel is not None and ofm is not None and block is not None
    depthwise = operation.kind is Kind.DEPTHWISE
    return {
        "depth": ofm.shape[2],
        "kernel_height": kernel.height,
        "kernel_width": kernel.width,
        "ifm_depth": 1 if depthwise else 1 + operation.registers.number("IFM_DEPTH_M1"),
        "dilation_y": kernel.dilation_y,
        "dilation_x": kernel.dilation_x,
        "traversal": _traversal(operation),
        "ifm_bits": _ifm_bits(operation),
        "block_depth": block[2],
        "cores": cores_of(operation, accelerator_name),
    }


def _macs(accelerator_name: str) -> int:
    return int(accelerator_name.rpartition("-")[2])


def _traversal(operation: Operation) -> str:
    if operation.registers.choice("KERNEL_STRIDE", "decomposition") != "D8X8":
        raise Unmodelled("kernels are split into parts of 4 x 4")
    if operation.kind is Kind.DEPTHWISE:
        return "DEPTHWISE"
    return operation.registers.choice("KERNEL_STRIDE", "weight_order")


def _ifm_bits(operation: Operation) -> int:
    precision = operation.registers.choice("IFM_PRECISION", "activation_precision")
    if precision not in ("B8", "B16"):
        raise Unmodelled(f"an IFM of precision {precision}")
    return int(precision.removeprefix("B"))
