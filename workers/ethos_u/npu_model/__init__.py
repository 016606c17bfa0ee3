"""A functional model of the Ethos-U: executes the bytes that Vela emits.

    outputs = execute(compiled.npu_program, [inputs])

No Vela code takes part but the decoder of its weight compression. A register value, format or mode that the model does
not know raises `Unmodelled`. What the hardware does not do or leaves undefined raises `Fault`.
"""

from workers.ethos_u.command_stream.npu_program import IoTensor, NpuProgram
from workers.ethos_u.npu_model.errors import Fault, Unmodelled
from workers.ethos_u.npu_model.run import execute
from workers.ethos_u.npu_model.static_checks.expected_accesses import expected_accesses
from workers.ethos_u.npu_model.static_checks.guard import guard
from workers.ethos_u.npu_model.waits.hazards import hazards

__all__ = [
    "MODEL_VERSION", "Fault", "IoTensor", "NpuProgram", "Unmodelled", "execute", "expected_accesses", "guard",
    "hazards",
]  # fmt: skip

#: Part of what a verdict is remembered under: raised when the model begins to judge a stream otherwise.
MODEL_VERSION = "4"
