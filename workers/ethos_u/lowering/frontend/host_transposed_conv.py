"""Transposed convolutions as convolutions without stride, in the float model before it is quantised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from workers.ethos_u.cost.estimates.host_operators import HostOperator
from workers.ethos_u.lowering.frontend.float_program import Call, before_quantising, caller

if TYPE_CHECKING:
    import torch
    from executorch.backends.arm.quantizer import TOSAQuantizer
    from torch.fx import GraphModule, Node

_LARGEST_STRIDE = 2  # that ExecuTorch gives U55 and U65


@contextmanager
def quantising(alternative: str) -> Iterator[None]:
    """Inside the block, this thread's Arm quantisers are given such convolutions without their stride.

    Raises ModelError at the end if there was no quantiser.
    """

    def prepare(quantiser: TOSAQuantizer, model: GraphModule) -> None:
        rewrite(model, quantiser.compile_spec.tosa_spec.is_U55_subset)

    with before_quantising(f"host-transposed-conv={alternative}", prepare):
        yield


def concerns(host_operators: Iterable[HostOperator]) -> bool:
    """Whether the default lowering leaves a transposed convolution on the CPU."""
    return any(one.is_transposed for one in host_operators)


@dataclass(frozen=True)
class Axis:
    """A transposed convolution along one axis, and the convolution that gives its phases.

    Output o is the sum of x[i] * w[j] where i * stride + j * dilation = o + padding. Let o + padding be phase + q *
    stride. With dilation, weights have zeros between them. Then j is t * stride + phase and i is q - t. That is a
    convolution over x, with every stride-th weight, in reverse order.

    Attributes:
        inputs: length of the data.
        outputs: length of the result.
        kernel: number of weights, with the zeros of a dilation.
        stride: of the transposed convolution.
        padding: of the transposed convolution.
    """

    inputs: int
    outputs: int
    kernel: int
    stride: int
    padding: int

    @property
    def taps(self) -> int:
        """Weights of each phase; the last ones are zeros where the stride does not divide the kernel."""
        return -(-self.kernel // self.stride)

    @property
    def first(self) -> int:
        """The first q that gives an output."""
        return self.padding // self.stride

    @property
    def windows(self) -> int:
        """How many q give outputs."""
        return (self.outputs - 1 + self.padding) // self.stride - self.first + 1

    @property
    def around(self) -> int:
        """Zeros on both sides of the data: as many as the side needs that needs more."""
        before = self.taps - 1 - self.first
        after = self.first + self.windows - self.inputs
        return max(before, after, 0)

    @property
    def skipped(self) -> int:
        """Windows before the first that gives an output."""
        return self.around - (self.taps - 1 - self.first)

    @property
    def cropped(self) -> int:
        """Outputs of the first window that the padding takes away."""
        return self.padding - self.first * self.stride


def phases(weight: torch.Tensor, axes: Sequence[Axis], dilation: Sequence[int], groups: int) -> torch.Tensor:
    """Weights of the convolution that gives all phases of a transposed one.

    Args:
        weight: of the transposed convolution, [in, out / groups, *kernel].
        axes: of its spatial dimensions.
        dilation: of each of them.
        groups: as of the transposed convolution.

    Returns:
        [phases * out, in / groups, *taps]. Channels are numbered phase first, by groups channel first.
    """
    import torch

    inputs, outputs = weight.shape[:2]
    padded = weight.new_zeros(inputs, outputs, *(one.taps * one.stride for one in axes))
    spread = tuple(slice(0, one.kernel, step) for one, step in zip(axes, dilation, strict=True))
    padded[(slice(None), slice(None), *spread)] = weight
    last_first = tuple(range(2, 2 + len(axes)))
    parts = []
    for phase in product(*(range(one.stride) for one in axes)):
        taken = tuple(slice(at, None, one.stride) for at, one in zip(phase, axes, strict=True))
        part = padded[(slice(None), slice(None), *taken)].flip(last_first)
        grouped = part.unflatten(0, (groups, inputs // groups)).transpose(1, 2)
        parts.append(grouped.flatten(0, 1))  # [out, in / groups, *taps]
    return torch.stack(parts, dim=0 if groups == 1 else 1).flatten(0, 1)


def rewrite(model: GraphModule, is_u55: bool) -> None:
    """Write transposed convolutions that ExecuTorch would leave on the CPU as convolutions.

    Args:
        model: exported and not quantised; changed in place. Its constants are parameters or buffers.
        is_u55: whether it is for Ethos-U55 or U65.
    """
    import torch

    aten = torch.ops.aten
    for node in list(model.graph.nodes):
        if node.target not in (aten.conv_transpose1d.default, aten.conv_transpose2d.input):
            continue
        arguments = _Arguments.of(node)
        if arguments is not None and arguments.is_refused(is_u55):
            _replace(model, node, arguments)
    model.graph.eliminate_dead_code()
    model.recompile()


@dataclass(frozen=True)
class _Arguments:
    """Of a transposed convolution whose weights are constants."""

    data: Node
    weight: torch.Tensor
    bias: torch.Tensor | None
    stride: Sequence[int]
    padding: Sequence[int]
    groups: int
    dilation: Sequence[int]

    @classmethod
    def of(cls, node: Node) -> _Arguments | None:
        rank = node.meta["val"].dim() - 2
        names = ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")
        defaults: dict[str, Any] = {"bias": None, "stride": 1, "padding": 0, "groups": 1, "dilation": 1}
        given = {**defaults, **dict(zip(names, node.args, strict=False)), **node.kwargs}
        weight, bias = _constant(given["weight"]), _constant(given["bias"])
        batched = given["input"].meta["val"].dim() == rank + 2
        empty = node.meta["val"].numel() == 0
        if weight is None or (bias is None and given["bias"] is not None) or not batched or empty:
            return None
        widths = [_each(given[name], rank) for name in ("stride", "padding", "dilation")]
        return cls(given["input"], weight, bias, widths[0], widths[1], given["groups"], widths[2])

    def is_refused(self, is_u55: bool) -> bool:
        """Whether ExecuTorch leaves it on the CPU."""
        if len(self.stride) == 1 or self.groups > 1 or max(self.dilation) > 1:
            return True
        return is_u55 and (len(set(self.stride)) > 1 or max(self.stride) > _LARGEST_STRIDE)

    def axes(self, outputs: Sequence[int]) -> list[Axis]:
        sizes = self.data.meta["val"].shape[2:]
        return [
            Axis(int(inputs), int(result), step * (taps - 1) + 1, stride, padding)
            for inputs, result, taps, stride, padding, step in zip(
                sizes, outputs, self.weight.shape[2:], self.stride, self.padding, self.dilation, strict=True
            )
        ]


def _replace(model: GraphModule, node: Node, arguments: _Arguments) -> None:
    import torch

    aten = torch.ops.aten
    axes = arguments.axes(node.meta["val"].shape[2:])
    rank, groups = len(axes), arguments.groups
    weight = phases(arguments.weight, axes, arguments.dilation, groups)
    count = weight.shape[0] // node.meta["val"].shape[1]
    bias = arguments.bias
    if bias is not None:
        bias = bias.repeat(count) if groups == 1 else bias.repeat_interleave(count)
    with model.graph.inserting_before(node):
        call = caller(model, node)
        convolution = (aten.conv1d.default, aten.conv2d.default)[rank - 1]
        constants = [None if one is None else _own(model, node, one) for one in (weight, bias)]
        y = call(convolution, arguments.data, *constants, [1] * rank, [one.around for one in axes], [1] * rank, groups)
        for at, one in enumerate(axes, 2):
            y = _sliced(call, y, at, one.skipped, one.windows)
        # The phase that is outermost in the channels first: of groups it is the one nearest to them.
        for at in range(rank) if groups == 1 else reversed(range(rank)):
            y = _interleaved(call, y, 2 + at, axes[at].stride, phase_first=groups == 1)
        for at, one in enumerate(axes, 2):
            y = _sliced(call, y, at, one.cropped, one.outputs)
    node.replace_all_uses_with(y)
    model.graph.erase_node(node)


def _interleaved(call: Call, y: Node, at: int, stride: int, phase_first: bool) -> Node:
    """Phases, which are channels, side by side along an axis."""
    import torch

    if stride == 1:
        return y
    aten = torch.ops.aten
    batch, channels, *sizes = y.meta["val"].shape
    place = 1 if phase_first else 2
    split = [channels // stride]
    split.insert(place - 1, stride)
    y = call(aten.view.default, y, [batch, *split, *sizes])
    order = [axis for axis in range(len(sizes) + 3) if axis != place]
    order.insert(at + 1, place)
    y = call(aten.permute.default, y, order)
    sizes[at - 2] *= stride
    return call(aten.reshape.default, y, [batch, channels // stride, *sizes])


def _sliced(call: Call, y: Node, at: int, start: int, length: int) -> Node:
    import torch

    if y.meta["val"].shape[at] == length:
        return y
    return call(torch.ops.aten.slice.Tensor, y, at, start, start + length)


def _own(model: GraphModule, like: Node, value: torch.Tensor) -> Node:
    """A new parameter of the model."""
    import torch

    name = f"{like.name}_{'weight' if value.dim() > 1 else 'bias'}_of_phases"
    model.register_parameter(name, torch.nn.Parameter(value.contiguous(), requires_grad=False))
    node = model.graph.get_attr(name)
    node.meta["val"] = like.meta["val"].fake_mode.from_tensor(value, static_shapes=True)
    return node


def _constant(node: Any) -> torch.Tensor | None:
    """The value of a parameter or buffer that the model does not change; None of anything else."""
    import torch

    if getattr(node, "op", "") != "get_attr":
        return None
    changes = node.graph.find_nodes(op="call_function", target=torch.ops.aten.copy_.default)
    if any(change.args[0].target == node.target for change in changes):
        return None
    value: torch.Tensor = attrgetter(str(node.target))(node.graph.owning_module)
    return value.detach()


def _each(value: int | Sequence[int], rank: int) -> list[int]:
    widths = [value] if isinstance(value, int) else list(value)
    return widths * rank if len(widths) == 1 else widths
