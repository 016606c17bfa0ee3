"""Fixtures that several test files share: databases for a store, and a small model lowered by stock ExecuTorch."""

import gc
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from support.programs.lowered import Lowered

# Processes of pytest-xdist and workers take all cores already. More threads in each wait for each other, which costs a
# tenth of the CPU's time. Libraries read this when they are imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# The machines that run CI are noisy, and a run there should not fail today on what it passed yesterday.
settings.register_profile(
    "velatune",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("velatune")

# Hypothesis draws constants that stand in the modules imported so far. What one seed gives would then depend on which
# tests ran before in the same process.
providers._get_local_constants = lambda: providers._local_constants  # type: ignore[attr-defined]


def pytest_collection_finish() -> None:
    """Exclude what is imported and collected from garbage collection, which would go through it at each lowering."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a real server's database; skips where no PostgreSQL is installed."""
    from benchmarks.store.postgresql import binaries, server

    if binaries() is None:
        pytest.skip("no PostgreSQL server is installed")
    # Autovacuum's own transactions move the marks of commits, which tests compare.
    with server("autovacuum=off") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where an empty store can be: a file that is not there yet, or a database."""
    if request.param == "sqlite":
        return tmp_path / "a folder that is not there" / "store.sqlite"
    from results.store.database.connect import connect, store_url

    url: str = request.getfixturevalue("postgresql")
    engine = connect(store_url(url))
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    return url


@pytest.fixture(scope="session")
def quantized() -> Callable[[str], Any]:
    """`quantized(accelerator)`: a small int8 model as an ExportedProgram.

    U55 and U65 leave its average pool to the host, which makes two delegates of it; U85 takes it whole.
    """
    import torch
    from executorch.backends.arm.ethosu import EthosUCompileSpec
    from executorch.backends.arm.quantizer import EthosUQuantizer, get_symmetric_quantization_config
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    class Small(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.wide = torch.nn.Conv2d(3, 16, 3, padding=1)
            self.narrow = torch.nn.Conv2d(16, 8, 1)
            self.linear = torch.nn.Linear(8 * 16, 10)

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            features = torch.relu(self.narrow(torch.relu(self.wide(image))))
            pooled = torch.nn.functional.avg_pool2d(features, 4)
            return self.linear(pooled.permute(0, 2, 3, 1).reshape(1, -1))

    @cache
    def make(accelerator: str) -> Any:
        torch.manual_seed(0)
        example = (torch.randn(1, 3, 16, 16),)
        module = torch.export.export(Small().eval(), example).module(check_guards=False)
        quantizer = EthosUQuantizer(EthosUCompileSpec(accelerator))
        quantizer.set_global(get_symmetric_quantization_config(is_per_channel=True))
        prepared = prepare_pt2e(module, quantizer)
        prepared(*example)
        return torch.export.export(convert_pt2e(prepared), example)

    return make


@pytest.fixture(scope="session")
def lower(quantized: Callable[[str], Any]) -> Callable[[str], bytes]:
    """`lower(accelerator)`: the small model's `.pte`, made anew at every call."""
    from executorch.backends.arm.ethosu import EthosUCompileSpec, EthosUPartitioner
    from executorch.exir import to_edge_transform_and_lower

    def make(accelerator: str) -> bytes:
        partitioner = EthosUPartitioner(EthosUCompileSpec(accelerator))
        edge = to_edge_transform_and_lower(quantized(accelerator), partitioner=[partitioner])
        return bytes(edge.to_executorch().buffer)

    return make


@pytest.fixture(scope="session")
def stock(quantized: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Lowered]:
    """`stock(accelerator)`: the small model by ExecuTorch alone, none of our code involved."""
    from executorch.backends.arm.ethosu import EthosUCompileSpec, EthosUPartitioner
    from executorch.exir import to_edge_transform_and_lower

    @cache
    def make(accelerator: str) -> Lowered:
        kept = tmp_path_factory.mktemp(accelerator)
        compile_spec = EthosUCompileSpec(accelerator).dump_intermediate_artifacts_to(str(kept))
        partitioner = EthosUPartitioner(compile_spec)
        edge = to_edge_transform_and_lower(quantized(accelerator), partitioner=[partitioner])
        # ExecuTorch numbers partitions from the back; `out.tosa` beside them is what it handed Vela last.
        files = sorted(kept.glob("output_tag*.tosa"), reverse=True)
        programs = tuple(path.read_bytes() for path in files)
        return Lowered(programs, bytes(edge.to_executorch().buffer))

    return make
