"""Values that are kept between runs are the ones that were computed, or are computed again."""

from pathlib import Path

import numpy as np
import pytest

from search_space.graph import INPUT, Graph, Node, TensorType
from workers import reference_check
from workers.check_inputs import check_inputs
from workers.kept_values import KeptValues
from workers.reference_check import ReferenceCheck, Verdict

_DATA = TensorType((2, 3), "INT32")
_INPUTS = (np.array([[1, -2, 3], [-4, 5, -6]], np.int32),)
_VERSIONS = {"tosa-tools": "1"}


def absolute(first: int = 1) -> Graph:
    """-|x|; the ids of its operators begin at `first`."""
    nodes = {
        0: Node(INPUT, (), _DATA),
        first: Node("ABS", (0,), _DATA),
        first + 1: Node("BITWISE_NOT", (first,), _DATA),
    }
    return Graph(nodes, (0,), (first + 1,), first + 2)


def test_they_are_found_under_other_ids(tmp_path: Path) -> None:
    KeptValues(tmp_path, absolute(), _INPUTS, _VERSIONS).put_if_possible({1: np.abs(_INPUTS[0])})
    found = KeptValues(tmp_path, absolute(first=7), _INPUTS, _VERSIONS).get([7, 8])
    assert found.keys() == {7}
    assert found[7].dtype == np.int32
    assert found[7].tolist() == [[1, 2, 3], [4, 5, 6]]


def test_those_of_others_are_not_found(tmp_path: Path) -> None:
    KeptValues(tmp_path, absolute(), _INPUTS, _VERSIONS).put_if_possible({1: _INPUTS[0]})
    other = Graph({**absolute().nodes, 1: Node("CLZ", (0,), _DATA)}, (0,), (2,), 3)
    assert KeptValues(tmp_path, other, _INPUTS, _VERSIONS).get([1]) == {}
    assert KeptValues(tmp_path, absolute(), (_INPUTS[0] + 1,), _VERSIONS).get([1]) == {}
    assert KeptValues(tmp_path, absolute(), _INPUTS, {"tosa-tools": "2"}).get([1]) == {}


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_a_damaged_one_is_passed_over(tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    kept = KeptValues(tmp_path, absolute(), _INPUTS, _VERSIONS)
    kept.put_if_possible({1: np.arange(600, dtype=np.int32)})
    (path,) = tmp_path.rglob("*.npz")
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0xFF
    path.write_bytes({"cut": content[: len(content) // 2], "flipped": content, "empty": b""}[damage])
    assert kept.get([1]) == {}
    assert "passed over" in caplog.text


def test_a_check_takes_them_instead_of_computing_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A false value that was put there shows that it was taken."""
    monkeypatch.setattr(reference_check, "_SECONDS_WORTH_KEEPING", -1.0)
    default = absolute()
    inputs = check_inputs(default, (), seed=0)
    candidate = Graph(
        {**default.nodes, 2: Node("BITWISE_NOT", (3,), _DATA), 3: Node("ABS", (0,), _DATA)}, (0,), (2,), 4
    )
    assert ReferenceCheck(default, inputs, (tmp_path, _VERSIONS)).check(candidate) == Verdict(True)
    assert list(tmp_path.rglob("*.npz"))
    for one in inputs:
        false = {2: np.zeros(_DATA.shape, np.int32)}
        KeptValues(tmp_path, default, one.arrays, _VERSIONS).put_if_possible(false)
    assert not ReferenceCheck(default, inputs, (tmp_path, _VERSIONS)).check(candidate).equal
