"""Read what ExecuTorch packed into a `.pte` for the Ethos-U: command stream, weights and compile specs.

The file is untrusted: it is deserialised by ExecuTorch's own flatbuffer reader, nothing in it is executed.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.errors import ModelError, OfAnotherFamily, one_line
from workers.ethos_u.command_stream.npu_program import IoTensor, NpuProgram
from workers.ethos_u.files.executorch_reader import reader
from workers.ethos_u.npu_model.machine.fast_memory import fast_bytes
from workers.models.exported.io_layout import DimOrder, Interface
from workers.output_capture import toolchain_hushed

BACKEND = "EthosUBackend"

# The layout that backends/arm/arm_vela.py writes and the runtime's VelaBinStream.cpp reads: blocks of a
# name, the length of the payload, whether the payload is only a key into an external file, then the payload
# padded to 16.
_BLOCK_HEADER = struct.Struct("<16sIB11x")
_FIRST, _LAST = "vela_bin_stream", "vela_end_stream"

# The blocks `inputs` and `outputs` count tensors and give of each a shape of six dimensions, the size of an element,
# and where it is in the arena (vela_bin_pack_io in backends/arm/arm_vela.py).
_COUNT = struct.Struct("<i")
_IO_TENSOR = struct.Struct("<9i")


@dataclass(frozen=True)
class Delegate:
    """One Ethos-U delegate of a program.

    Attributes:
        method: the method of the program that calls it, as in `forward`.
        blob: its bytes as the runtime gets them.
        blocks: what is in the blob: `cmd_data`, `weight_data`, `scratch_size`, `inputs`, `outputs`.
        compile_specs: the compile specs stored beside it, by key.
    """

    method: str
    blob: bytes
    blocks: Mapping[str, bytes]
    compile_specs: Mapping[str, bytes]

    @property
    def command_stream(self) -> bytes:
        """The same bytes as `workers.ethos_u.vela.compiler.Compiled.command_stream` of the TOSA program it was made
        from."""
        return self.blocks["cmd_data"]

    @property
    def weights(self) -> bytes:
        """Encoded weights and other constants, the same bytes as `Compiled.weights`."""
        content = self.blocks["weight_data"]
        # Vela hands them over in a .npz, where numpy writes one byte for none.
        return b"" if content == b"\0" else content

    @property
    def scratch_bytes(self) -> int:
        """The arena that the runtime must provide."""
        size: int = struct.unpack("<I", self.blocks["scratch_size"])[0]
        return size

    @property
    def npu_program(self) -> NpuProgram:
        """What the NPU is given, to be executed by `workers.ethos_u.npu_model`.

        The size of region 2's memory is stated nowhere. It is assumed to be what the command stream needs. ExecuTorch's
        runtime never gives the NPU the arena as region 2 (EthosUBackend_Cortex_M.cpp). Raises ModelError if the blocks
        or the command stream are damaged.
        """
        inputs, outputs = (_io_tensors(self.blocks.get(name, b""), name) for name in ("inputs", "outputs"))
        size = fast_bytes(self.command_stream)
        return NpuProgram(self.command_stream, self.weights, self.scratch_bytes, size, inputs, outputs)


def read_pte(path: Path) -> tuple[Delegate, ...]:
    """The Ethos-U delegates of the `.pte` file at `path`; see `delegates_of`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    return delegates_of(content, str(path))


def delegates_of(content: bytes, name: str) -> tuple[Delegate, ...]:
    """The Ethos-U delegates of a program, in the order in which the program lists them.

    Without control flow that is the order in which they were compiled and in which they run.

    Args:
        content: the bytes of a `.pte`.
        name: what to call it in errors.

    Returns:
        One or more delegates.

    Raises:
        ModelError: not a `.pte`, a damaged one, or one without an Ethos-U delegate.
    """
    program = deserialised(content, name).program
    found = tuple(
        delegate_of(program, plan, at, name)
        for plan in program.execution_plan
        for at, delegate in enumerate(plan.delegates)
        if delegate.id == BACKEND
    )
    if not found:
        raise OfAnotherFamily(f"{name}: no Ethos-U delegate in it; was it lowered with an EthosUPartitioner?")
    return found


def interface_of(content: bytes, name: str) -> Interface:
    """Dim orders of the inputs and outputs of a program's first method.

    Args:
        content: the bytes of a `.pte`.
        name: what to call it in errors.

    Returns:
        Dim orders of the tensors among them.

    Raises:
        ModelError: not a `.pte`, or a damaged one.
    """
    plan = deserialised(content, name).program.execution_plan[0]

    def dim_orders(indices: Iterable[int]) -> tuple[DimOrder, ...]:
        values = [plan.values[at].val for at in indices]
        return tuple(tuple(value.dim_order) for value in values if hasattr(value, "dim_order"))

    return Interface(dim_orders(plan.inputs), dim_orders(plan.outputs))


def deserialised(content: bytes, name: str) -> Any:
    """What ExecuTorch's reader makes of a `.pte`.

    Args:
        content: the bytes of a `.pte`.
        name: what to call it in errors.

    Returns:
        A PTEFile.

    Raises:
        ModelError: it is not one, or damaged.
    """
    if content[4:6] != b"ET":
        raise ModelError(f"{name}: not an ExecuTorch program (.pte)")
    with toolchain_hushed():
        read = reader()
    try:
        return read(content)
    # The reader follows offsets unchecked: a damaged file can end it in whatever its content leads to.
    except Exception as error:
        raise ModelError(f"{name}: damaged or cut off ({one_line(error)})") from error


def delegate_of(program: Any, plan: Any, at: int, name: str) -> Delegate:
    """An Ethos-U delegate of a program, by its place in a method's plan.

    Args:
        program: ExecuTorch's Program.
        plan: an ExecutionPlan of it.
        at: number of the delegate in the plan.
        name: what to call the file in errors.

    Returns:
        The delegate.

    Raises:
        ModelError: it is damaged.
    """
    delegate = plan.delegates[at]
    blob = bytes(program.backend_delegate_data[delegate.processed.index].data)
    return Delegate(
        method=plan.name,
        blob=blob,
        blocks=_blocks(blob, name),
        compile_specs={spec.key: bytes(spec.value) for spec in delegate.compile_specs},
    )


def _blocks(blob: bytes, name: str) -> dict[str, bytes]:
    blocks: dict[str, bytes] = {}
    position = 0
    while position + _BLOCK_HEADER.size <= len(blob):
        raw_name, size, external = _BLOCK_HEADER.unpack_from(blob, position)
        block = raw_name.rstrip(b"\0").decode("ascii", errors="replace")
        position += _BLOCK_HEADER.size
        payload = blob[position : position + size]
        position += size + -size % 16
        if external:
            raise ModelError(f"{name}: its {block} lies in a separate .ptd file, which is not read")
        if len(payload) != size:
            break
        if block == _LAST and position == len(blob) and blocks.pop(_FIRST, None) == b"":
            if blocks.keys() >= {"cmd_data", "weight_data", "scratch_size"}:
                return blocks
            break
        blocks[block] = payload
    raise ModelError(f"{name}: its Ethos-U delegate is damaged (not a whole {_FIRST})")


def _io_tensors(block: bytes, name: str) -> tuple[IoTensor, ...]:
    count = _COUNT.unpack_from(block)[0] if len(block) >= _COUNT.size else -1
    if len(block) != _COUNT.size + count * _IO_TENSOR.size:
        raise ModelError(f"the list of a delegate's {name} is damaged")
    tensors = []
    for *shape, element_bytes, address, region in _IO_TENSOR.iter_unpack(block[_COUNT.size :]):
        if min(shape) < 0 or element_bytes not in (1, 2, 4, 8) or address < 0 or region < 0:
            raise ModelError(f"the list of a delegate's {name} is damaged")
        tensors.append(IoTensor(tuple(shape), element_bytes, region, address))
    return tuple(tensors)
