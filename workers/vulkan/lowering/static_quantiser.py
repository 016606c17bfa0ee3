"""ExecuTorch's static quantiser, which rounds behind a clamp where a recipe says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from executorch.backends.xnnpack.quantizer import xnnpack_quantizer_utils
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import XNNPACKQuantizer, get_symmetric_quantization_config
from torch.fx import GraphModule
from torchao.quantization.pt2e.quantizer import QuantizationAnnotation

from workers.vulkan.model.marks import QUANTISE_BEHIND, is_marked

_ANNOTATION = "quantization_annotation"


class StaticQuantiser(XNNPACKQuantizer):
    """int8, symmetric weights for each channel. Its patterns are those that Vulkan's q8ta operators are made for."""

    def __init__(self) -> None:
        super().__init__()
        self.set_global(get_symmetric_quantization_config(is_per_channel=True))

    def annotate(self, model: GraphModule) -> GraphModule:
        with _patterns_kept():
            model = super().annotate(model)
        for node in model.graph.nodes:
            if is_marked(node, QUANTISE_BEHIND):
                _move_behind(node)
        return model


_patterns: dict[Any, Any] = {}


@contextmanager
def _patterns_kept() -> Iterator[None]:
    """ExecuTorch exports its twelve patterns of a convolution with batch norm anew for each model, which takes seconds.
    A pattern is known by what its function closes over: the convolution, and what follows it."""
    stock = xnnpack_quantizer_utils._get_aten_graph_module_for_pattern

    def kept(pattern: Any, example_inputs: tuple[Any, ...], *others: Any) -> Any:
        key = *(cell.cell_contents for cell in pattern.fn.__closure__), *(one.shape for one in example_inputs), others
        if key not in _patterns:
            _patterns[key] = stock(pattern, example_inputs, *others)
        return deepcopy(_patterns[key])  # the matcher changes what it is given

    xnnpack_quantizer_utils._get_aten_graph_module_for_pattern = kept
    try:
        yield
    finally:
        xnnpack_quantizer_utils._get_aten_graph_module_for_pattern = stock


def _move_behind(clamp: Any) -> None:
    """Let the clamp's output have the specification that its producer's output has, which then has none."""
    producer = clamp.args[0]
    annotation = producer.meta.get(_ANNOTATION)
    if annotation is None or annotation.output_qspec is None:
        return
    output = annotation.output_qspec
    annotation.output_qspec = None
    clamp.meta[_ANNOTATION] = QuantizationAnnotation(input_qspec_map={}, output_qspec=output, _annotated=True)
