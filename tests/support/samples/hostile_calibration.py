"""Files that say they hold calibration inputs and are there to do harm: by what reading them runs, or takes."""

import io
import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import torch


class Harmful:
    """Pickled: a call that leaves a folder behind where it is read."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, ("harm-done",)


def _npy(array: Any) -> bytes:
    written = io.BytesIO()
    np.save(written, array, allow_pickle=True)
    return written.getvalue()


def _headed(header: str, data: bytes = b"") -> bytes:
    """A `.npy` with this header and these elements."""
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def _shaped(*shape: int, data: bytes = bytes(16)) -> bytes:
    return _headed(repr({"descr": "<f4", "fortran_order": False, "shape": shape}), data)


def _npz(*members: tuple[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", how, compresslevel=1) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return written.getvalue()


def _declared(size: int) -> bytes:
    """An archive whose one member says in the index that it is so many bytes."""
    data = bytearray(_npz(("a.npy", _npy(np.ones(4, np.float32))), how=zipfile.ZIP_DEFLATED))
    index = data.index(b"PK\x01\x02")
    data[index + 24 : index + 28] = size.to_bytes(4, "little")
    return bytes(data)


def _encrypted() -> bytes:
    data = bytearray(_npz(("a.npy", _npy(np.ones(4)))))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    return bytes(data)


def _inflating(megabytes: int) -> bytes:
    """An archive of one array of zeros, a thousandth of its size."""
    written = io.BytesIO()
    with (
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("a.npy", "w") as member,
    ):
        member.write(_shaped(megabytes * 2**18, data=b""))
        for _ in range(megabytes):
            member.write(bytes(2**20))
    return written.getvalue()


def _twice() -> bytes:
    data = _npz(("a.npy", _npy(np.ones(4))), ("b.npy", _npy(np.ones(4))))
    return data.replace(b"b.npy", b"a.npy")


def _pt(value: Any, **how: Any) -> bytes:
    written = io.BytesIO()
    torch.save(value, written, **how)
    return written.getvalue()


def _repacked(file: bytes, how: int = zipfile.ZIP_STORED, **replaced: bytes) -> bytes:
    """A `.pt` with its members packed another way, or with other contents."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(file)) as old, zipfile.ZipFile(written, "w", how) as new:
        for name in old.namelist():
            stem = name.rpartition("/")[2].partition(".")[0]
            new.writestr(name, replaced.get(stem, old.read(name)))
    return written.getvalue()


def _amplified() -> bytes:
    """32 MiB of pickle, one byte of it for each list."""
    return _repacked(_pt((torch.ones(2),)), data=b"\x80\x02(" + b"]" * 2**25 + b"l.")


def harmful() -> bytes:
    """A `.pt` with a call in it."""
    return _pt((torch.ones(1, 3), Harmful()))


def good_files() -> dict[str, bytes]:
    """File name -> bytes, of all kinds that are read."""
    one = np.ones((1, 3), np.float32)
    squeezed = io.BytesIO()
    np.savez_compressed(squeezed, image=one, mask=one > 0)
    return {
        "one.npy": _npy(one),
        "two.npz": squeezed.getvalue(),
        "tensor.pt": _pt(torch.ones(1, 3)),
        "sample.pt": _pt((torch.ones(1, 3).to(torch.bfloat16), 3)),
        "samples.pt": _pt([(torch.ones(1, 3).T,)] * 3),
    }


def hostile_files() -> dict[str, bytes]:
    """File name -> bytes. None of them is calibration inputs that velatune could use."""
    one = np.ones((1, 3), np.float32)
    plain = _pt((torch.ones(1, 3),))
    called = "__import__('os').mkdir('harm-done')"
    return {
        "objects.npy": _npy(np.array([Harmful()])),
        "pickled.npy": pickle.dumps(Harmful()),
        "code.npy": _headed(f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({called},)}}"),
        "code-kind.npy": _headed(f"{{'descr': {called}, 'fortran_order': False, 'shape': (1,)}}"),
        "text.npy": _npy(np.array(["words"])),
        "fields.npy": _npy(np.zeros(2, [("a", "<f4"), ("b", "O")])),
        "times.npy": _npy(np.zeros(2, "datetime64[s]")),
        "declared.npy": _shaped(2**40),
        "reserved.npy": _shaped(2**28),
        "overflow.npy": _shaped(2**62, 2**62),
        "wrapped.npy": _shaped(2**32, 2**32),
        "negative.npy": _shaped(-2, -2),
        "nested-header.npy": _headed("(" * 5000),
        "long-header.npy": b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + bytes(64),
        "cut.npy": _npy(one)[:-5],
        "header-only.npy": _npy(one)[:20],
        "model.npy": json.dumps({"harm": 1}).encode(),
        "archive.npy": _npz(("a.npy", _npy(one))),
        "objects.npz": _npz(("a.npy", _npy(one)), ("b.npy", _npy(np.array([Harmful()])))),
        "inflating.npz": _inflating(1100),
        "declared.npz": _declared(2**32 - 2),
        "larger-inside.npz": _npz(("a.npy", _shaped(2**40)), how=zipfile.ZIP_DEFLATED),
        "upwards.npz": _npz(("../../harm-done.npy", _npy(one))),
        "absolute.npz": _npz(("/tmp/harm-done.npy", _npy(one))),
        "nested.npz": _npz(("inner.npz", _npz(("a.npy", _npy(one))))),
        "pickled.npz": _npz(("a.npy", pickle.dumps(Harmful()))),
        "no-array.npz": _npz(("a.npy", _npy(one)), ("readme.txt", b"words")),
        "twice.npz": _twice(),
        "encrypted.npz": _encrypted(),
        "lzma.npz": _npz(("a.npy", _npy(one)), how=zipfile.ZIP_LZMA),
        "many.npz": _npz(*((f"{at}.npy", _npy(one)) for at in range(2000))),
        "nothing.npz": _npz(),
        "cut.npz": _npz(("a.npy", _npy(one)))[:-30],
        "array.npz": _npy(one),
        "objects.pt": harmful(),
        "objects-legacy.pt": _pt((torch.ones(1, 3), Harmful()), _use_new_zipfile_serialization=False),
        "pickled.pt": pickle.dumps(Harmful()),
        "behind-pickle.pt": pickle.dumps(Harmful()) + plain,
        "module.pt": _pt(torch.nn.Linear(2, 2)),
        "inflating.pt": _repacked(_pt(torch.zeros(2**24)), zipfile.ZIP_DEFLATED),
        "amplified.pt": _amplified(),
        "stretched.pt": _pt(torch.zeros(1).expand(2**40)),
        "stretched-together.pt": _pt([(torch.zeros(1).expand(2**26),)] * 5),
        "nowhere.pt": _pt(torch.empty(3, device="meta")),
        "sparse.pt": _pt(torch.eye(3).to_sparse()),
        "quantised.pt": _pt(torch.quantize_per_tensor(torch.ones(3), 1.0, 0, torch.qint8)),
        "dictionary.pt": _pt({"a": torch.ones(3)}),
        "nothing.pt": _pt([]),
        "cut.pt": plain[:-40],
        "noise.pt": b"PK\x03\x04" + bytes(range(256)) * 16,
    }  # fmt: skip
