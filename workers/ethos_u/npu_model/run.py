"""Execute a command stream: what the NPU leaves in memory, bit for bit.

Operations are executed one after the other, as if each waited for the one before it;
`workers.ethos_u.npu_model.waits.hazards` says whether the stream's waits make that so."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workers.ethos_u.command_stream import Decoded, decode
from workers.ethos_u.command_stream.npu_program import IoTensor, NpuProgram
from workers.ethos_u.npu_model.accelerator import accelerator_of
from workers.ethos_u.npu_model.errors import Fault
from workers.ethos_u.npu_model.machine.machine import Machine, Trace
from workers.ethos_u.npu_model.machine.operation_cache import OperationCache
from workers.ethos_u.npu_model.memory.memory import ARENA, CONSTANTS, FAST, Memory

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
    memory = initial_memory(program, decoded.accelerator, inputs)
    machine = Machine(decoded, memory, trace, cache)
    for run in decoded.runs:
        machine.execute(run)
    return [output_of(memory, tensor) for tensor in program.outputs]


def initial_memory(program: NpuProgram, accelerator: str, inputs: Sequence[np.ndarray]) -> Memory:
    """What memory holds when a program starts: constants and inputs; all else is random, from a fixed seed.

    Args:
        program: one delegate.
        accelerator: name of the NPU, as in `Decoded.accelerator`.
        inputs: `[S, ...]` for each of the program's inputs.

    Returns:
        The memory.

    Raises:
        Fault: the inputs differ in number or size from the program's, or in their number of sets.
    """
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


def output_of(memory: Memory, tensor: IoTensor) -> np.ndarray:
    """An output as it lies in memory, as `execute` returns it.

    Args:
        memory: after the program has run.
        tensor: one of the program's outputs.

    Returns:
        `[S, *shape]`, signed integers of the output's element size.
    """
    data = memory.read_bytes(tensor.region, tensor.address, tensor.bytes)
    return np.ascontiguousarray(data).view(f"<i{tensor.element_bytes}").reshape(len(data), *tensor.shape)
