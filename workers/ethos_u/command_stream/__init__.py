"""From a compiled command stream to its NPU operations, each with the registers that it runs under.

    decoded = decode(compiled.command_stream)
    for operation in decoded.operations:
        operation.kind, operation.ofm, operation.kernel, operation.registers["NPU_SET_BLOCKDEP"]

Where only totals are wanted, `decoded.runs` gives operations that differ in nothing but addresses as one.

Decoding is Python on bytes: no Vela and no ExecuTorch is imported for it.
"""

from workers.ethos_u.command_stream.commands import Command, Header, StreamError, commands, header
from workers.ethos_u.command_stream.decode import Decoded, decode
from workers.ethos_u.command_stream.features import Activation, Dma, FeatureMap, Kernel, Padding, Span
from workers.ethos_u.command_stream.issued import Run
from workers.ethos_u.command_stream.operation import Kind, Operation
from workers.ethos_u.command_stream.plain import plain
from workers.ethos_u.command_stream.rows import rows_of
from workers.ethos_u.command_stream.state import RegisterState

__all__ = [
    "Activation",
    "Command",
    "Decoded",
    "Dma",
    "FeatureMap",
    "Header",
    "Kernel",
    "Kind",
    "Operation",
    "Padding",
    "RegisterState",
    "Run",
    "Span",
    "StreamError",
    "commands",
    "decode",
    "header",
    "plain",
    "rows_of",
]
