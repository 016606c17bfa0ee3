"""Int4 weights and int16 activations for some layers, by ExecuTorch's own configurations of its quantiser."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from search_space.choices.frontend.precision import by_layer
from workers.errors import ModelError
from workers.ethos_u.lowering.frontend.float_program import before_quantising
from workers.ethos_u.lowering.layers import Layer, layer_of, number_layers

if TYPE_CHECKING:
    from executorch.backends.arm.quantizer import TOSAQuantizer
    from executorch.backends.arm.quantizer.arm_quantizer_utils import NodeFinder
    from executorch.backends.arm.quantizer.quantization_config import QuantizationConfig
    from torch.fx import GraphModule, Node


@contextmanager
def quantising(alternative: str) -> Iterator[None]:
    """Inside the block, this thread's Arm quantisers quantise some layers by the alternative, the others as before.

    Raises ModelError at the end if there was no quantiser.
    """

    def prepare(quantiser: TOSAQuantizer, model: GraphModule) -> None:
        _tell(quantiser, number_layers(model), alternative)

    with before_quantising(f"precision={alternative}", prepare):
        yield


def _tell(quantiser: TOSAQuantizer, layers: Sequence[Layer], alternative: str) -> None:
    chosen = by_layer(alternative)
    everywhere = {layer.number for layer in layers}
    named = {number for _, numbers in chosen for number in numbers}
    if unknown := named - everywhere:
        raise ModelError(f"precision={alternative}: there is no layer {min(unknown)}, the model has {len(layers)}")
    for name, numbers in chosen:
        quantiser.set_node_finder(_configuration(name), _finder(set(numbers) or everywhere - named))


def _configuration(name: str) -> QuantizationConfig:
    from executorch.backends.arm.quantizer import arm_quantizer

    if name == "int4":
        return arm_quantizer.get_symmetric_a8w4_quantization_config(is_qat=False)
    return arm_quantizer.get_symmetric_a16w8_quantization_config()


def _finder(numbers: set[int]) -> NodeFinder:
    """What finds the operators of the layers with these numbers."""
    from executorch.backends.arm.quantizer.arm_quantizer_utils import NodeFinder

    class OfLayers(NodeFinder):
        def find_nodes(self, model: GraphModule) -> Iterator[Node]:
            return (node for node in model.graph.nodes if layer_of(node) in numbers)

        def __repr__(self) -> str:
            return f"layers {sorted(numbers)}"

    return OfLayers()
