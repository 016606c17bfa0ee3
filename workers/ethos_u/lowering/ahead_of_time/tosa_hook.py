"""Put rewritten TOSA programs into a `.pte` through ExecuTorch's own Ethos-U backend.

Everything that is written stays ExecuTorch's: its Vela call, its delegate name, its binary format. Only the
TOSA flatbuffer changes, between the TOSA backend that makes it and the Vela that compiles it.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any
from unittest.mock import patch

from workers.ethos_u.files.pte import BACKEND

# The stock runtime carries unknown compile specs along and looks at none of this name: EthosUBackend::init
# only hands the list to platform_init (backends/arm/runtime/EthosUBackend.cpp), which ignores it on
# Cortex-M (EthosUBackend_Cortex_M.cpp) and on Cortex-A picks out keys that begin with "ethosu."
# (parse_linux_options in EthosUBackend_Cortex_A.cpp). Ahead of time, ArmCompileSpec._from_list passes
# unknown keys to a hook that ignores them; it decodes every value, so ours must be UTF-8. An unknown block
# inside the delegate's blob would be refused (vela_bin_read in VelaBinStream.cpp), so the blob is no place
# for it.
TAG_KEY = "velatune"

_one_thread_at_a_time = threading.RLock()


@contextmanager
def rewrite_tosa(
    transform: Callable[[int, bytes], bytes], tag: bytes | None = None, accepts: Callable[[Any], None] | None = None
) -> Iterator[None]:
    """Inside the block, ExecuTorch compiles `transform(index, tosa)` in place of a delegate's `tosa`.

    Partitioning and lowering must both happen inside (`to_edge_transform_and_lower` does both). The `EthosUPartitioner`
    may have been made before, and is not changed. Lower one program per block, or the numbers run on. Nested blocks
    compose: the outer transform gets what the inner one returns. The innermost tag is stored.

    Functions of ExecuTorch are replaced for the whole process while a block is open. Only the thread that
    opened it is affected by it; another thread that opens one waits.

    Example:
        with rewrite_tosa(lambda index, tosa: rewritten(tosa), tag=b'{"recipe": "fuse-transposes"}'):
            program = to_edge_transform_and_lower(exported, partitioner=[EthosUPartitioner(compile_spec)])

    Args:
        transform: gets the delegate's number and its TOSA flatbuffer. The number counts from 0 in the order in which
            ExecuTorch compiles delegates in the block. The function returns the flatbuffer to compile, with the
            same inputs and outputs. What it raises comes out of the lowering call. The partitioner keeps its partitions
            in a set. So delegates that do not depend on each other may swap numbers between processes. Recognise a
            delegate by its content.
        tag: UTF-8 bytes to store beside every delegate of the block, in a compile spec with key `velatune`. Read it
            back through `workers.ethos_u.files.pte`.
        accepts: gets the EthosUCompileSpec of each delegate before it is transformed. It raises if that is not as
            expected.

    Yields:
        Nothing.

    Raises:
        ValueError: the tag is not UTF-8.
    """
    if tag is not None:
        tag.decode()
    from executorch.backends.arm.ethosu.backend import EthosUBackend
    from executorch.backends.arm.tosa.partitioner import TOSAPartitioner
    from executorch.exir.backend.compile_spec_schema import CompileSpec

    with _one_thread_at_a_time:
        stock_compile = EthosUBackend._compile_tosa_flatbuffer
        stock_partition = TOSAPartitioner.partition
        this_thread = threading.get_ident()
        numbers = count()

        def compile_rewritten(tosa_flatbuffer: bytes, compile_spec: Any) -> Any:
            if threading.get_ident() == this_thread:
                if accepts is not None:
                    accepts(compile_spec)
                tosa_flatbuffer = transform(next(numbers), tosa_flatbuffer)
            return stock_compile(tosa_flatbuffer, compile_spec)

        def partition_tagged(self: Any, exported_program: Any) -> Any:
            result = stock_partition(self, exported_program)
            if tag is not None and threading.get_ident() == this_thread:
                result.partition_tags = {
                    partition: _with_tag(spec, CompileSpec(TAG_KEY, tag))
                    for partition, spec in result.partition_tags.items()
                }
            return result

        with (
            patch.object(EthosUBackend, "_compile_tosa_flatbuffer", staticmethod(compile_rewritten)),
            patch.object(TOSAPartitioner, "partition", partition_tagged),
        ):
            yield


def _with_tag(delegation: Any, tag: Any) -> Any:
    """A copy of a DelegationSpec: the partitioner that it belongs to may be used again without a tag."""
    if delegation.backend_id != BACKEND:
        return delegation
    others = [spec for spec in delegation.compile_specs if spec.key != tag.key]
    return delegation._replace(compile_specs=[*others, tag])
