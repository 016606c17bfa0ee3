"""What was found out lately is kept, and no more of it than was said."""

from collections.abc import Callable

import pytest

from workers.recent import Recent


def test_what_was_asked_for_last_is_kept() -> None:
    found: list[str] = []

    def find(name: str) -> Callable[[], str | None]:
        def answer() -> str | None:
            found.append(name)
            return None if name == "nothing" else name

        return answer

    recent: Recent[str | None] = Recent(2)
    for name in ("one", "nothing", "one", "nothing", "one"):
        assert recent.get(name, find(name)) == (None if name == "nothing" else name)
    assert found == ["one", "nothing"]
    recent.get("more", find("more"))
    recent.get("one", find("one"))
    assert found == ["one", "nothing", "more"]
    recent.get("nothing", find("nothing"))
    assert found == ["one", "nothing", "more", "nothing"]


def test_a_failure_is_not_kept() -> None:
    recent: Recent[int] = Recent(2)
    with pytest.raises(ZeroDivisionError):
        recent.get("key", lambda: 1 // 0)
    assert recent.get("key", lambda: 1) == 1
