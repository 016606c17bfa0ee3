"""What a model source holds, and what two sources have in common that hold the same."""

from __future__ import annotations

from dataclasses import dataclass

from workers.errors import ModelError
from workers.models.exported.io_layout import IoLayout, layout_of, strides_of
from workers.models.identity.content_hash import exported_hash, file_hash, text_hash
from workers.models.model_source import export, resolve
from workers.models.types import ExportedModel, SourceModel, TosaFile


@dataclass(frozen=True)
class SourceContent:
    """A loaded model source and the hash of its content.

    Attributes:
        loaded: the exported model, or a TOSA file.
        sha256: of the model: its graph, weights, example and own calibration inputs, and their layout in memory. Of a
            file: its bytes.
        io_layout: how its inputs of rank 4 lie in memory.
    """

    loaded: ExportedModel | TosaFile
    sha256: str
    io_layout: IoLayout


def source_content(source: str, io_layout: IoLayout | None = None) -> SourceContent:
    """Resolve and export a model source.

    Args:
        source: see `workers.models.model_source`.
        io_layout: see `workers.models.model_source.export`.

    Returns:
        The model, a hash of its content, and the layout of its inputs.

    Raises:
        ModelError: the source is bad, or the model cannot be exported.
    """
    resolved = resolve(source)
    if isinstance(resolved, TosaFile):
        if io_layout is not None:
            raise ModelError(f"{source}: a .tosa file's inputs lie as they do; --io-layout needs the PyTorch model")
        return SourceContent(resolved, file_hash(resolved), "nchw")
    loaded = export(resolved, io_layout)
    if isinstance(resolved, SourceModel):
        content = exported_hash(loaded)
    else:
        # A file is known by its bytes, so that its identity does not depend on how torch prints what it reads.
        strides = strides_of(loaded.example_inputs)
        content = text_hash(file_hash(resolved), strides) if strides else file_hash(resolved)
    return SourceContent(loaded, content, layout_of(loaded.example_inputs))
