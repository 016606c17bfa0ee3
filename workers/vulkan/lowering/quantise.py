"""Quantise the layers of a float module, each by its scheme, with ExecuTorch's quantisers for Vulkan.

Weights for each channel: `VulkanQuantizer`. Static int8: `XNNPACKQuantizer`, whose patterns the fused q8ta operators
are made for. Weights in groups, with or without dynamic activations: torchao's `quantize_`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workers.errors import ModelError
from workers.vulkan.model.layers import LINEAR, Layer, layer_of, weighted_kind
from workers.vulkan.model.scheme import GROUPED, PER_CHANNEL, Scheme
from workers.vulkan.passes.editing import value_of

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node
    from torchao.quantization.pt2e.quantizer import Quantizer


def check_schemes(layers: Sequence[Layer], schemes: Mapping[int, Scheme]) -> None:
    """Hold schemes to the layers that they are for.

    Args:
        layers: of the model.
        schemes: by number of the layer.

    Raises:
        ModelError: a layer does not exist, or its scheme does not fit. Schemes may need linear layers, and groups must
            divide the input channels.
    """
    known = {layer.number: layer for layer in layers}
    for number, scheme in schemes.items():
        layer = known.get(number)
        if layer is None:
            raise ModelError(f"scheme={scheme}@{number}: there is no layer {number}, the model has {len(layers)}")
        if scheme in (*PER_CHANNEL, *GROUPED) and layer.kind != LINEAR:
            raise ModelError(f"scheme={scheme}@{number}: is for linear layers, {layer.name} is a {layer.kind}")
        if scheme.group and layer.shape[1] % scheme.group:
            raise ModelError(
                f"scheme={scheme}@{number}: {layer.name} has {layer.shape[1]} input channels, "
                f"which groups of {scheme.group} do not divide"
            )


def quantised_module(
    module: GraphModule, schemes: Mapping[int, Scheme], samples: Sequence[tuple[Any, ...]]
) -> GraphModule:
    """Quantise the layers of a module.

    Args:
        module: a float program without its guards, numbered by `number_layers`.
        schemes: by number of the layer; layers that are not named stay float.
        samples: argument tuples that static schemes are calibrated on.

    Returns:
        The module with quantise and dequantise operators; `module` itself, which is used up, where all layers are
        float.
    """
    quantisers = _quantisers(schemes)
    if quantisers:
        module = _by_quantisers(module, quantisers, samples)
    for scheme in GROUPED:
        numbers = {number for number, chosen in schemes.items() if chosen is scheme}
        if numbers:
            _quantise_in_groups(module, scheme, numbers)
    return module


def _quantisers(schemes: Mapping[int, Scheme]) -> list[Quantizer]:
    from workers.vulkan.lowering.channel_quantiser import ChannelQuantiser
    from workers.vulkan.lowering.static_quantiser import StaticQuantiser

    made: list[Quantizer] = []
    for scheme, bits in zip(PER_CHANNEL, (8, 4), strict=True):
        numbers = {number for number, chosen in schemes.items() if chosen is scheme}
        if numbers:
            made.append(ChannelQuantiser(bits).set_filter_function(_in_layers(numbers)))
    numbers = {number for number, chosen in schemes.items() if chosen is Scheme.STATIC8}
    if numbers:
        made.append(StaticQuantiser().set_filter_function(_in_layers(numbers)))
    return made


def _in_layers(numbers: Collection[int]) -> Callable[[Node], bool]:
    # XNNPACKQuantizer asks for the parameters of a pattern as well; they belong to whoever reads them.
    return lambda node: node.op == "get_attr" or layer_of(node) in numbers


def _by_quantisers(
    module: GraphModule, quantisers: Sequence[Quantizer], samples: Sequence[tuple[Any, ...]]
) -> GraphModule:
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
    from torchao.quantization.pt2e.quantizer import ComposableQuantizer

    from workers.models.exported.state.module_state import state_kept

    own = {name for name, _ in module.named_buffers()}
    prepared = prepare_pt2e(module, quantisers[0] if len(quantisers) == 1 else ComposableQuantizer([*quantisers]))
    # The program does not start with the state that calibrating ends with. Observers keep theirs.
    with state_kept(prepared, own):
        for sample in samples:
            prepared(*sample)
    converted: GraphModule = convert_pt2e(prepared)
    return converted


def _quantise_in_groups(module: GraphModule, scheme: Scheme, numbers: Collection[int]) -> None:
    """Let torchao quantise linear operators, each as the module that it takes them as."""
    from torchao.quantization.quant_api import quantize_

    names = []
    for node in list(module.graph.nodes):
        if node.op == "call_function" and weighted_kind(node) == LINEAR and layer_of(node) in numbers:
            names.append(_as_module(module, node))
    module.graph.eliminate_dead_code()
    module.recompile()
    quantize_(module, _torchao_config(scheme), filter_fn=lambda _, name: name in names)


def _as_module(module: GraphModule, node: Node) -> str:
    """Replace a linear operator by a call of an `nn.Linear` with its weights; the module's name."""
    import torch

    weight = value_of(module, node.args[1])
    bias = value_of(module, node.args[2]) if len(node.args) > 2 else None
    assert weight is not None  # of a layer
    linear = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    linear.weight = torch.nn.Parameter(weight.detach().clone(), requires_grad=False)
    if bias is not None:
        linear.bias = torch.nn.Parameter(bias.detach().clone(), requires_grad=False)
    name = f"grouped_{node.name}"
    module.add_submodule(name, linear)
    with module.graph.inserting_before(node):
        call = module.graph.call_module(name, (node.args[0],))
    call.meta = dict(node.meta)
    node.replace_all_uses_with(call)
    module.graph.erase_node(node)
    return name


def _torchao_config(scheme: Scheme) -> Any:
    from torchao.quantization.granularity import PerGroup
    from torchao.quantization.quant_api import Int8DynamicActivationIntxWeightConfig, IntxWeightOnlyConfig

    group, int4 = PerGroup(scheme.group), _int4()
    if scheme.quantises_inputs:
        return Int8DynamicActivationIntxWeightConfig(weight_dtype=int4, weight_granularity=group)
    return IntxWeightOnlyConfig(weight_dtype=int4, granularity=group)


def _int4() -> Any:
    import torch

    return getattr(torch, "int4")  # noqa: B009  # torch has no annotation for it
