"""Values that are kept between runs are the ones that were computed, or are computed again."""

import io
from pathlib import Path

import numpy as np
import pytest

from search_space.ir.graph import INPUT, Graph, Node, TensorType
from workers.cache.kept_values import KeptValues
from workers.checking import incremental_values as values_module
from workers.checking import whole_outputs
from workers.checking.check_inputs import check_inputs
from workers.checking.incremental_values import Values
from workers.checking.reference import run_reference
from workers.checking.whole_outputs import WholeOutputs

_VALUE = (np.array([[1, -2, 3], [-4, 5, -6]], np.int32), np.zeros((2, 3), np.int32))
_VERSIONS = {"tosa-tools": "1"}


def test_one_is_found_as_it_was(tmp_path: Path) -> None:
    KeptValues(tmp_path, _VERSIONS).put_if_possible(b"key", _VALUE)
    found = KeptValues(tmp_path, _VERSIONS).get(b"key")
    assert found is not None
    assert [(a.dtype, a.tolist()) for a in found] == [(a.dtype, a.tolist()) for a in _VALUE]


def test_those_of_others_are_not_found(tmp_path: Path) -> None:
    KeptValues(tmp_path, _VERSIONS).put_if_possible(b"key", _VALUE)
    assert KeptValues(tmp_path, _VERSIONS).get(b"another") is None
    assert KeptValues(tmp_path, {"tosa-tools": "2"}).get(b"key") is None


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_a_damaged_one_is_passed_over(tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    kept = KeptValues(tmp_path, _VERSIONS)
    kept.put_if_possible(b"key", (np.arange(600, dtype=np.int32),))
    (path,) = tmp_path.rglob("*.npz")
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0xFF
    path.write_bytes({"cut": content[: len(content) // 2], "flipped": content, "empty": b""}[damage])
    assert kept.get(b"key") is None
    assert "passed over" in caplog.text


def test_they_are_taken_instead_of_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """False values that were put in their place show that they were taken."""
    monkeypatch.setattr(values_module, "_SECONDS_WORTH_KEEPING", -1.0)
    kept = KeptValues(tmp_path, _VERSIONS)
    data = TensorType((2, 3), "INT32")
    nodes = {0: Node(INPUT, (), data), 1: Node("CLZ", (0,), data), 2: Node("CLZ", (1,), data)}  # not by numpy
    graph = Graph(nodes, (0,), (2,), 3)
    inputs = check_inputs(graph, (), seed=0)
    (right,) = Values(inputs, kept).outputs(graph)
    assert [a.tolist() for a in right] == [run_reference(graph, one.arrays)[0].tolist() for one in inputs]
    zeros = io.BytesIO()
    np.savez(zeros, *(np.zeros_like(a) for a in right))
    files = list(tmp_path.rglob("*.npz"))
    assert len(files) == 2
    for path in files:
        path.write_bytes(zeros.getvalue())
    (taken,) = Values(inputs, kept).outputs(graph)
    assert [a.tolist() for a in taken] == [np.full((2, 3), 32).tolist()] * len(inputs), "leading zeros of a false 0"


def test_the_defaults_whole_outputs_are_kept_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeptValues(tmp_path, _VERSIONS)
    data = TensorType((2, 3), "INT32")
    nodes = {0: Node(INPUT, (), data), 1: Node("CLZ", (0,), data), 2: Node("CLZ", (1,), data)}
    default, other = Graph(nodes, (0,), (1,), 3), Graph(nodes, (0,), (2,), 3)
    inputs = check_inputs(default, (), seed=0)
    computed = WholeOutputs(inputs, default, kept)
    (right,) = computed.outputs(default)
    computed.outputs(other)
    assert len(list(tmp_path.rglob("*.npz"))) == 1
    fewer = WholeOutputs(inputs[:2], default, kept).outputs(default)
    monkeypatch.setattr(whole_outputs, "run_on_each", None)
    (found,) = WholeOutputs(inputs, default, kept).outputs(default)
    assert [(a.dtype, a.tolist()) for a in found] == [(a.dtype, a.tolist()) for a in right]
    assert [a.tolist() for a in fewer[0]] == [a.tolist() for a in right[:2]]
