"""What passes learn about a target: the same as the whole evaluation finds, and remembered."""

import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from search_space.ir.graph import INPUT, Graph, Node, TensorType, constant
from search_space.tosa_file.reader import read_tosa
from velatune.testing.program import Program
from workers.cache.memo import Memo
from workers.ethos_u.lowering.base_program import toolchain_versions
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import VelaRefused
from workers.ethos_u.vela.facts import VelaFacts
from workers.ethos_u.vela.pricing import Pricing, Totals

_ENTRIES = "SELECT content FROM entries"


def remembered_kinds(folder: Path) -> list[str]:
    """Of the memo's entries that are about whole graphs, what each has."""
    rows = [row for file in sorted(folder.glob("*.sqlite")) for row in sqlite3.connect(file).execute(_ENTRIES)]
    entries = [json.loads(content) for (content,) in rows]
    return ["rows" if "rows" in one["value"] else "totals" for one in entries if "graph" in one["key"]]


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u85-256"])
def test_a_program_by_itself_costs_what_an_evaluation_says(accelerator: str, tmp_path: Path) -> None:
    p = Program()
    moved = p.transpose(p.input(1, 3, 8, 8), 0, 2, 3, 1)
    graph = read_tosa(p.tosa(p.conv(moved, 16, (3, 3))))
    target, memo = Target.parse(accelerator), Memo(tmp_path)
    cost = Pricing(target, memo, toolchain_versions()).cost([graph], 0)
    for _ in ("compiled", "remembered"):
        facts = VelaFacts(target, memo, toolchain_versions())
        assert facts.program_cycles(graph) == (cost.stream_cycles, cost.vela_cycles)
        assert facts.program_sram_bytes(graph) == cost.sram_bytes
    alone = VelaFacts(target, memo, toolchain_versions()).transpose_cycles((1, 3, 8, 8), (0, 2, 3, 1), "INT8")
    assert alone is not None and 0 < alone < cost.stream_cycles


@pytest.mark.parametrize(("accelerator", "bits"), [("ethos-u55-128", 31), ("ethos-u65-512", 31), ("ethos-u85-256", 15)])
def test_sums_of_int16_convolutions_are_scaled_by_what_their_entries_hold(
    accelerator: str, bits: int, tmp_path: Path
) -> None:
    assert VelaFacts(Target.parse(accelerator), Memo(tmp_path), toolchain_versions()).sum_scale_bits() == bits


def test_what_was_asked_is_known_without_looking_it_up(tmp_path: Path) -> None:
    """An answer that had to be found out again would be in the memo again."""
    p = Program()
    graph = p.graph(p.conv(p.input(1, 8, 8, 16), 16, (3, 3)))
    facts = VelaFacts(Target.parse("ethos-u55-128"), Memo(tmp_path / "memo"), toolchain_versions())
    answers = facts.program_cycles(graph), facts.program_sram_bytes(graph)
    (tmp_path / "memo").rename(tmp_path / "elsewhere")
    assert (facts.program_cycles(graph), facts.program_sram_bytes(graph)) == answers
    assert not (tmp_path / "memo").exists()
    p = Program()
    other = p.graph(p.conv(p.input(1, 8, 8, 16), 24, (3, 3)))
    assert facts.program_cycles(other) != answers[0] and (tmp_path / "memo").exists()


@pytest.mark.parametrize("rows_first", [True, False])
def test_a_graph_is_remembered_once_with_all_that_was_asked(tmp_path: Path, rows_first: bool) -> None:
    """Totals are read from a cost with rows. A cost with rows takes the place of totals, never the other way round."""
    p = Program()
    graph = p.graph(p.conv(p.input(1, 8, 8, 16), 16, (3, 3)))
    target, memo, versions = Target.parse("ethos-u55-128"), Memo(tmp_path), toolchain_versions()
    without_memo = Pricing(target, Memo(tmp_path / "other"), versions)
    expected = without_memo.cost([graph], 0)
    for with_rows in (rows_first, not rows_first):
        pricing = Pricing(target, memo, versions)
        if with_rows:
            assert pricing.cost([graph], 0) == expected and pricing.known == 0
        else:
            totals = pricing.totals(graph)
            assert totals == Totals(expected.stream_cycles, expected.vela_cycles, expected.sram_bytes)
        assert remembered_kinds(tmp_path) == ["rows" if rows_first or with_rows else "totals"]
    assert Pricing(target, memo, versions).cost([graph], 0) == expected


def test_what_vela_refuses_has_no_price(tmp_path: Path) -> None:
    """An operator that the NPU does not have."""
    shape = TensorType((1, 4), "INT32")
    nodes = {0: Node(INPUT, (), shape), 1: constant(np.ones((1, 4), np.int32)), 2: Node("INTDIV", (0, 1), shape)}
    facts = VelaFacts(Target.parse("ethos-u55-128"), Memo(tmp_path), toolchain_versions())
    graph = Graph(nodes, (0,), (2,), 3)
    assert facts.program_cycles(graph) is facts.program_sram_bytes(graph) is None
    with pytest.raises(VelaRefused, match="Div"):
        Pricing(Target.parse("ethos-u55-128"), Memo(tmp_path), toolchain_versions()).cost([graph], 0)
