"""Which operators go to the GPU.

ExecuTorch's own rules decide, but for what a recipe leaves unfused or on the CPU.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Set
from typing import Any

import torch
from executorch.backends.vulkan.partitioner.vulkan_partitioner import (
    VulkanSupportedOperators,
    ops_not_to_decompose,
    parse_compile_options,
)
from executorch.backends.vulkan.patterns import PatternMatch
from executorch.exir.backend.partitioner import DelegationSpec, Partitioner, PartitionResult
from executorch.exir.backend.utils import tag_constant_data, tag_mutated_buffer
from torch.export import ExportedProgram
from torch.fx.passes.infra.partitioner import CapabilityBasedPartitioner

from workers.vulkan.lowering.backend import VelatuneVulkanBackend
from workers.vulkan.lowering.fusion.fusion_patterns import leave_unfused, matches
from workers.vulkan.lowering.settings import Sites

_FUSED_BEFORE = ("aten._weight_int8pack_mm.default", "et_vk.linear_qcs4w.default")


class ReasonedOperators(VulkanSupportedOperators):
    """ExecuTorch's rules, but for nodes that a recipe keeps on the CPU.

    Attributes:
        reasons: name of a node that the rules refuse -> why.
    """

    def __init__(self, on_cpu: Set[torch.fx.Node], *arguments: Any, **options: Any) -> None:
        """Rules for one graph.

        Args:
            on_cpu: nodes that a recipe keeps there.
            arguments, options: of ExecuTorch's rules.
        """
        super().__init__(*arguments, **options)
        self._on_cpu = on_cpu
        self.reasons: dict[str, str] = {}

    def _is_node_supported(self, node: torch.fx.Node) -> bool:
        if node in self._on_cpu:
            self.log_skip(node, "the recipe keeps it there")
            return False
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
    """As `VulkanPartitioner`. Afterwards `reasons` says why a node stays on the CPU, and `fused` which patterns fit."""

    def __init__(self, options: Mapping[str, Any], unfused: Mapping[str, Sites], on_cpu: Mapping[str, Sites]) -> None:
        """A partitioner for one program.

        Args:
            options: of `VulkanPartitioner`.
            unfused, on_cpu: as of `workers.vulkan.lowering.settings.Settings`.
        """
        self._options, self._unfused, self._on_cpu = options, unfused, on_cpu
        self.delegation_spec = DelegationSpec(VelatuneVulkanBackend.__name__, parse_compile_options(dict(options)))
        self.reasons: dict[str, str] = {}
        self.fused: dict[str, int] = {}

    def ops_to_not_decompose(self, ep: ExportedProgram) -> tuple[list[torch._ops.OpOverload], Any]:
        return list(ops_not_to_decompose), lambda _: True

    def partition(self, exported_program: ExportedProgram) -> PartitionResult:
        module = exported_program.graph_module
        kept = self._kept_on_cpu(module)
        # A match is taken whole or not at all.
        fusable = [match for match in self._fusable(module) if kept.isdisjoint(match.all_nodes)]
        rules = ReasonedOperators(
            kept, self._options["texture_limits"], self._options["buffer_limit"], fusable_subgraphs=fusable
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

    def _fusable(self, module: torch.fx.GraphModule) -> Iterator[PatternMatch]:
        """The matches that are fused; the others are noted."""
        for name, match in matches(module):
            self.fused[name] = number = self.fused.get(name, 0) + 1
            if _is_chosen(self._unfused, name, number):
                leave_unfused(name, match)
            else:
                yield match

    def _kept_on_cpu(self, module: torch.fx.GraphModule) -> set[torch.fx.Node]:
        kept, seen = set(), Counter[str]()
        for node in module.graph.nodes:
            name = getattr(node.target, "__name__", "")
            seen[name] += 1
            if _is_chosen(self._on_cpu, name, seen[name]):
                kept.add(node)
        return kept


def _is_chosen(chosen: Mapping[str, Sites], name: str, number: int) -> bool:
    sites = chosen.get(name)
    return sites is not None and (not sites or number in sites)
