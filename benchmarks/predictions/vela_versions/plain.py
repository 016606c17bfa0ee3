"""What Vela made of a program as JSON, and back."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import asdict
from typing import Any

from workers.ethos_u.command_stream.npu_program import IoTensor
from workers.ethos_u.command_stream.operator_cost import OperatorCost
from workers.ethos_u.vela.compiler import Compiled

_BYTES = ("command_stream", "weights")


def plain(compiled: Compiled) -> dict[str, Any]:
    """As values that JSON has; bytes in base64."""
    return asdict(compiled) | {name: b64encode(getattr(compiled, name)).decode() for name in _BYTES}


def compiled_from(values: dict[str, Any]) -> Compiled:
    """What `plain` made these of."""
    tensors = {
        end: tuple(IoTensor(**one | {"shape": tuple(one["shape"])}) for one in values[end])
        for end in ("inputs", "outputs")
    }
    rows = tuple(OperatorCost(**row | {"stream_offsets": tuple(row["stream_offsets"])}) for row in values["operators"])
    streams = {name: b64decode(values[name]) for name in _BYTES}
    return Compiled(**values | tensors | streams | {"operators": rows})
