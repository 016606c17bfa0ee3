"""Passes of a third party, good and bad, in a real search: none may cost the job or win by being wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from results.store import Store

pytestmark = pytest.mark.slow

PASSES = """
import os
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from search_space.graph import CONST, constant
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
ENTRY_POINTS = """[velatune.passes]
x-aborts = bad_passes:Aborts
x-raises = bad_passes:Raises
x-lies = bad_passes:Lies
x-endless = bad_passes:Endless
"""


def test_bad_passes_cost_themselves_only(tmp_path: Path) -> None:
    (tmp_path / "bad_passes.py").write_text(PASSES)
    info = tmp_path / "bad_passes-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bad-passes\nVersion: 1\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    command = [
        sys.executable, "-m", "tuner.cli", "tune", "fire", "--target", "ethos-u55-128", "--trials", "10", "--jobs", "2",
        "--store", "store.sqlite", "--json",
    ]  # fmt: skip
    places = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path.cwd()}"}
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | places, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)
    assert result["verified"]
    assert "x-" not in result["recipe"], "the cheapest of all would have been the lie"
    with Store.open(tmp_path / "store.sqlite") as store:
        records = {e.recipe: e for e in store.evaluations(result["identity"])}
    assert records["default"].status == "ok", "what its successors do is not its fault"
    assert records["x-aborts"].status == "crashed"
    assert records["x-aborts"].attempts == 2
    assert records["x-raises"].status == "refused" and "no such thing" in records["x-raises"].reason
    assert records["x-lies"].status == "wrong" and "differ" in records["x-lies"].reason
    assert records["x-endless"].status == "refused" and "does not come to an end" in records["x-endless"].reason
