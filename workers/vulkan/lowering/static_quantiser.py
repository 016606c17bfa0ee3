"""ExecuTorch's static quantiser, which rounds behind a clamp where a recipe says so."""

from __future__ import annotations

from typing import Any

from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import XNNPACKQuantizer, get_symmetric_quantization_config
from torch.fx import GraphModule
from torchao.quantization.pt2e.quantizer import QuantizationAnnotation

from workers.vulkan.marks import QUANTISE_BEHIND, is_marked

_ANNOTATION = "quantization_annotation"


class StaticQuantiser(XNNPACKQuantizer):
    """int8, symmetric weights for each channel. Its patterns are those that Vulkan's q8ta operators are made for."""

    def __init__(self) -> None:
        super().__init__()
        self.set_global(get_symmetric_quantization_config(is_per_channel=True))

    def annotate(self, model: GraphModule) -> GraphModule:
        model = super().annotate(model)
        for node in model.graph.nodes:
            if is_marked(node, QUANTISE_BEHIND):
                _move_behind(node)
        return model


def _move_behind(clamp: Any) -> None:
    """Let the clamp's output have the specification that its producer's output has, which then has none."""
    producer = clamp.args[0]
    annotation = producer.meta.get(_ANNOTATION)
    if annotation is None or annotation.output_qspec is None:
        return
    output = annotation.output_qspec
    annotation.output_qspec = None
    clamp.meta[_ANNOTATION] = QuantizationAnnotation(input_qspec_map={}, output_qspec=output, _annotated=True)
