"""Images whose channels are innermost in memory, which PyTorch calls channels_last.

A caller sees them as (N, C, H, W). The kernels, and all that is lowered, see the same bytes as (N, H, W, C). So a model
of such images is quantised and lowered with contiguous images (N, H, W, C). No image is moved where it enters or leaves
a convolution. At last the lowered program gets its inputs and outputs back as the caller has them. Operators that are
no instructions of the file say where one view ends and the other begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.utils import _pytree as pytree

from workers.cortex_m.cost.reading.nodes import operator_of
from workers.cortex_m.cost.view import IMAGE_VIEWS, results_of
from workers.cortex_m.lowering.copied import copied
from workers.models.exported.io_layout import layout_of
from workers.models.exported.state.module_state import state_kept

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.fx import Graph, Node

_INSIDE, _OUTSIDE = (0, 2, 3, 1), (0, 3, 1, 2)


@torch.library.custom_op("velatune::as_nhwc", mutates_args=())
def as_nhwc(image: torch.Tensor) -> torch.Tensor:
    """View a channels_last image (N, C, H, W) as a contiguous one (N, H, W, C)."""
    return image.permute(_INSIDE).contiguous().clone()


@torch.library.custom_op("velatune::as_nchw", mutates_args=())
def as_nchw(image: torch.Tensor) -> torch.Tensor:
    """View a contiguous image (N, H, W, C) as a channels_last one (N, C, H, W)."""
    return image.clone().permute(_OUTSIDE)


@as_nhwc.register_fake
def _(image: torch.Tensor) -> torch.Tensor:
    n, c, h, w = image.shape
    return image.new_empty((n, h, w, c))


@as_nchw.register_fake
def _(image: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(image, memory_format=torch.contiguous_format).permute(_OUTSIDE)


@dataclass(frozen=True)
class ImageOrder:
    """The order of dimensions of a model's images.

    Attributes:
        inputs, outputs: of a model's tensors, in order, which are channels_last images for the caller.
    """

    inputs: tuple[bool, ...] = ()
    outputs: tuple[bool, ...] = ()

    @classmethod
    def of(cls, model: torch.nn.Module, inputs: tuple[Any, ...]) -> ImageOrder:
        """Which images are channels_last.

        Args:
            model: that is run once.
            inputs: of it, as they lie in memory.

        Returns:
            The order of all images.
        """
        taken = _are_channels_last(inputs)
        if not any(taken):
            return cls()
        with torch.no_grad(), state_kept(model):
            return cls(taken, _are_channels_last(model(*inputs)))

    def inside(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """A caller's inputs as `model` takes them: channels_last images as contiguous ones (N, H, W, C)."""
        return _mapped(inputs, self.inputs, _INSIDE) if any(self.inputs) else inputs

    def model(self, model: torch.nn.Module) -> torch.nn.Module:
        """A model with contiguous images (N, H, W, C) for the channels_last ones of the given model."""
        return _Inside(model, self) if any(self.inputs) else model

    def outside(self, lowered: ExportedProgram) -> ExportedProgram:
        """A lowered program that takes and gives images as the caller has them.

        Args:
            lowered: of `model`; it is left as it is.

        Returns:
            The program, with a view behind each input and before each output that is a channels_last image.
        """
        if not any(self.inputs):
            return lowered
        program = copied(lowered)
        graph = program.graph
        names = set(program.graph_signature.user_inputs)
        places = [node for node in graph.nodes if node.op == "placeholder" and node.name in names]
        for node in (node for node, turned in zip(places, self.inputs, strict=True) if turned):
            _enter(graph, node)
        results = zip(results_of(program), self.outputs, strict=True)
        for node in dict.fromkeys(node for node, turned in results if turned):  # two outputs may be the same
            _leave(graph, node)
        program.graph_module.recompile()
        return program


class _Inside(torch.nn.Module):
    def __init__(self, model: torch.nn.Module, order: ImageOrder) -> None:
        super().__init__()
        self.inner, self.order = model, order

    def forward(self, *inputs: Any) -> Any:
        given = _mapped(inputs, self.order.inputs, _OUTSIDE)
        return _mapped(self.inner(*given), self.order.outputs, _INSIDE)


def _are_channels_last(values: Any) -> tuple[bool, ...]:
    return tuple(isinstance(one, torch.Tensor) and layout_of((one,)) == "nhwc" for one in pytree.tree_leaves(values))


def _mapped(values: Any, turned: Sequence[bool], order: Sequence[int]) -> Any:
    """Values whose images that are turned have their axes in another order."""
    leaves, shape = pytree.tree_flatten(values)
    moved = [one.permute(*order) if turn else one for one, turn in zip(leaves, turned, strict=True)]
    return pytree.tree_unflatten(moved, shape)


def _enter(graph: Graph, image: Node) -> None:
    """Turn an input (N, H, W, C) into a channels_last one. It is quantised as it lies; the view follows then."""
    users = list(image.users)
    image.meta = {**image.meta, "val": _outside(image)}
    source = image
    if len(users) == 1 and operator_of(users[0]) == "quantize_per_tensor":
        source = users[0]
        users = list(source.users)
        source.meta = {**source.meta, "val": _outside(source)}
    with graph.inserting_after(source):
        view = graph.call_function(torch.ops.velatune.as_nhwc.default, (source,))
    view.meta = {"val": source.meta["val"].permute(_INSIDE)}
    for user in users:
        user.replace_input_with(source, view)


def _leave(graph: Graph, result: Node) -> None:
    """Turn an output (N, H, W, C) into a channels_last one: its values are seen so before they become floats."""
    last = result if operator_of(result) == "dequantize_per_tensor" else None
    source: Any = last.args[0] if last is not None else result
    with graph.inserting_after(source):
        view = graph.call_function(torch.ops.velatune.as_nchw.default, (source,))
    view.meta = {"val": _outside(source)}
    if last is None:
        graph.output_node().replace_input_with(result, view)
    else:
        last.replace_input_with(source, view)
        last.meta = {**last.meta, "val": _outside(last)}


def _outside(image: Node) -> torch.Tensor:
    value: torch.Tensor = image.meta["val"]
    return value.permute(_OUTSIDE)


def views_elided() -> Any:
    """ExecuTorch's pass that gives operators their results' memory, after one that makes views of `IMAGE_VIEWS`. Views
    are no instructions of the file, and share the memory of what they see."""
    from executorch.exir import memory
    from executorch.exir.pass_manager import PassManager
    from executorch.exir.passes import ToOutVarPass

    # ExecuTorch has no other spec of a value that lies in the memory of another one.
    from executorch.exir.passes.replace_view_copy_with_view_pass import _ViewSpec
    from torch.fx.passes.infra.pass_base import PassResult

    def viewed(module: torch.fx.GraphModule) -> PassResult:
        found: set[Any] = set()
        for node in (node for node in module.graph.nodes if node.op == "call_function"):
            # ExecuTorch's own view of one of ours refers to memory that is never planned.
            if operator_of(node) not in IMAGE_VIEWS and not (node.target == memory.view and node.args[0] in found):
                continue
            found.add(node)
            source, value = node.args[0], node.meta["val"]
            if source.target == memory.view:
                source = source.args[0]  # a spec cannot rest on that of a view
            spec = _ViewSpec(source.meta["spec"], list(value.shape))
            spec.stride, spec.dim_order = value.stride(), list(value.dim_order())
            node.target, node.args, node.meta["spec"] = memory.view, (source, list(value.shape)), spec
        module.recompile()
        return PassResult(module, bool(found))

    return PassManager([viewed, ToOutVarPass()])
