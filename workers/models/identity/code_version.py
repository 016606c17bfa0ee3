"""What tells results of one version of a model or of rules from those of the next: a hash over their files."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from hashlib import blake2b
from pathlib import Path


@cache
def code_version(*folders: Path) -> str:
    """16 hex digits over names and contents of the Python and JSON files in some folders.

    Results under an older one are other results: they are found again, not looked up.

    Args:
        folders: with subfolders, whose names count and whose place does not.

    Returns:
        The digits.
    """
    digest = blake2b(digest_size=8)
    for folder in folders:
        for file in sorted(_files(folder)):
            digest.update(f"{file.relative_to(folder.parent).as_posix()}\n".encode())
            digest.update(blake2b(file.read_bytes()).digest())
    return digest.hexdigest()


def _files(folder: Path) -> Iterable[Path]:
    return (file for file in folder.rglob("*") if file.suffix in (".py", ".json"))
