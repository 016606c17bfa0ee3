"""`python -m benchmarks.correctness.proofs` says what is right, and what is wrong and of which kind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.samples.nets_to_run import NETS

from benchmarks.correctness.proofs.case import BEST, DEFAULT, Case, bests_in
from benchmarks.correctness.proofs.file import file_of, prove_file
from benchmarks.correctness.proofs.proof import prove
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
    files = tmp_path / "files"
    assert prove_file(case, files) == ""
    assert file_of(case, files) in files.glob("*.pte")
    assert file_of(Case(case.model, ACCELERATOR, BEST, "select-transposes"), files) != file_of(case, files)


def test_a_miscompiled_lowering_is_reported_with_its_kind(nets: str, tmp_path: Path) -> None:
    case = Case(f"{nets}:sliced", ACCELERATOR, DEFAULT, DEFAULT)
    (wrong,) = prove(case).wrong
    assert wrong.delegate == 0
    assert "sliced-matmul" in wrong.open_to  # it is open to `two-batches` too, which depends on times
    assert "of MatMul) is the first to go wrong" in wrong.reason
    assert wrong.reason in prove_file(case, tmp_path / "files")


def test_bests_are_those_of_a_tuning(tmp_path: Path) -> None:
    file = tmp_path / "tuned.json"
    outcomes = [
        {"model": "fire", "target": ACCELERATOR, "status": "trials", "recipe": "fuse-transposes"},
        {"model": "unet", "target": ACCELERATOR, "status": "exhausted", "recipe": "default"},
        {"model": "vit", "target": ACCELERATOR, "status": "failed", "error": "no"},
    ]
    file.write_text(json.dumps(outcomes))
    assert bests_in(file) == {("fire", ACCELERATOR): "fuse-transposes", ("unet", ACCELERATOR): "default"}
    file.write_text('{"recipe": "default"}')
    with pytest.raises(ModelError, match="not what `velatune tune --json` prints"):
        bests_in(file)


@pytest.mark.slow
def test_what_is_tuned_is_proven_with_the_store_alone(nets: str, tmp_path: Path) -> None:
    target, store = "ethos-u65-512", str(tmp_path / "store.db")
    which = ["--target", target, "--store", store]
    one_job = ["--trials", "4", "--timeout", "300", "--jobs", "1", "--json"]
    tuned = ran("tuner.cli", "tune", f"{nets}:small", *which, *one_job)
    (outcome,) = json.loads(tuned.stdout)
    assert outcome["recipe"] != "default"
    models = [one for name in ("small", "sliced") for one in ("--model", f"{nets}:{name}")]
    proofs = ran("benchmarks.correctness.proofs", *models, *which)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in proofs.stdout.splitlines()[2:]]
    found = [(model.rpartition(":")[2], at, kind, outputs) for model, at, kind, _, outputs, *_ in rows]
    assert found[:2] == [("small", target, DEFAULT, "equal"), ("small", target, BEST, "equal")]
    assert all("random" in sets and "minimum" in sets for _, _, _, sets, *_ in rows[:3])
    assert found[2][:3] == ("sliced", target, DEFAULT)
    assert "[open to sliced-matmul" in found[2][3]
    assert found[3] == ("sliced", target, BEST, "none is known")


def ran(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=True)
