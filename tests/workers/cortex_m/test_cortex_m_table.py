"""The table of models on the page is what the command writes, and a run for some models leaves the rest alone."""

from support import REPOSITORY

from benchmarks.cortex_m.table import _MARKED, _rows, _sections, _table

PAGE = (REPOSITORY / "docs" / "cortex-m.md").read_text(encoding="utf-8")


def test_what_is_read_from_the_page_is_written_again() -> None:
    known = {heading: _rows(text) for heading, text in _sections(PAGE).items()}
    assert known.keys() == {"MVE", "DSP"}
    assert all(len(lines) == 3 for rows in known.values() for lines in rows.values())
    marked = _MARKED.search(PAGE)
    assert marked is not None and _table(known) == marked[0]


def test_an_empty_page_gets_both_parts() -> None:
    empty = _MARKED.sub("", PAGE)
    assert _sections(empty) == {}
    written = _MARKED.sub(lambda _: _table({"MVE": {"ds-cnn": ["| `ds-cnn` | best |"]}}), empty)
    assert {heading: _rows(text) for heading, text in _sections(written).items()} == {
        "MVE": {"ds-cnn": ["| `ds-cnn` | best |"]},
        "DSP": {},
    }
