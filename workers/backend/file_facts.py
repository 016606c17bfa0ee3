"""Facts beside a file whose format has no place for them: what it was lowered for and by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workers.cache.atomic_write import write_whole
from workers.errors import ModelError


@dataclass(frozen=True)
class FileFacts:
    """What a file was lowered for and by.

    Attributes:
        family: of the target.
        target: facts of the target, as `Target.facts` gives them.
        recipe: the recipe that the file was written by.
        identity: key of the identity under which its evaluation is stored.
        sha256: of the file.
    """

    family: str
    target: Mapping[str, Any]
    recipe: str
    identity: str
    sha256: str


def facts_file(file: Path) -> Path:
    """The file of facts beside a file."""
    return file.with_name(f"{file.name}.json")


def digest(content: bytes) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def write_with_facts(out: Path, content: bytes, facts: FileFacts) -> None:
    """Write a file and its facts. The facts come first, so that no new file is without them.

    Args:
        out: the file.
        content: of the file.
        facts: of the content.

    Raises:
        ModelError: one of them cannot be written.
    """
    try:
        write_whole(facts_file(out), json.dumps(asdict(facts), indent=2).encode())
        write_whole(out, content)
    except OSError as error:
        raise ModelError(f"{out}: cannot be written, {error.strerror}") from error


def read_facts(file: Path, family: str) -> FileFacts | None:
    """The facts beside a file.

    Args:
        file: the file; it is read too.
        family: of the targets that are asked for.

    Returns:
        The facts; None if there are none, or those of another family.

    Raises:
        ModelError: the facts are damaged, or are those of another file.
    """
    place = facts_file(file)
    try:
        said = json.loads(place.read_text(encoding="utf-8"))
        found = FileFacts(**{name: said[name] for name in FileFacts.__dataclass_fields__})
        texts = (found.family, found.recipe, found.identity, found.sha256)
        if not isinstance(found.target, dict) or not all(isinstance(one, str) for one in texts):
            raise TypeError(place)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelError(f"{place}: cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError):
        raise ModelError(f"{place}: the facts that it has are damaged") from None
    if found.family != family:
        return None
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ModelError(f"{file}: cannot be read ({error.strerror})") from error
    if digest(content) != found.sha256:
        raise ModelError(f"{file}: is not the file that {place.name} is about")
    return found
