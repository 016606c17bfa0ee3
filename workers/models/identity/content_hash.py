"""Hashes by content: the same model has the same hash in every process and on every machine."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workers.models.calibration import calibration_files
from workers.models.exported.io_layout import unusual_strides
from workers.models.types import ExportedFile, ExportedModel, TosaFile

if TYPE_CHECKING:
    import torch


def file_hash(file: ExportedFile | TosaFile) -> str:
    """SHA-256 of a model file: of its kind and its bytes, not of where it lies."""
    return _digest([type(file).__name__.encode(), file.data])


def exported_hash(model: ExportedModel) -> str:
    """SHA-256 of what an exported model computes: graphs, parameters, buffers, constants, and its inputs.

    Also of how tensors lie in memory: the same code on other strides is another program.
    """
    import torch

    program = model.program

    def parts() -> Iterable[bytes]:
        for name, module in program.graph_module.named_modules():
            if isinstance(module, torch.fx.GraphModule):
                yield name.encode()
                yield module.code.encode()
        yield str(program.graph_signature).encode()
        for name, value in sorted({**program.state_dict, **program.constants}.items()):
            yield name.encode()
            yield _value_bytes(value)
        yield _inputs_bytes(model.example_inputs)
        for sample in model.calibration_inputs or ():
            yield _inputs_bytes(sample)

    return _digest(parts())


def calibration_data_hash(data: Path) -> str:
    """SHA-256 of the calibration files behind a path, in the order in which they are read."""
    return _digest(path.read_bytes() for path in calibration_files(data))


def text_hash(*texts: str) -> str:
    """SHA-256 of some strings; ("ab", "c") and ("a", "bc") differ."""
    return _digest(text.encode() for text in texts)


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def _inputs_bytes(inputs: tuple[Any, ...]) -> bytes:
    from torch.utils import _pytree as pytree

    leaves, structure = pytree.tree_flatten(inputs)
    return str(structure).encode() + b"".join(_value_bytes(leaf) for leaf in leaves)


def _value_bytes(value: object) -> bytes:
    import torch

    if isinstance(value, torch.Tensor):
        return f"{value.dtype}{list(value.shape)}{unusual_strides(value)}".encode() + _tensor_bytes(value)
    return repr(value).encode()


def _tensor_bytes(tensor: "torch.Tensor") -> bytes:
    import torch

    # numpy does not know bfloat16; the bytes of the elements are the same for every type
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes()
