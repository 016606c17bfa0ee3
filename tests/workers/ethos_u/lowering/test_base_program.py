"""The cache of base programs: by content, quick to find, and never in the way."""

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workers.errors import ModelError
from workers.ethos_u.lowering.base_program import (
    BaseProgram,
    exported_model,
    identify,
    load_lowered,
    load_or_lower,
    toolchain_versions,
)
from workers.ethos_u.target import Target

U55, U85 = Target.parse("ethos-u55-128"), Target.parse("ethos-u85-256")

NETS = """
import torch

def make(bias=0.0, samples=2, side=4):
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(2, 4, 1), torch.nn.ReLU())
    net[0].bias.data[0] += bias
    data = [(torch.randn(1, 2, side, side),) for _ in range(2)]
    return net, data[0], data[:samples]

def one():
    return make()

def same():
    return make()

def other_weights():
    return make(bias=1e-6)

def other_samples():
    return make(samples=1)

def larger():
    return make(side=8)

def without_samples():
    return make()[:2]
"""


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a small net in `nets.py`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(NETS)
    return tmp_path


@pytest.fixture(scope="module")
def lowered_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with the small net for U55 in it."""
    folder = tmp_path_factory.mktemp("lowered")
    (folder / "nets.py").write_text(NETS)
    load_or_lower(f"{folder / 'nets.py'}:one", U55, cache_dir=folder / "cache", seed=0)
    return folder / "cache"


@pytest.fixture
def cached(user: Path, lowered_once: Path) -> Path:
    """As `user`; the cache has the net already."""
    shutil.copytree(lowered_once, user / "cache")
    return user


def base(source: str, target: Target = U55, seed: int = 0, data: Path | None = None) -> BaseProgram:
    return load_or_lower(source, target, cache_dir=Path("cache"), seed=seed, calibration_data=data)


def entries() -> list[Path]:
    return sorted(Path("cache").iterdir())


def assert_same(one: BaseProgram, other: BaseProgram) -> None:
    assert one.graphs == other.graphs
    assert one.host_operators == other.host_operators
    assert one.versions == other.versions
    assert (one.key, one.model_hash, one.quantisation) == (other.key, other.model_hash, other.quantisation)
    assert [len(samples) for samples in one.calibration_inputs] == [len(s) for s in other.calibration_inputs]
    for delegate, delegate_ in zip(one.calibration_inputs, other.calibration_inputs, strict=True):
        for sample, sample_ in zip(delegate, delegate_, strict=True):
            for array, array_ in zip(sample, sample_, strict=True):
                assert array.dtype == array_.dtype
                assert np.array_equal(array, array_)


def test_the_second_time_it_comes_from_the_cache(user: Path) -> None:
    assert load_lowered("nets.py:one", U55, cache_dir=Path("cache"), seed=0) is None, "nothing is lowered for that"
    lowered = base("nets.py:one")
    assert len(lowered.graphs) == 1 and lowered.graphs[0][4:8] == b"TOSA"
    assert lowered.calibration_inputs[0][0][0].shape == (1, 2, 4, 4)
    (entry,) = entries()
    before = entry.stat()
    found = base("nets.py:same")
    assert_same(lowered, found)
    again = load_lowered("nets.py:one", U55, cache_dir=Path("cache"), seed=0)
    assert again is not None
    assert_same(lowered, again)
    assert found.name == "nets.py:same" and found.warnings == ()
    assert (entries(), entry.stat().st_mtime_ns) == ([entry], before.st_mtime_ns)


def test_a_cached_model_needs_no_executorch_and_prints_nothing(cached: Path) -> None:
    lowered = base("nets.py:one")
    script = """if True:
        import sys
        from pathlib import Path
        from workers.ethos_u.lowering.base_program import load_or_lower
        from workers.ethos_u.target import Target
        found = load_or_lower("nets.py:one", Target.parse("ethos-u55-128"), cache_dir=Path("cache"), seed=0)
        loaded = [name for name in ("executorch", "torchao", "ray", "optuna") if name in sys.modules]
        assert not loaded, loaded
        print(found.key)
    """
    other = os.environ | {
        "PYTHONHASHSEED": "7",
        "OMP_NUM_THREADS": "2",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=other)
    assert (process.stdout, process.stderr) == (lowered.key + "\n", "")


def test_importing_the_commands_does_not_import_torch() -> None:
    script = "import sys, workers.ethos_u.lowering.base_program, tuner.cli; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_u65_finds_what_u55_lowered_and_u85_does_not(cached: Path) -> None:
    u55 = base("nets.py:one", U55)
    assert_same(u55, base("nets.py:one", Target.parse("ethos-u65-512")))
    assert_same(u55, base("nets.py:one", Target.parse("ethos-u55-32", memory_mode="Sram_Only")))
    assert len(entries()) == 1
    u85 = base("nets.py:one", U85)
    assert len(entries()) == 2
    assert u85.key != u55.key and u85.model_hash == u55.model_hash


@pytest.mark.slow
def test_what_changes_the_model_and_what_changes_the_program(cached: Path) -> None:
    one = base("nets.py:one")
    for source in ("nets.py:other_weights", "nets.py:other_samples", "nets.py:without_samples"):
        assert base(source).model_hash != one.model_hash
        assert base(source).structure == one.structure
    larger = base("nets.py:larger")
    assert larger.structure.operators == one.structure.operators
    assert larger.structure.shapes != one.structure.shapes
    assert base("nets.py:one", seed=1).key == one.key  # it has its own calibration inputs
    first, second = (base("nets.py:without_samples", seed=seed) for seed in (0, 1))
    assert first.model_hash == second.model_hash and first.key != second.key
    assert "seed 0" in first.warnings[0] and "seed 1" in second.warnings[0]

    data = cached / "data.npy"
    keys = {one.key}
    for value in (1.0, 2.0):
        np.save(data, np.full((1, 2, 4, 4), value, np.float32))
        calibrated = base("nets.py:one", data=data)
        assert calibrated.model_hash == one.model_hash
        keys.add(calibrated.key)
    assert len(keys) == 3


def test_a_model_is_identified_without_lowering_it(user: Path) -> None:
    data = user / "data.npy"
    np.save(data, np.ones((1, 2, 4, 4), np.float32))
    for source, files in (("nets.py:one", None), ("nets.py:without_samples", None), ("nets.py:one", data)):
        known = identify(source, U85, seed=3, calibration_data=files)
        assert not Path("cache").exists()
        program = base(source, U85, seed=3, data=files)
        assert vars(known).items() <= vars(program).items()
        Path("cache").rename(f"cache-of-{known.key}")


def test_a_quantised_file_depends_on_no_seed_and_no_data(user: Path) -> None:
    import torch

    from workers.ethos_u.lowering.lowering import quantised_program

    model = exported_model("nets.py:one")
    assert model is not None
    torch.export.save(quantised_program(model, U55, seed=0).program, "quantised.pt2")
    one = identify("quantised.pt2", U55, seed=0)
    assert one.quantisation == {"scheme": "as the file is"}
    assert identify("quantised.pt2", U55, seed=1, calibration_data=Path("data.npy")).key == one.key
    assert base("quantised.pt2").graphs == base("nets.py:one").graphs


def test_a_warning_is_repeated_when_the_program_comes_from_the_cache(user: Path) -> None:
    first = base("nets.py:without_samples")
    assert len(first.warnings) == 1
    assert base("nets.py:without_samples").warnings == first.warnings


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes) -> bytes:
    return data[:200] + bytes([data[200] ^ 255]) + data[201:]


def empty(data: bytes) -> bytes:
    return b""


def pickled(data: bytes) -> bytes:
    return pickle.dumps({"key": "x"})


def foreign_array(data: bytes) -> bytes:
    import io

    buffer = io.BytesIO()
    np.savez(buffer, header=np.zeros(3, np.uint8))
    return buffer.getvalue()


@pytest.mark.parametrize("damage", [cut, flipped, empty, pickled, foreign_array])
def test_a_damaged_entry_is_made_anew_with_a_warning(cached: Path, damage: Callable[[bytes], bytes]) -> None:
    lowered = base("nets.py:one")
    (entry,) = entries()
    whole = entry.read_bytes()
    entry.write_bytes(damage(whole))
    repaired = base("nets.py:one")
    assert_same(lowered, repaired)
    assert "made anew" in repaired.warnings[0] and entry.name in repaired.warnings[0]
    assert base("nets.py:one").warnings == ()
    assert entries() == [entry]


def test_the_entry_of_another_program_is_not_taken_for_this_one(cached: Path) -> None:
    one, other = base("nets.py:one"), base("nets.py:other_samples")
    (Path("cache") / f"{one.key}.npz").write_bytes((Path("cache") / f"{other.key}.npz").read_bytes())
    again = base("nets.py:one")
    assert_same(one, again)
    assert "another program" in again.warnings[0]


def test_a_cache_that_cannot_be_written_is_a_warning(user: Path) -> None:
    Path("cache").write_text("a file where the folder should be")
    lowered = base("nets.py:one")
    assert lowered.graphs
    assert any("not cached" in warning for warning in lowered.warnings)


def test_errors_come_through_and_are_not_cached(user: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        base("nets.py:one", data=user / "missing")
    with pytest.raises(ModelError, match="has no function"):
        base("nets.py:two")
    assert not Path("cache").exists()


def test_the_program_can_be_sent_to_another_process(cached: Path) -> None:
    program = base("nets.py:one")
    assert_same(program, pickle.loads(pickle.dumps(program)))  # noqa: S301  our own bytes


def test_a_pt2_file_is_known_by_its_bytes(user: Path) -> None:
    import torch

    torch.manual_seed(0)
    program = torch.export.export(torch.nn.Conv2d(2, 4, 1), (torch.randn(1, 2, 4, 4),))
    torch.export.save(program, "net.pt2")
    lowered = base("net.pt2")
    Path("net.pt2").rename("moved.pt2")
    assert_same(lowered, base("moved.pt2"))
    assert len(entries()) == 1


def test_a_tosa_file_is_its_own_base_program(cached: Path) -> None:
    graph = base("nets.py:one").graphs[0]
    Path("net.tosa").write_bytes(graph)
    program = base("net.tosa", data=Path("missing"))
    assert program.graphs == (graph,)
    assert program.host_operators == ()
    assert program.calibration_inputs == ((),)
    assert program.warnings == ("a .tosa file is quantised already: --calibration-data is not used",)
    assert exported_model("net.tosa") is None
    assert base("net.tosa", U85).model_hash == program.model_hash


def test_versions_name_the_toolchain() -> None:
    import torch

    versions = toolchain_versions()
    assert set(versions) >= {"torch", "executorch", "ethos-u-vela", "tosa-tools", "velatune"}
    assert versions["torch"] == torch.__version__
