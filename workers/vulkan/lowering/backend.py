"""From a partition to Vulkan's flatbuffer: ExecuTorch's own passes, but for the matches that a recipe leaves unfused.

`VulkanBackend.preprocess` has the list of its passes inside it. Here it stands again, but for one: what
`FuseQuantizedOpsTransform` does is done by passes of the recipe (`workers.vulkan.passes`). They guess no bit widths
from values. A test holds the two to the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from executorch.backends.transforms.addmm_mm_to_linear import AddmmToLinearTransform
from executorch.backends.transforms.fuse_conv_with_clamp import FuseClampPass
from executorch.backends.transforms.fuse_view_copy import FuseViewCopyTransform
from executorch.backends.transforms.view_copy_to_squeeze_unsqueeze import ViewCopyToSqueezeUnsqueezePass
from executorch.backends.vulkan._passes import (
    FoldQDQPass,
    InsertDtypePromotionPass,
    RemoveRedundantOpsTransform,
    SqueezeUnsqueezeInputs,
    TagMemoryMetaPass,
    insert_prepack_nodes,
)
from executorch.backends.vulkan._passes.remove_asserts import RemoveAssertsTransform
from executorch.backends.vulkan.serialization.vulkan_graph_builder import VkGraphBuilder
from executorch.backends.vulkan.serialization.vulkan_graph_serialize import serialize_vulkan_graph
from executorch.backends.vulkan.vulkan_preprocess import apply_passes, parse_compile_spec
from executorch.backends.xnnpack._passes import FuseBatchNormPass
from executorch.exir.backend.backend_details import BackendDetails, PreprocessResult
from executorch.exir.backend.compile_spec_schema import CompileSpec
from executorch.exir.backend.utils import DelegateMappingBuilder
from executorch.exir.memory_planning import MemoryPlanningAlgorithmSuite, greedy
from executorch.exir.pass_base import ExportPass, PassResult
from executorch.exir.passes import MemoryPlanningPass, SpecPropPass
from executorch.exir.passes.sym_shape_eval_pass import ConstraintBasedSymShapeEvalPass
from torch.export import ExportedProgram
from torch.export._remove_auto_functionalized_pass import unsafe_remove_auto_functionalized_pass

from workers.vulkan.lowering.fusion.dropped_factors import dropped_factors
from workers.vulkan.lowering.fusion.fusion_patterns import fuse
from workers.vulkan.lowering.graph.returned_constants import given_by, returned_constants


@dataclass(frozen=True, eq=False)
class Compiled:
    """What a partition became.

    Attributes:
        program: after all passes, it can be run.
        graph: an `executorch.backends.vulkan.serialization.vulkan_graph_schema.VkGraph`.
        dropped_factors, returned_constants: as of the functions of these names.
    """

    program: ExportedProgram
    graph: Any
    dropped_factors: tuple[str, ...]
    returned_constants: tuple[str, ...]


_compiled: ContextVar[dict[bytes, Compiled] | None] = ContextVar("compiled", default=None)


@contextmanager
def compiled_partitions() -> Iterator[dict[bytes, Compiled]]:
    """What this thread compiles inside the block, by the bytes that it became; equal bytes are equal partitions."""
    found: dict[bytes, Compiled] = {}
    token = _compiled.set(found)
    try:
        yield found
    finally:
        _compiled.reset(token)


class FuseChosenPatterns(ExportPass):
    """`FusePatternsPass`, but for the matches that are left."""

    def __init__(self) -> None:
        super().__init__()
        self._exported_program: ExportedProgram | None = None

    def call(self, graph_module: torch.fx.GraphModule) -> PassResult:
        replaced = fuse(self._exported_program, graph_module)  # type: ignore[arg-type]
        if replaced:
            graph_module.recompile()
            graph_module = super().call(graph_module).graph_module
        return PassResult(graph_module, replaced > 0)


class VelatuneVulkanBackend(BackendDetails):
    """Has a name of its own while ExecuTorch lowers; `workers.vulkan.lowering.lowering` gives the delegates the name
    that the runtime knows."""

    @classmethod
    def preprocess(cls, program: ExportedProgram, specs: Sequence[CompileSpec]) -> PreprocessResult:
        """Compile a partition, as `VulkanBackend.preprocess`.

        Args:
            program: the partition.
            specs: compile specifications, see `VulkanTarget.compile_options`.

        Returns:
            Its flatbuffer and its constants.
        """
        options = parse_compile_spec(list(specs))
        dropped, given = dropped_factors(program.graph_module), given_by(program)
        program = _with_layouts(_fused(program), options)
        returned = returned_constants(given, program)
        builder = VkGraphBuilder(
            program,
            DelegateMappingBuilder(generated_identifiers=True),
            downcast_64_bit=options.get("downcast_64_bit", True),
            force_fp16=options.get("force_fp16", False),
        )
        graph = builder.build_graph()
        data = serialize_vulkan_graph(graph, builder.const_tensors, [])
        found = _compiled.get()
        if found is not None:
            if data in found:
                # Of two partitions with the same bytes, one may have been written with other factors.
                dropped += found[data].dropped_factors
                returned += found[data].returned_constants
            found[data] = Compiled(program, graph, dropped, tuple(dict.fromkeys(returned)))
        return PreprocessResult(
            processed_bytes=data,
            debug_handle_map=builder.delegate_mapping_builder.get_delegate_mapping(),
            data_store_output=builder.named_data_store.get_named_data_store_output(),
        )


def _fused(program: ExportedProgram) -> ExportedProgram:
    program = unsafe_remove_auto_functionalized_pass(program)
    passes = [
        AddmmToLinearTransform(),
        FuseBatchNormPass(program),
        AddmmToLinearTransform(),
        InsertDtypePromotionPass(),
        FuseChosenPatterns(),
        FuseClampPass(),
        RemoveRedundantOpsTransform(),
        FoldQDQPass(),
        SqueezeUnsqueezeInputs(),
        FuseViewCopyTransform(),
        ViewCopyToSqueezeUnsqueezePass(),
    ]
    return apply_passes(program, passes)


def _with_layouts(program: ExportedProgram, options: dict[str, Any]) -> ExportedProgram:
    limits = tuple(options[f"texture_limits_{axis}"] for axis in "xyz")
    program = apply_passes(program, [SpecPropPass()])
    program = apply_passes(program, [RemoveAssertsTransform(), insert_prepack_nodes])
    program = apply_passes(program, [TagMemoryMetaPass(limits, force_fp16=options.get("force_fp16", False))])
    # ExecuTorch's planner asserts that ToOutVarPass ran before it, unless an option says that it failed.
    program.graph_module.encounter_to_out_var_failure = True
    planner = MemoryPlanningAlgorithmSuite(algo_list=[partial(greedy, allow_overlapping_allocations=False)])
    return apply_passes(program, [ConstraintBasedSymShapeEvalPass(), MemoryPlanningPass(memory_planning_algo=planner)])
