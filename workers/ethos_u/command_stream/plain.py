"""An operation as plain values, for JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from workers.ethos_u.command_stream.operation import Operation

_PROPERTIES = (
    "mode", "block", "accumulator", "accumulator_input", "microblock", "traversal", "upscale", "scale_mode",
    "ifm_scale_mode", "rounding", "weight_format", "blockdep", "kernel_wait", "dma_wait",
)  # fmt: skip
_PARTS = ("ifm", "ifm2", "ofm", "kernel", "padding", "activation", "dma")


def plain(operation: Operation) -> dict[str, Any]:
    """Its properties by name; what it has not (a copy has no kernel) is left out. Units as in the properties."""
    values: dict[str, Any] = {"kind": operation.kind.value, "offset": operation.offset}
    values |= {name: getattr(operation, name) for name in _PROPERTIES}
    values |= {name: asdict(part) for name in _PARTS if (part := getattr(operation, name)) is not None}
    values["weights"] = [asdict(span) for span in operation.weights]
    values["scales"] = [asdict(span) for span in operation.scales]
    return {name: value for name, value in values.items() if value not in (None, [])}
