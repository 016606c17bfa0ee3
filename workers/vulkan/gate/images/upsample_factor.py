"""Upsampling by a factor that does not give whole extents."""

from collections.abc import Iterator

import numpy as np

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME

_NAMES = ("aten.upsample_nearest2d.vec", "aten.upsample_bilinear2d.vec")


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        factors = call.arguments[-1]
        if call.name in _NAMES and factors:
            before, after = (one.shape[-2:] for one in (call.tensors[0], call.results[0]))
            products = [np.float32(extent) * np.float32(factor) for extent, factor in zip(before, factors, strict=True)]
            if any(product != extent for product, extent in zip(products, after, strict=True)):
                sizes = " and ".join(f"{product:g}" for product in products)
                yield call.name, f"its factors give {sizes} pixels; the runtime aborts at load. Name the size instead"


RULE = Rule("upsample-factor", Severity.REFUSED, "VK_CHECK_COND in Upsample.cpp", KNOWN_RUNTIME, _check)
