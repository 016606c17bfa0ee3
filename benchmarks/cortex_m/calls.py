"""Kernel calls of the models that were run on Cortex-M: `python -m benchmarks.cortex_m.calls`.

Lowers every model and variant of `workers/cortex_m/evidence/data/e2e.csv` whose architecture is known, and writes
`model_calls.json` beside it. Takes some minutes; weights are random, and no call depends on them.
"""

from __future__ import annotations

import importlib
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from typing import Any

import click
import torch
from torch import nn
from torch.export import ExportedProgram

from benchmarks.cortex_m.models import Silero, silero_encoder, wav2letter
from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.view import operator_calls
from workers.cortex_m.evidence.instruction_counts import CALLS
from workers.cortex_m.lowering.candidate import Lowering
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.quantise import quantise
from workers.cortex_m.passes.base import Rewrite
from workers.cortex_m.passes.edge.drop_clones import DropClones
from workers.cortex_m.passes.lowered.depthwise_to_convolution import DepthwiseToConvolution
from workers.cortex_m.passes.lowered.row_along_height import RowAlongHeight
from workers.cortex_m.target import Target


def _mlperf_tiny(module: str, name: str) -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    model = getattr(importlib.import_module(f"executorch.examples.models.mlperf_tiny.{module}"), name)()
    return model.get_eager_model().eval(), model.get_example_inputs()


def _own(model: Callable[[], nn.Module], *shape: int) -> Callable[[], tuple[nn.Module, tuple[torch.Tensor, ...]]]:
    return lambda: (model().eval(), (torch.rand(shape),))


MODELS: dict[str, Callable[[], tuple[nn.Module, tuple[torch.Tensor, ...]]]] = {
    "w2l": _own(wav2letter, 1, 1, 400),
    "silero": _own(Silero, 1, 1, 640),
    "silero_mul": _own(lambda: Silero(products=True), 1, 1, 640),
    "silero_enc": _own(silero_encoder, 1, 129, 4),
    "ds_cnn": lambda: _mlperf_tiny("ds_cnn", "DSCNNKWSModel"),
    "resnet8": lambda: _mlperf_tiny("resnet8", "ResNet8Model"),
    "mobilenet_v1_025": lambda: _mlperf_tiny("mobilenet_v1_025", "MobileNetV1025Model"),
}
_TRAPS = RowAlongHeight(at="3+4")  # Silero's convolutions of stride 2, which the row kernel refuses
#: Model -> variant -> rewrites, and ExecuTorch's passes that were left out.
VARIANTS: dict[str, dict[str, tuple[tuple[Rewrite, ...], tuple[str, ...]]]] = {
    "w2l": {
        "unfolded": ((), ("CortexMCanonicalizeViewCopyPermutePass", "RemovePermutesAroundElementwiseOps")),
        "no_rem": ((), ("RemovePermutesAroundElementwiseOps",)),
        "w1": ((RowAlongHeight(),), ()),
        "in1reg": ((DepthwiseToConvolution(),), ()),
    },
    "silero": {"trapw1": ((_TRAPS,), ()), "auto+drop": ((DepthwiseToConvolution(), _TRAPS), ())},
    "silero_mul": {"auto+drop": ((DepthwiseToConvolution(), _TRAPS), ())},
    "ds_cnn": {
        "noclone": ((DropClones(),), ()),
        "in1reg": ((DepthwiseToConvolution(),), ()),
        "auto+drop": ((DropClones(), DepthwiseToConvolution()), ()),
    },
}


@click.command()
def cortex_m_calls() -> None:
    """Lower the models and write their calls."""
    calls = {}
    for model in MODELS:
        for explicit in (True, False):
            shipped = "shipped-explicit" if explicit else "shipped-legacy"
            variants = {shipped: ((), ()), **(VARIANTS.get(model, {}) if explicit else {})}
            for variant, (rewrites, without) in variants.items():
                for cpu in ("cortex-m55", "cortex-m4"):
                    lowering = Lowering(edge_of(model, explicit), Target.parse(cpu), without, explicit)
                    calls[f"{model}/{variant}/{cpu}"] = calls_of(lowering.lowered(lowering.in_order(rewrites)))
    CALLS.write_text(json.dumps(calls, separators=(",", ":"), sort_keys=True) + "\n", encoding="utf-8")


@cache
def edge_of(name: str, explicit_layout: bool) -> ExportedProgram:
    """A model of `MODELS` as edge operators; images in channels_last order for the default pipeline."""
    model, inputs = MODELS[name]()
    if not explicit_layout:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        inputs = tuple(one.to(memory_format=torch.channels_last) if one.dim() == 4 else one for one in inputs)
    return to_edge(quantise(model, inputs, explicit_layout=explicit_layout))


def calls_of(program: ExportedProgram) -> dict[str, list[dict[str, Any]]]:
    """The kernel calls of a lowered program as JSON, by operator. Raises ClickException if one was not counted."""
    calls = defaultdict(list)
    for one in operator_calls(program):
        if one.call is None:
            raise click.ClickException(f"{one.node}: no kernel of {one.operator} was counted")
        calls[one.operator].append(_fields(one.call))
    return calls


def _fields(call: KernelCall) -> dict[str, Any]:
    """What differs from the defaults."""
    values = {one.name: (getattr(call, one.name), one.default) for one in fields(call)}
    return {name: value for name, (value, default) in values.items() if value != default}


if __name__ == "__main__":
    cortex_m_calls()
