"""The file of a model: what a user would write, and run without velatune."""

from __future__ import annotations

from textwrap import indent
from typing import Literal

from benchmarks.correctness.model_fuzz.draft import Draft

#: How the model is handed over. `eager`: a function that returns it; `uncalibrated`: without calibration inputs. The
#: others are `.pt2` files: the float program, or one that was quantised by EthosUQuantizer.
Form = Literal["eager", "uncalibrated", "float", "int8", "int8 per tensor", "int16", "by name"]

_INT8 = "get_symmetric_quantization_config(is_per_channel=True)"
_INT16 = "get_symmetric_a16w8_quantization_config(is_per_channel=True)"
_PER_TENSOR = "get_symmetric_quantization_config(is_per_channel=False)"

_QUANTISED = '''

def write(path):
    """The quantised program, as a .pt2 file."""
    from executorch.backends.arm.ethosu import EthosUCompileSpec
    from executorch.backends.arm.quantizer import (
        EthosUQuantizer,
        get_symmetric_a16w8_quantization_config,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    net, example, samples = make()
    quantizer = EthosUQuantizer(EthosUCompileSpec("{target}"))
{configured}
    prepared = prepare_pt2e(torch.export.export(net, example).module(check_guards=False), quantizer)
    with torch.no_grad():
        for sample in samples:
            prepared(*sample)
    torch.export.save(torch.export.export(convert_pt2e(prepared), example), path)
'''

_FLOAT = '''

def write(path):
    """The float program, as a .pt2 file."""
    net, example, _ = make()
    torch.export.save(torch.export.export(net, example), path)
'''


def as_file(
    seed: int, draft: Draft, form: Form, target: str, outputs: str, *, channels_last: bool, in_a_dict: bool
) -> str:
    """The text.

    Args:
        outputs: an expression.
        channels_last: how inputs of rank 4 lie in memory.
        in_a_dict: the module takes a dict of its inputs.
    """
    given = {
        name: _laid(expression, len(draft.shape(name)), channels_last) for name, expression in draft.inputs.items()
    }
    arguments, forward = ", ".join(given), draft.forward
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


def make():
    torch.manual_seed({seed})
    return Net().eval(), inputs(){samples}
'''
    if form == "float":
        return text + _FLOAT
    configured = _configured(form, draft)
    return text + _QUANTISED.format(target=target, configured=indent(configured, " " * 4)) if configured else text


def _configured(form: Form, draft: Draft) -> str:
    """Lines that say how the quantiser is to quantise; empty where the user does not quantise."""
    if form == "by name" and draft.layers:
        return (
            f"quantizer.set_global({_INT8})\nquantizer.set_module_name({draft.random.choice(draft.layers)!r}, {_INT16})"
        )
    by_form = {"int8": _INT8, "by name": _INT8, "int8 per tensor": _PER_TENSOR, "int16": _INT16}
    return f"quantizer.set_global({by_form[form]})" if form in by_form else ""


def _laid(expression: str, rank: int, channels_last: bool) -> str:
    return f"{expression}.to(memory_format=torch.channels_last)" if channels_last and rank == 4 else expression
