"""Layer normalisation runs along the last dimension, with weights and a bias."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name == "aten.native_layer_norm.default":
            _, shape, weights, bias, *_ = call.arguments
            missing = [name for name, one in (("weights", weights), ("bias", bias)) if one is None]
            if len(shape) > 1:
                yield (
                    call.name,
                    f"normalises {len(shape)} dimensions, and it takes one; the runtime aborts at load",
                )
            elif missing:
                yield call.name, f"has no {' and no '.join(missing)}; the runtime aborts at load"


RULE = Rule("layer-norm", Severity.REFUSED, "VK_THROW in NativeLayerNorm.cpp", KNOWN_RUNTIME, _check)
