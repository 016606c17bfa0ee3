"""A file is there whole or not at all. That kills leave none in halves is tested with the memo."""

import stat
from pathlib import Path

import pytest

from workers.cache.atomic_write import write_whole


def test_it_takes_the_place_of_the_old_one_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "folder" / ("long" * 60)
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_it_is_as_readable_as_any_file(tmp_path: Path) -> None:
    write_whole(tmp_path / "ours", b"")
    (tmp_path / "any").touch()
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ours", "any")}
    assert len(modes) == 1


def test_a_failure_leaves_the_old_one(tmp_path: Path) -> None:
    place = tmp_path / "taken"
    (place / "by a folder").mkdir(parents=True)
    with pytest.raises(OSError):
        write_whole(place, b"new")
    assert list(tmp_path.iterdir()) == [place]


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 300)  # too long a name, found at the last step
    with pytest.raises(OSError) as refused:
        write_whole(path, b"new")
    assert refused.value.filename == str(path) and ".part" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []
