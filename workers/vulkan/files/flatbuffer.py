"""Read a delegate's blob, as ExecuTorch's runtime gets it, back into its graph.

ExecuTorch's own reader parses what flatc prints as JSON, and stops at infinite numbers. flatc writes them as `inf`, and
Python wants `Infinity`.
"""

from __future__ import annotations

import importlib.resources
import json
import re
import tempfile
from pathlib import Path
from typing import Any

from workers.errors import ModelError, one_line

_INFINITE = re.compile(r"(?<![\w\"])(-?)inf\b")
_NAN = re.compile(r"(?<![\w\"])-?nan\b")


def decoded(blob: bytes, name: str) -> Any:
    """A `VkGraph` of ExecuTorch's serialisation schema.

    Args:
        blob: of a delegate, with its header.
        name: what to call it in errors.

    Returns:
        The graph.

    Raises:
        ModelError: the blob is damaged.
    """
    from executorch.backends.vulkan.serialization.vulkan_graph_serialize import extract_vk_flatbuffer

    try:
        return _graph(extract_vk_flatbuffer(blob))
    except Exception as error:  # the reader follows offsets unchecked: damage can end it in anything
        raise ModelError(f"{name}: its Vulkan delegate is damaged ({one_line(error)})") from error


def _graph(flatbuffer: bytes) -> Any:
    from executorch.backends.vulkan import serialization
    from executorch.backends.vulkan.serialization.vulkan_graph_schema import VkGraph
    from executorch.exir._serialize._dataclass import _json_to_dataclass
    from executorch.exir._serialize._flatbuffer import _flatc_decompile

    with tempfile.TemporaryDirectory() as folder:
        schema, binary, text = (Path(folder) / one for one in ("schema.fbs", "graph.bin", "graph.json"))
        schema.write_bytes((importlib.resources.files(serialization) / "schema.fbs").read_bytes())
        binary.write_bytes(flatbuffer)
        _flatc_decompile(folder, str(schema), str(binary), ["--raw-binary"])
        content = text.read_text(encoding="utf-8")
    finite = _NAN.sub("NaN", _INFINITE.sub(r"\1Infinity", content))
    return _json_to_dataclass(json.loads(finite), VkGraph)
