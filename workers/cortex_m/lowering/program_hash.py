"""The identity of a lowered program."""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.utils.weak import WeakIdKeyDictionary

from workers.cortex_m.cost.reading.nodes import operator_of

#: Tensor -> its digest. Programs of one model share most of their weights.
_digests: Any = WeakIdKeyDictionary()


def program_hash(program: ExportedProgram) -> str:
    """32 hex digits, equal for programs of equal operators, arguments and constants."""
    digest = hashlib.blake2b(digest_size=16)
    names = {node: f"%{at}" for at, node in enumerate(program.graph.nodes)}
    for node in program.graph.nodes:
        shown = torch.fx.node.map_arg((node.args, node.kwargs), lambda one: names[one])
        shape = getattr(node.meta.get("val"), "shape", "")
        digest.update(f"{node.op} {operator_of(node) if node.op == 'call_function' else ''} {shown} {shape}\n".encode())
    for _, value in sorted({**program.state_dict, **program.constants}.items()):
        if isinstance(value, torch.Tensor):
            digest.update(_digest_of(value))
    return digest.hexdigest()


def _digest_of(tensor: torch.Tensor) -> bytes:
    known: bytes | None = _digests.get(tensor)
    if known is None:
        # numpy has no type for bfloat16; the bytes of the elements are the same for every type.
        content = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        known = hashlib.blake2b(str(tuple(tensor.shape)).encode() + content, digest_size=16).digest()
        _digests[tensor] = known
    return known
