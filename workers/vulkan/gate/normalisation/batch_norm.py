"""Batch normalisation that no convolution takes in."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name == "aten._native_batch_norm_legit_no_training.default":
            rank = len(call.tensors[0].shape)
            if rank != 4:
                yield call.name, f"its input has {rank} dimensions, and it takes 4; the runtime aborts at load"
            elif any(one is None for one in call.arguments[1:5]):
                yield call.name, "has no weights or no bias; the runtime aborts at load"


RULE = Rule("batch-norm", Severity.REFUSED, "VK_CHECK_COND in BatchNorm.cpp", KNOWN_RUNTIME, _check)
