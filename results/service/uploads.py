"""Uploaded files: received, inspected by another process, and kept under the hash of their bytes."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import delete, func, insert, select
from starlette.exceptions import HTTPException

from results.records.record import utc_now
from results.service.backend import Backend
from results.service.http.limits import Limits
from results.service.state import State, uploads

_INSPECT_SECONDS = 180
_PAUSE_SECONDS = 30.0
"""How long a sender may send nothing."""

Kind = Literal["pt2", "tosa", "pt", "npy", "npz"]
MODEL_KINDS = ("pt2", "tosa")
"""The others hold calibration inputs."""


@dataclass(frozen=True)
class Upload:
    """A model file that is kept.

    Attributes:
        label: what its sender calls it; the name of the file.
        described: what was found in it: `inputs`, `operators`, `quantised`; of calibration inputs `samples`.
        owner: id of the token that sent it first.
    """

    sha256: str
    kind: Kind
    label: str
    size_bytes: int
    described: Mapping[str, Any]
    owner: str
    created: str

    @property
    def file_name(self) -> str:
        return f"{self.label}.{self.kind}"


class Uploads:
    """All uploads that a state folder keeps."""

    def __init__(self, state: State, backend: Backend, limits: Limits) -> None:
        """Take over the folder of uploads, and remove what an earlier process left half received.

        Args:
            state: the folder of the service.
            backend: the command that looks at a file.
            limits: the most bytes of one file and of all files.
        """
        self._state, self._backend, self._limits = state, backend, limits
        self._folder = state.folder / "uploads"
        self._folder.mkdir(mode=0o700, exist_ok=True)
        # One at a time: reading a model takes a core and memory.
        self._inspecting = asyncio.Semaphore(1)
        for left in self._folder.glob("receiving-*"):
            shutil.rmtree(left, ignore_errors=True)

    def find(self, sha256: str) -> Upload | None:
        with self._state.read() as connection:
            row = connection.execute(select(uploads).where(uploads.c.sha256 == sha256)).mappings().first()
        return None if row is None else Upload(**{**row, "described": json.loads(row["described"])})

    def all(self) -> list[Upload]:
        """The newest first."""
        with self._state.read() as connection:
            rows = connection.execute(select(uploads).order_by(uploads.c.created.desc())).mappings().all()
        return [Upload(**{**row, "described": json.loads(row["described"])}) for row in rows]

    def path(self, upload: Upload) -> Path:
        """The file."""
        return self.folder(upload.sha256) / upload.file_name

    def folder(self, sha256: str) -> Path:
        """Where the file lies, by itself."""
        return self._folder / sha256

    def remove(self, sha256: str) -> None:
        with self._state.write() as connection:
            connection.execute(delete(uploads).where(uploads.c.sha256 == sha256))
        shutil.rmtree(self.folder(sha256), ignore_errors=True)

    async def receive(self, chunks: AsyncIterator[bytes], kind: Kind, label: str, owner: str) -> Upload:
        """Keep a file. The same bytes are kept once.

        Args:
            chunks: of the file, as they come.
            kind: of the file; its name ends in it.
            label: a name for people.
            owner: id of the token that sent it.

        Returns:
            What is known of the file.

        Raises:
            HTTPException: it is empty, too large, too slow, without room, or refused by the process that examined it.
        """
        folder = Path(tempfile.mkdtemp(prefix="receiving-", dir=self._folder))
        try:
            file_name = f"{_plain(label)}.{kind}"
            sha256, size = await self._write(chunks, folder / file_name)
            known = self.find(sha256)
            if known is not None:
                return known
            async with self._inspecting:
                described = await self._inspected(folder, file_name)
            found = Upload(sha256, kind, _plain(label), size, described, owner, utc_now())
            await asyncio.to_thread(self._keep, found, folder)
            return found
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    async def _write(self, chunks: AsyncIterator[bytes], path: Path) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        most = self._limits.upload_bytes
        with path.open("xb") as file:
            while True:
                try:
                    async with asyncio.timeout(_PAUSE_SECONDS):
                        chunk = await anext(chunks, None)
                except TimeoutError:
                    raise HTTPException(408, f"nothing came for {_PAUSE_SECONDS:.0f} s") from None
                if chunk is None:
                    break
                size += len(chunk)
                if size > most:
                    raise HTTPException(413, f"a file has at most {most:,} bytes")
                digest.update(chunk)
                try:
                    await asyncio.to_thread(file.write, chunk)
                except OSError as error:
                    raise HTTPException(507, f"the file cannot be kept: {error.strerror}") from None
            file.flush()
            os.fsync(file.fileno())
        if not size:
            raise HTTPException(422, "the body is empty; send the bytes of the file")
        return digest.hexdigest(), size

    async def _inspected(self, folder: Path, file_name: str) -> Mapping[str, Any]:
        process = await asyncio.create_subprocess_exec(
            *self._backend.inspect_command, file_name, cwd=folder, start_new_session=True,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with asyncio.timeout(_INSPECT_SECONDS):
                printed, _ = await process.communicate()
        except TimeoutError:
            raise HTTPException(422, f"{file_name}: reading it takes too long") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        try:
            found = json.loads(printed.splitlines()[-1])
        except (IndexError, ValueError):
            raise HTTPException(422, f"{file_name}: reading it failed") from None
        if "error" in found:
            raise HTTPException(422, str(found["error"]))
        assert isinstance(found, dict)
        return found

    def _keep(self, found: Upload, folder: Path) -> None:
        with self._state.write() as connection:
            kept = connection.execute(select(func.coalesce(func.sum(uploads.c.size_bytes), 0))).scalar_one()
            if kept + found.size_bytes > self._limits.uploads_bytes:
                raise HTTPException(507, "no room for more files; an administrator may delete some")
            if connection.execute(select(uploads.c.kind).where(uploads.c.sha256 == found.sha256)).first():
                return  # the same file came twice at once
            # First the file: a row always has one, and a file without a row is taken again.
            shutil.rmtree(self.folder(found.sha256), ignore_errors=True)
            folder.rename(self.folder(found.sha256))
            connection.execute(insert(uploads).values({**vars(found), "described": json.dumps(found.described)}))


def _plain(label: str) -> str:
    """A label as a file name that is nothing else anywhere."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", label).strip("-")[:60] or "model"
