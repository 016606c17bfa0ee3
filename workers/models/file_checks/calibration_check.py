"""Checks of calibration inputs from others: they must be plain arrays of numbers, of a reasonable size.

Reading them runs nothing as it is. But an archive may come to a thousand times its size, a pickle to sixty times its
own. A tensor may say that one number of its file is 2^40 of them.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workers.models.file_checks.pt2_check import Refused, check_members

MOST_BYTES = 2**30
"""Of all inputs in a file together."""

_MOST_ARRAYS = 1000
_MOST_PICKLE_BYTES = 16 * 2**20
"""Of what stands around the numbers in a `.pt`: a thousand inputs come to some hundred kilobytes."""

_ARRAY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]*\.npy")
_ZIP = b"PK\x03\x04"


def check_archive(path: Path) -> None:
    """What can be said of a `.npz` or `.pt` before its contents are read; of other files nothing.

    Raises Refused, or whatever reading a damaged archive raises.
    """
    if path.suffix == ".npz":
        _check_arrays(path)
    elif path.suffix == ".pt":
        _check_saved(path.read_bytes())


def check_inputs(samples: Iterable[tuple[Any, ...]]) -> None:
    """That every tensor is a plain one, and all of them have a reasonable size. Raises Refused."""
    import torch

    left = MOST_BYTES
    for tensor in (value for sample in samples for value in sample if isinstance(value, torch.Tensor)):
        if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.is_quantized:
            raise Refused("it has a tensor that is not plain numbers (sparse, quantised, or without contents)")
        left -= math.prod(tensor.shape) * tensor.element_size()
        if left < 0:
            raise Refused(f"its inputs come to more than {MOST_BYTES:,} bytes")


def _check_arrays(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    if not 1 <= len(members) <= _MOST_ARRAYS:
        raise Refused(f"it has {len(members):,} arrays")
    if len({member.filename for member in members}) != len(members):
        raise Refused("it has two arrays of one name")
    for member in members:
        if not _ARRAY.fullmatch(member.filename):
            raise Refused(
                f"it has a member of the name {member.filename[:60]!r}; only arrays with plain names are read"
            )
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Refused("it is packed in another way than numpy packs")
    # What a member says of its size is kept to when it is read.
    if sum(member.file_size for member in members) > MOST_BYTES:
        raise Refused(f"its arrays come to more than {MOST_BYTES:,} bytes")


def _check_saved(data: bytes) -> None:
    import torch

    if not data.startswith(_ZIP):  # else torch reads it in the way of before 1.6, whatever follows
        raise Refused("it is not what torch.save writes today")
    check_members(data)
    reader = torch._C.PyTorchFileReader(io.BytesIO(data))
    if reader.get_record_size("data.pkl") > _MOST_PICKLE_BYTES:
        raise Refused("it holds too much besides numbers")
