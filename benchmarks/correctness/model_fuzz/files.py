"""The file of a model: what a user would write, and run without velatune."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import indent
from typing import Literal

from benchmarks.correctness.model_fuzz.draft import Draft

#: How the model is handed over. `eager`: a function that returns it; `uncalibrated`: without calibration inputs;
#: `converted`: as convert_pt2e gives it. The others are `.pt2` files: the float program, or one that was quantised by
#: EthosUQuantizer; `by name`: one layer to int16; `one in float`: one layer is not quantised; `trained`: it was trained
#: while quantised.
Form = Literal[
    "eager", "uncalibrated", "converted",
    "float", "int8", "int8 per tensor", "int16", "by name", "one in float", "trained",
]  # fmt: skip
#: An argument of `forward` besides its tensors: its name, an expression that makes it, and a statement that reads it.
Extra = tuple[str, str, str]

_INT8 = "get_symmetric_quantization_config(is_per_channel=True)"
_TRAINED = "get_symmetric_quantization_config(is_per_channel=True, is_qat=True)"
_INT16 = "get_symmetric_a16w8_quantization_config(is_per_channel=True)"
_PER_TENSOR = "get_symmetric_quantization_config(is_per_channel=False)"

_QUANTISED = '''

def quantised():
    """The module that convert_pt2e gives, example inputs and samples."""
    from executorch.backends.arm.ethosu import EthosUCompileSpec
    from executorch.backends.arm.quantizer import (
        EthosUQuantizer,
        get_symmetric_a16w8_quantization_config,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e import move_exported_model_to_eval
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e, prepare_qat_pt2e

    net, example, samples = float_net()
    quantizer = EthosUQuantizer(EthosUCompileSpec("{target}"))
{configured}
{prepared}
    return convert_pt2e(prepared), example, samples
'''

_CALIBRATED = """
prepared = prepare_pt2e(torch.export.export(net, example).module(check_guards=False), quantizer)
with torch.no_grad():
    for sample in samples:
        prepared(*sample)
"""

_TAUGHT = """
exported = torch.export.export(net.train(), example)
prepared = prepare_qat_pt2e(exported.module(check_guards=False), quantizer)
optimizer = torch.optim.SGD(prepared.parameters(), lr=0.001)
for sample in samples:
    outputs = torch.utils._pytree.tree_leaves(prepared(*sample))
    optimizer.zero_grad()
    sum(one.square().mean() for one in outputs if getattr(one, "requires_grad", False)).backward()
    optimizer.step()
move_exported_model_to_eval(prepared)
"""

_QUANTISED_FILE = '''

def write(path):
    """The quantised program, as a .pt2 file."""
    net, example, _ = quantised()
    torch.export.save(torch.export.export(net, example), path)


make = float_net
'''

_CONVERTED = "\n\nmake = quantised\n"
_EAGER = "\n\nmake = float_net\n"

_FLOAT = '''

def write(path):
    """The float program, as a .pt2 file."""
    net, example, _ = float_net()
    torch.export.save(torch.export.export(net, example), path)


make = float_net
'''


def as_file(
    seed: int, draft: Draft, form: Form, target: str, outputs: str, *, channels_last: bool, in_a_dict: bool,
    extras: Sequence[Extra] = (),
) -> str:  # fmt: skip
    """The text.

    Args:
        outputs: an expression.
        channels_last: how inputs of rank 4 lie in memory.
        in_a_dict: the module takes a dict of its inputs.
        extras: further arguments.
    """
    given = {
        name: _laid(expression, len(draft.shape(name)), channels_last) for name, expression in draft.inputs.items()
    }
    given |= {name: expression for name, expression, _ in extras}
    arguments, forward = ", ".join(given), [*(read for _, _, read in extras), *draft.forward]
    passed = ", ".join(given.values())
    if in_a_dict:
        forward = [f"{arguments} = {', '.join(f'batch[{name!r}]' for name in given)}", *forward]
        arguments = "batch"
        passed = "{" + ", ".join(f"{name!r}: {expression}" for name, expression in given.items()) + "}"
    init = "\n".join(draft.init) or "pass"
    samples = "" if form == "uncalibrated" else ", [inputs() for _ in range(3)]"
    text = f'''"""Model {seed}: {form}, for {target}."""

import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
{indent(init, " " * 8)}

    def forward(self, {arguments}):
{indent(chr(10).join(forward), " " * 8)}
        return {outputs}


def inputs():
    return ({passed},)


def float_net():
    torch.manual_seed({seed})
    return Net().eval(), inputs(){samples}
'''
    if form == "float":
        return text + _FLOAT
    configured = _configured(form, draft)
    if not configured:
        return text + _EAGER
    prepared = _TAUGHT if _TRAINED in configured else _CALIBRATED
    text += _QUANTISED.format(
        target=target, configured=indent(configured, " " * 4), prepared=indent(prepared.strip(), " " * 4)
    )
    return text + (_CONVERTED if form == "converted" else _QUANTISED_FILE)


def _configured(form: Form, draft: Draft) -> str:
    """Lines that say how the quantiser is to quantise; empty where the user does not quantise."""
    by_form = {"int8 per tensor": _PER_TENSOR, "int16": _INT16, "trained": _TRAINED if draft.layers else _INT8}
    if form in ("eager", "uncalibrated"):
        return ""
    lines = f"quantizer.set_global({by_form.get(form, _INT8)})"
    if form in ("by name", "one in float") and draft.layers:
        own = _INT16 if form == "by name" else "None"
        lines += f"\nquantizer.set_module_name({draft.random.choice(draft.layers)!r}, {own})"
    return lines


def _laid(expression: str, rank: int, channels_last: bool) -> str:
    return f"{expression}.to(memory_format=torch.channels_last)" if channels_last and rank == 4 else expression
