"""Facts beside a file are read back for their own family and their own file alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from workers.backend.file_facts import FileFacts, digest, facts_file, read_facts, write_with_facts
from workers.errors import ModelError

CONTENT = b"a program"
FACTS = FileFacts("cortex-m", {"cpu": "cortex-m4"}, "default", "the key", digest(CONTENT))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "net.pte"
    write_with_facts(place, CONTENT, FACTS)
    return place


def test_what_was_written_is_read(file: Path) -> None:
    assert file.read_bytes() == CONTENT and read_facts(file, "cortex-m") == FACTS


def test_nothing_is_read_for_another_family_or_where_nothing_stands(file: Path) -> None:
    assert read_facts(file, "vulkan") is None
    assert read_facts(file.with_name("other.pte"), "cortex-m") is None


def test_a_changed_file_is_not_the_one(file: Path) -> None:
    file.write_bytes(CONTENT + b"!")
    with pytest.raises(ModelError, match=r"net\.pte: is not the file that net\.pte\.json is about"):
        read_facts(file, "cortex-m")


@pytest.mark.parametrize("text", ["", "[]", "{}", '"facts"', "nothing of the kind", "\udcff"])
def test_damaged_facts_are_said_to_be(file: Path, text: str) -> None:
    facts_file(file).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ModelError, match="the facts that it has are damaged"):
        read_facts(file, "cortex-m")


def test_facts_of_other_types_are_damaged(file: Path) -> None:
    write_with_facts(file, CONTENT, replace(FACTS, recipe=3))  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="damaged"):
        read_facts(file, "cortex-m")


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(ModelError, match="cannot be written"):
        write_with_facts(tmp_path / "a file" / "net.pte", CONTENT, FACTS)
