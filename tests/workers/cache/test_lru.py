"""What was found out lately is kept, and no more of it than was said."""

from collections.abc import Callable

import pytest

from workers.cache.lru import LRU


def test_what_was_asked_for_last_is_kept() -> None:
    found: list[str] = []

    def find(name: str) -> Callable[[], str | None]:
        def answer() -> str | None:
            found.append(name)
            return None if name == "nothing" else name

        return answer

    recent: LRU[str | None] = LRU(2)
    for name in ("one", "nothing", "one", "nothing", "one"):
        assert recent.find(name, find(name)) == (None if name == "nothing" else name)
    assert found == ["one", "nothing"]
    recent.find("more", find("more"))
    recent.find("one", find("one"))
    assert found == ["one", "nothing", "more"]
    recent.find("nothing", find("nothing"))
    assert found == ["one", "nothing", "more", "nothing"]


def test_a_failure_is_not_kept() -> None:
    recent: LRU[int] = LRU(2)
    with pytest.raises(ZeroDivisionError):
        recent.find("key", lambda: 1 // 0)
    assert recent.find("key", lambda: 1) == 1


def test_sizes_together_are_no_more_than_was_said() -> None:
    recent: LRU[str] = LRU(5, size=len)
    recent.put(1, "aa")
    recent.put(2, "bb")
    assert recent.get(1) == "aa"
    recent.put(3, "cc")
    assert [recent.get(key) for key in (1, 2, 3)] == ["aa", None, "cc"]
    recent.put(1, "a")
    recent.put(4, "dd")
    assert [recent.get(key) for key in (1, 3, 4)] == ["a", "cc", "dd"], "the size of what was replaced is free"


def test_an_answer_that_is_too_large_by_itself_costs_no_other_its_place() -> None:
    recent: LRU[str] = LRU(5, size=len)
    recent.put(1, "aa")
    recent.put(2, "bbb")
    recent.put(3, "too large")
    assert recent.find(4, lambda: "too large as well") == "too large as well"
    assert [recent.get(key) for key in (1, 2, 3, 4)] == ["aa", "bbb", None, None]
    recent.put(2, "too large now")
    assert [recent.get(key) for key in (1, 2)] == ["aa", None], "an answer that was replaced is not given any more"
    recent.put(5, "ccc")
    assert [recent.get(key) for key in (1, 5)] == ["aa", "ccc"], "the size of what was replaced is free"
