"""What a model would compute with other widths in some of its layers, without lowering it.

ExecuTorch's quantised program has its quantise and dequantise operators in the open. In one run of it in PyTorch, some
values are not rounded to int8. Or some weights are rounded to int4 as well. The run shows what becomes of the outputs.
That takes milliseconds where quantising and lowering the model takes a minute. What is offered is lowered and measured.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from torch.fx import Interpreter

from workers.ethos_u.lowering.layers import layer_of, number_layers
from workers.ethos_u.lowering.quantise import one_torch_thread, quantised_module
from workers.ethos_u.lowering.toolchain import ethos_u_compile_spec
from workers.models.exported.tensors import tensors

if TYPE_CHECKING:
    import torch
    from torch.fx import GraphModule, Node

    from workers.ethos_u.target import Target
    from workers.models.types import ExportedModel

#: As ExecuTorch's configuration of int4 weights has it.
_MOST_INT4, _LEAST_SCALE = 7, 2**-16


class MixedPrecision:
    """A float model, quantised once on samples.

    Attributes:
        layers: of the model, in order.
    """

    def __init__(self, model: ExportedModel, target: Target, samples: Sequence[tuple[Any, ...]], used: int) -> None:
        """Quantise a model.

        Args:
            model: float, exported.
            target: the accelerator and its board.
            samples: argument tuples to quantise on.
            used: how many of them the noise is taken over.

        Raises:
            ModelError: ExecuTorch cannot quantise the model.
        """
        import torch

        module = model.program.module(check_guards=False)
        self.layers = number_layers(module)
        self._samples = samples[:used]
        self._module = quantised_module(model.name, module, samples, ethos_u_compile_spec(target))
        with one_torch_thread(), torch.no_grad():
            original = model.program.module(check_guards=False)
            self._expected = [tensors(original(*sample)) for sample in self._samples]

    def noise(self, int4: Collection[int] = (), int16: Collection[int] = ()) -> float:
        """The power of the outputs' error, relative to the float model's outputs; of the worst output.

        A value that both its layer and all that read it have in int16 is not rounded.

        Args:
            int4: numbers of layers whose weights are int4.
            int16: numbers of layers whose activations are int16.

        Returns:
            A ratio, at least 0.
        """
        import torch

        runner = _Runner(self._module, set(int4), set(int16))
        with one_torch_thread(), torch.no_grad():
            outputs = [tensors(runner.run(*sample)) for sample in self._samples]
        worst = 0.0
        for wanted, got in zip(zip(*self._expected, strict=True), zip(*outputs, strict=True), strict=True):
            signal = sum(float(x.double().square().sum()) for x in wanted)
            off = sum(float((x.double() - y.double()).square().sum()) for x, y in zip(wanted, got, strict=True))
            worst = max(worst, off / signal if signal else float(off > 0))
        return worst


class _Runner(Interpreter):
    def __init__(self, module: GraphModule, int4: set[int], int16: set[int]) -> None:
        super().__init__(module)
        self._int4, self._int16 = int4, int16
        self._unrounded: dict[Node, Any] = {}

    def run_node(self, n: Node) -> Any:
        import torch

        arguments: Any = n.args
        match str(n.target):
            case "quantized_decomposed.quantize_per_tensor.default":
                self._unrounded[n] = self.env[arguments[0]]
            case "quantized_decomposed.dequantize_per_tensor.default" if self._is_wide(n):
                return self._unrounded[arguments[0]]
            # Called as (values, scales, zero points, axis, lowest, highest, type); biases are int32.
            case "quantized_decomposed.dequantize_per_channel.default" if arguments[6] == torch.int8:
                if {layer_of(reader) for reader in n.users} <= self._int4:
                    return _rounded_to_int4(super().run_node(n), arguments[3])
        return super().run_node(n)

    def _is_wide(self, dequantise: Node) -> bool:
        quantise: Any = dequantise.args[0]
        if quantise not in self._unrounded:
            return False
        ends = [quantise.args[0], *dequantise.users]
        return all(layer_of(end) in self._int16 for end in ends if end.op != "output")


def _rounded_to_int4(weights: torch.Tensor, axis: Any) -> torch.Tensor:
    others = [dim for dim in range(weights.dim()) if dim != axis]
    scales = (weights.abs().amax(others, keepdim=True) / _MOST_INT4).clamp_min(_LEAST_SCALE)
    return (weights / scales).round() * scales
