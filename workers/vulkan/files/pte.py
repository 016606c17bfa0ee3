"""Write a lowered program as a `.pte`, and compare the file with what was priced and checked."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.cache.atomic_write import write_whole
from workers.errors import ModelError, one_line
from workers.output_capture import toolchain_hushed
from workers.vulkan.files.flatbuffer import decoded
from workers.vulkan.gate.verdict import Verdict, verdict
from workers.vulkan.lowering.graph.vk_graph import Graph, read_graph
from workers.vulkan.lowering.lowered import Lowered
from workers.vulkan.lowering.lowering import RUNTIME_NAME
from workers.vulkan.lowering.quiet_toolchain import quiet_toolchain


@dataclass(frozen=True, eq=False)
class FileContent:
    """What a `.pte` has for Vulkan.

    Attributes:
        blobs: of its delegates, in the order in which its method lists them.
        graphs: the same, read.
        constants: bytes of each named constant in the file, by name.
        wanted: bytes of each constant that a delegate takes from the file, by name.
    """

    blobs: tuple[bytes, ...]
    graphs: tuple[Graph, ...]
    constants: dict[str, int]
    wanted: dict[str, int]


def pte_bytes(lowered: Lowered, name: str) -> bytes:
    """The file, verified.

    Args:
        lowered: is used up: ExecuTorch plans its memory in place.
        name: of the model, for errors.

    Returns:
        The bytes of the `.pte`.

    Raises:
        ModelError: nothing of it is for the GPU, or ExecuTorch writes nothing, or something else.
    """
    if not lowered.delegates:
        raise ModelError(f"{name}: all of its operators stay on the CPU, so the file would have nothing for Vulkan")
    expected = tuple(one.data for one in lowered.delegates)
    with quiet_toolchain():
        # Registers the kernels of quantise and dequantise on the CPU, which operators between delegates may be.
        importlib.import_module("executorch.kernels.quantized")
        try:
            content = bytes(lowered.edge.to_executorch().buffer)
        except Exception as error:  # whatever ExecuTorch raises while it plans memory and writes
            raise ModelError(f"{name}: ExecuTorch cannot write the program, {one_line(error)}") from error
    verify(content, expected, name)
    return content


def report_beside(file: Path) -> Path:
    """Where the report on a file is.

    Args:
        file: the `.pte`.
    """
    return file.with_name(f"{file.name.removesuffix('.pte')}.report.md")


def write_beside(report: str, file: Path) -> None:
    """Write the report on a file beside it.

    Args:
        report: Markdown.
        file: the `.pte`.

    Raises:
        ModelError: it cannot be written.
    """
    place = report_beside(file)
    try:
        write_whole(place, report.encode())
    except OSError as error:
        raise ModelError(f"{place}: cannot be written, {error.strerror}") from error


def read_pte(content: bytes, name: str) -> FileContent:
    """Read a `.pte`; nothing in it is executed.

    Args:
        content: of the file.
        name: of the file, for errors.

    Returns:
        What it has for Vulkan.

    Raises:
        ModelError: it is not one, or damaged, or has no Vulkan delegate.
    """
    if content[4:6] != b"ET":
        raise ModelError(f"{name}: not an ExecuTorch program (.pte)")
    with toolchain_hushed():  # torchao says of each library of its own that it cannot load it
        from executorch.exir._serialize import _deserialize_pte_binary

    try:
        file: Any = _deserialize_pte_binary(content)
        blobs = tuple(_blobs(file.program))
        named = file.named_data
        stored = {} if named is None else {key: named.buffers[one.buffer_index] for key, one in named.pte_data.items()}
    except Exception as error:  # the reader follows offsets unchecked: damage can end it in anything
        raise ModelError(f"{name}: damaged or cut off ({one_line(error)})") from error
    if not blobs:
        raise ModelError(f"{name}: no Vulkan delegate in it; was it lowered with a VulkanPartitioner?")
    read = [decoded(blob, name) for blob in blobs]
    wanted = {one.named_key: one.length for graph in read for one in graph.constants if one.named_key}
    constants = {key: len(content) for key, content in stored.items()}
    return FileContent(blobs, tuple(read_graph(one, stored) for one in read), constants, wanted)


def judge_pte(content: bytes, name: str) -> Verdict:
    """Judge a file, whoever made it.

    Args:
        content, name: as of `read_pte`.

    Returns:
        What the gate says of its delegates.

    Raises:
        ModelError: as `read_pte`.
    """
    return verdict(read_pte(content, name).graphs)


def verify(content: bytes, expected: tuple[bytes, ...], name: str) -> None:
    """Hold a file to the delegates that were priced and checked, and to the constants that these name.

    Args:
        content, name: as of `read_pte`.
        expected: blobs of the delegates, in any order.

    Raises:
        ModelError: it has other delegates, or a constant is missing or cut.
    """
    found = read_pte(content, name)
    if sorted(found.blobs) != sorted(expected):
        raise ModelError(f"{name}: the file's delegates are not those that were evaluated")
    for key, length in found.wanted.items():
        if found.constants.get(key) != length:
            raise ModelError(f"{name}: the file lacks the constant {key[:16]} of a delegate")


def _blobs(program: Any) -> list[bytes]:
    return [
        bytes(program.backend_delegate_data[delegate.processed.index].data)
        for plan in program.execution_plan
        for delegate in plan.delegates
        if delegate.id == RUNTIME_NAME
    ]
