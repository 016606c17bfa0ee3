"""`python -m benchmarks.proofs` says what is right, and what is wrong and of which kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_run_check import NETS

from benchmarks.proofs.case import BEST, DEFAULT, Case, bests_in, cases
from benchmarks.proofs.file import prove_file
from benchmarks.proofs.proof import prove
from workers.errors import ModelError

ACCELERATOR = "ethos-u55-128"


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file of two nets, of which Vela miscompiles `sliced`."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "nets.py").write_text(NETS)
    return str(tmp_path / "nets.py")


def test_right_lowerings_are_equal_and_so_are_their_files(nets: str, tmp_path: Path) -> None:
    case = Case(f"{nets}:small", ACCELERATOR, BEST, "merge-transposed-axes")
    proof = prove(case)
    assert (proof.delegates, proof.wrong) == (2, ())
    assert proof.seconds.first > 0 and proof.seconds.again > 0
    assert prove_file(case, tmp_path / "files").wrong == ""
    assert len(list((tmp_path / "files").glob("*.pte"))) == 1


def test_a_miscompiled_lowering_is_told_with_its_kind(nets: str, tmp_path: Path) -> None:
    case = Case(f"{nets}:sliced", ACCELERATOR, DEFAULT, DEFAULT)
    (wrong,) = prove(case).wrong
    assert (wrong.delegate, wrong.open_to) == (0, ("sliced-matmul",))
    assert "of MatMul) is the first to go wrong" in wrong.reason
    assert wrong.reason in prove_file(case, tmp_path / "files").wrong


def test_bests_are_those_of_a_tuning(tmp_path: Path) -> None:
    file = tmp_path / "tuned.json"
    outcomes = [
        {"model": "fire", "target": ACCELERATOR, "status": "trials", "recipe": "fuse-transposes"},
        {"model": "unet", "target": ACCELERATOR, "status": "exhausted", "recipe": "default"},
        {"model": "vit", "target": ACCELERATOR, "status": "failed", "error": "no"},
    ]
    file.write_text(json.dumps(outcomes))
    found = list(cases(["fire", "unet", "vit"], [ACCELERATOR], bests_in(file)))
    assert [(one.model, one.kind) for one in found] == [
        ("fire", DEFAULT), ("fire", BEST), ("unet", DEFAULT), ("vit", DEFAULT),
    ]  # fmt: skip
    file.write_text('{"recipe": "default"}')
    with pytest.raises(ModelError, match="not what `velatune tune --json` prints"):
        bests_in(file)
