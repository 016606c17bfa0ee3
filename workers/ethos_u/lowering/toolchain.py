"""Calls of ExecuTorch's lowering for Ethos-U, and replacements of its steps while a context is open."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

from workers.ethos_u.target import Target
from workers.output_capture import toolchain_hushed

if TYPE_CHECKING:
    from executorch.backends.arm.ethosu import EthosUCompileSpec
    from executorch.exir import EdgeProgramManager, ExecutorchProgramManager
    from torch.export import ExportedProgram


def ethos_u_compile_spec(target: Target) -> "EthosUCompileSpec":
    """ExecuTorch's form of a target."""
    with toolchain_hushed():
        from executorch.backends.arm.ethosu import EthosUCompileSpec

    return EthosUCompileSpec(
        target.accelerator,
        system_config=target.system_config,
        memory_mode=target.memory_mode,
        config_ini=target.vela_config,
    )


def to_edge(program: "ExportedProgram", compile_spec: "EthosUCompileSpec") -> "EdgeProgramManager":
    """Partition and lower a quantised program, as ExecuTorch's aot_arm_compiler does.

    Args:
        program: quantised.
        compile_spec: of the target.

    Returns:
        The edge program with its delegates.
    """
    from executorch.backends.arm.ethosu import EthosUPartitioner
    from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower

    return to_edge_transform_and_lower(
        program,
        partitioner=[EthosUPartitioner(compile_spec)],
        compile_config=EdgeCompileConfig(_check_ir_validity=False),
    )


def to_executorch(edge: "EdgeProgramManager") -> "ExecutorchProgramManager":
    """The program as it is written to a `.pte`."""
    # Registers the kernels of quantise and dequantise on the CPU. A quantiser does so too; a quantised file needs none.
    importlib.import_module("executorch.kernels.quantized")
    return edge.to_executorch()


@contextmanager
def tosa_as_blob() -> Iterator[None]:
    """Let each delegate's blob be its TOSA flatbuffer instead of what Vela makes of it.

    Read from the lowered program, the flatbuffers come in the order of the calls; ExecuTorch makes them in
    an order of its own. One thread of a process at a time.
    """
    from executorch.backends.arm.arm_vela import VelaCompileResult
    from executorch.backends.arm.ethosu.backend import EthosUBackend

    as_it_is = staticmethod(lambda tosa_flatbuffer, compile_spec: VelaCompileResult(tosa_flatbuffer, ()))
    with patch.object(EthosUBackend, "_compile_tosa_flatbuffer", as_it_is):
        yield


@contextmanager
def empty_delegates() -> Iterator[None]:
    """Let ExecuTorch make nothing of its partitions. One thread of a process at a time."""
    from executorch.backends.arm.ethosu.backend import EthosUBackend
    from executorch.exir.backend.backend_details import PreprocessResult

    nothing = staticmethod(lambda edge_program, compile_specs: PreprocessResult(processed_bytes=b""))
    with patch.object(EthosUBackend, "preprocess", nothing):
        yield


@contextmanager
def shared_provenance() -> Iterator[None]:
    """Let copies of a node share the record of where it came from.

    torch copies the whole ancestry of every node in each of more than a hundred passes. That is a fifth of the lowering
    time of a transformer. The records are read for debugging only, and nothing changes one after it is made.
    """
    from torch.fx.traceback import NodeSource

    with patch.object(NodeSource, "__deepcopy__", lambda self, memo: self, create=True):
        yield
