"""Passes of a third party, good and bad, in a real search: none may cost the job or win by being wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from results.records.evaluation import Evaluation
from results.store.store import Store

pytestmark = pytest.mark.slow

PASSES = """
import os
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from search_space.ir.graph import CONST, constant
from search_space.passes.base import Pass


@dataclass(frozen=True)
class Aborts(Pass):
    name: ClassVar[str] = "x-aborts"
    law: ClassVar[str] = "the process dies over the first convolution"

    def rewrite(self, edit, node_id):
        if edit[node_id].op == "CONV2D":
            os.abort()
        return False


@dataclass(frozen=True)
class Raises(Pass):
    name: ClassVar[str] = "x-raises"
    law: ClassVar[str] = "it does not expect a convolution"

    def rewrite(self, edit, node_id):
        if edit[node_id].op == "CONV2D":
            raise KeyError("no such thing")
        return False


@dataclass(frozen=True)
class Lies(Pass):
    name: ClassVar[str] = "x-lies"
    law: ClassVar[str] = "all weights are zero: small, fast and wrong"

    def rewrite(self, edit, node_id):
        node = edit[node_id]
        if node.op != "CONV2D" or not edit[node.inputs[1]].array.any():
            return False
        weights = edit[node.inputs[1]]
        zeros = edit.add(constant(np.zeros_like(weights.array), "INT8"))
        edit.redefine(node_id, replace(node, inputs=(node.inputs[0], zeros, *node.inputs[2:])))
        return True


@dataclass(frozen=True)
class Endless(Pass):
    name: ClassVar[str] = "x-endless"
    law: ClassVar[str] = "it never has enough"

    def rewrite(self, edit, node_id):
        if edit[node_id].op != "CONV2D":
            return False
        edit.redefine(node_id, edit[node_id])
        return True
"""


NET = """
import torch

def turned():
    torch.manual_seed(3)
    inputs = [(torch.randn(1, 4, 6, 6),) for _ in range(3)]
    return torch.nn.Sequential(torch.nn.Conv2d(4, 8, 1), torch.nn.ReLU(), torch.nn.Conv2d(8, 4, 3)), inputs[0], inputs
"""


def searched(folder: Path, trials: int, **entries: str) -> tuple[str, dict[str, Evaluation]]:
    """What a search finds with these passes installed: the best recipe and every record, by recipe."""
    (folder / "bad_passes.py").write_text(PASSES)
    (folder / "net.py").write_text(NET)
    info = folder / "bad_passes-1.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bad-passes\nVersion: 1\n")
    lines = [f"x-{name} = bad_passes:{attribute}" for name, attribute in entries.items()]
    (info / "entry_points.txt").write_text("\n".join(["[velatune.passes]", *lines, ""]))
    command = [
        sys.executable, "-m", "tuner.cli", "tune", "net.py:turned", "--target", "ethos-u55-128", "--jobs", "2",
        "--trials", str(trials), "--store", "store.sqlite", "--json",
    ]  # fmt: skip
    places = {"XDG_CACHE_HOME": str(folder / "cache"), "PYTHONPATH": f"{folder}{os.pathsep}{Path.cwd()}"}
    done = subprocess.run(
        command, cwd=folder, env=os.environ | places, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)
    assert result["verified"]
    with Store.open(folder / "store.sqlite") as store:
        return result["recipe"], {e.recipe: e for e in store.evaluations.of(result["identity"])}


def test_a_pass_that_kills_the_worker_costs_itself_only(tmp_path: Path) -> None:
    recipe, records = searched(tmp_path, 3, aborts="Aborts")
    assert "x-" not in recipe
    assert records["default"].status == "ok", "what its successors do is not its fault"
    assert records["x-aborts"].status == "crashed"
    assert records["x-aborts"].attempts == 2


def test_wrong_passes_are_found_out(tmp_path: Path) -> None:
    recipe, records = searched(tmp_path, 100, lies="Lies", raises="Raises", endless="Endless")
    assert "x-" not in recipe, "the cheapest of all would have been the lie"
    for name, status, reason in (
        ("x-raises", "refused", "no such thing"),
        ("x-lies", "wrong", "differ"),
        ("x-endless", "refused", "does not terminate"),
    ):
        alone = [one for one in records.values() if set(re.findall(r"x-\w+", one.recipe)) == {name}]
        assert alone, f"nothing was tried with {name} and without the others"
        assert all(one.status == status and reason in one.reason for one in alone)


def test_a_best_is_right_as_a_whole_or_none(tmp_path: Path) -> None:
    """Whatever the check by parts believes, and whatever it remembers."""
    searched(tmp_path, 60, lies="Lies")
    believed = 0
    for path in (tmp_path / "cache").glob("velatune/memo/*.sqlite"):
        with closing(sqlite3.connect(path)) as connection, connection:
            for digest, content in connection.execute("SELECT digest, content FROM entries").fetchall():
                entry = json.loads(content)
                if entry["key"]["kind"] == "verdict" and not entry["value"]["equal"]:
                    changed = json.dumps(entry | {"value": {"equal": True, "reason": ""}})
                    connection.execute("UPDATE entries SET content = ? WHERE digest = ?", (changed, digest))
                    believed += 1
    assert believed
    (tmp_path / "store.sqlite").unlink()
    shutil.rmtree(tmp_path / "store.sqlite.studies")

    recipe, records = searched(tmp_path, 60, lies="Lies")
    assert "x-lies" not in recipe
    lies = [one for text, one in records.items() if "x-lies" in text]
    assert any(one.status == "ok" for one in lies), "none was believed"
    found_out = [one for one in lies if one.status == "wrong"]
    assert found_out, "none was a temptation"
    assert all("differ on random inputs" in one.reason for one in found_out)
    assert records[recipe].checked_whole or recipe == "default"
