"""Which operators go to the GPU: by ExecuTorch's own rules, with patterns off where a recipe says so."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import torch
from executorch.backends.vulkan.partitioner.vulkan_partitioner import (
    VulkanSupportedOperators,
    ops_not_to_decompose,
    parse_compile_options,
)
from executorch.exir.backend.compile_spec_schema import CompileSpec
from executorch.exir.backend.partitioner import DelegationSpec, Partitioner, PartitionResult
from executorch.exir.backend.utils import tag_constant_data, tag_mutated_buffer
from torch.export import ExportedProgram
from torch.fx.passes.infra.partitioner import CapabilityBasedPartitioner

from workers.vulkan.lowering.backend import PATTERNS_OFF, VelatuneVulkanBackend
from workers.vulkan.lowering.fusion_patterns import matches

_FUSED_BEFORE = ("aten._weight_int8pack_mm.default", "et_vk.linear_qcs4w.default")


class ReasonedOperators(VulkanSupportedOperators):
    """ExecuTorch's rules; reasons: name of a node that they refuse -> why."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.reasons: dict[str, str] = {}

    def _is_node_supported(self, node: torch.fx.Node) -> bool:
        # ExecuTorch makes these operators after it has partitioned, so its rules want floats of all of their operands.
        if getattr(node.target, "__name__", "") in _FUSED_BEFORE:
            taken, reason = self.node_is_compatible(node)
            if not taken:
                self.log_skip(node, reason)
            return bool(taken)
        return bool(super()._is_node_supported(node))

    def log_skip(self, node: torch.fx.Node, reason: str) -> None:
        self.reasons[node.name] = reason


class VelatunePartitioner(Partitioner):
    """As `VulkanPartitioner`. Afterwards `reasons` says why a node stays on the CPU, and `fused` which patterns fit.

    Args:
        options: of `VulkanPartitioner`.
        patterns_off: names of patterns of ExecuTorch's registry that are not looked for.
        blocked: names of edge operators that stay on the CPU, as `aten.mul.Tensor`.
    """

    def __init__(self, options: Mapping[str, Any], patterns_off: Collection[str], blocked: Collection[str]) -> None:
        self._options, self._off, self._blocked = options, sorted(patterns_off), frozenset(blocked)
        specs = [*parse_compile_options(dict(options)), CompileSpec(PATTERNS_OFF, ",".join(self._off).encode())]
        self.delegation_spec = DelegationSpec(VelatuneVulkanBackend.__name__, specs)
        self.reasons: dict[str, str] = {}
        self.fused: dict[str, int] = {}

    def ops_to_not_decompose(self, ep: ExportedProgram) -> tuple[list[torch._ops.OpOverload], Any]:
        return list(ops_not_to_decompose), lambda _: True

    def partition(self, exported_program: ExportedProgram) -> PartitionResult:
        module = exported_program.graph_module
        found = list(matches(module, self._off))
        for name, _ in found:
            self.fused[name] = self.fused.get(name, 0) + 1
        blocklist = {n.target for n in module.graph.nodes if getattr(n.target, "__name__", "") in self._blocked}
        rules = ReasonedOperators(
            self._options["texture_limits"],
            self._options["buffer_limit"],
            operator_blocklist=blocklist,
            fusable_subgraphs=[match for _, match in found],
        )
        partitions = CapabilityBasedPartitioner(module, rules, allows_single_node_partition=True).propose_partitions()
        tags = {}
        for partition in partitions:
            for node in partition.nodes:
                node.meta["delegation_tag"] = f"tag{partition.id}"
                tags[f"tag{partition.id}"] = self.delegation_spec
        tag_constant_data(exported_program)
        tag_mutated_buffer(exported_program)
        self.reasons |= rules.reasons
        return PartitionResult(tagged_exported_program=exported_program, partition_tags=tags)
