"""Methods of ExecuTorch and torch are replaced inside a block, and are the stock ones after it, whatever ends it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from executorch.backends.arm._passes.insert_table_ops import TableOps
from executorch.backends.arm.ethosu.backend import EthosUBackend
from executorch.backends.arm.quantizer import TOSAQuantizer
from executorch.backends.arm.tosa.partitioner import TOSAPartitioner
from executorch.exir import EdgeProgramManager
from executorch.exir.backend.utils import WhyNoPartitionReporter
from torch.fx.traceback import NodeSource

from workers.ethos_u.lowering import toolchain
from workers.ethos_u.lowering.ahead_of_time.tosa_hook import rewrite_tosa
from workers.ethos_u.lowering.delegates.rejections import rejections
from workers.ethos_u.lowering.frontend import host_function, precision

OWNERS = (
    TableOps, EthosUBackend, TOSAQuantizer, TOSAPartitioner, EdgeProgramManager, WhyNoPartitionReporter, NodeSource,
)  # fmt: skip
BLOCKS: list[tuple[Callable[[], AbstractContextManager[object]], set[str]]] = [
    (lambda: precision.quantising("int4"), {"transform_for_annotation"}),
    (lambda: host_function.lowering("table"), {"__getitem__", "to_backend"}),
    (rejections, {"report_reject"}),
    (toolchain.tosa_as_blob, {"_compile_tosa_flatbuffer"}),
    (toolchain.empty_delegates, {"preprocess"}),
    (toolchain.shared_provenance, {"__deepcopy__"}),
    (lambda: rewrite_tosa(lambda _, tosa: tosa), {"_compile_tosa_flatbuffer", "partition"}),
]


def stock() -> dict[tuple[type, str], object]:
    return {(owner, name): value for owner in OWNERS for name, value in vars(owner).items()}


@pytest.mark.parametrize(("block", "replaced"), BLOCKS)
def test_what_is_replaced_in_a_block_is_the_stock_one_after_it(
    block: Callable[[], AbstractContextManager[object]], replaced: set[str]
) -> None:
    before = stock()
    with pytest.raises(KeyError), block():
        assert {name for (owner, name), value in stock().items() if before.get((owner, name)) is not value} == replaced
        raise KeyError
    after = stock()
    assert after.keys() == before.keys() and all(after[key] is before[key] for key in before)
