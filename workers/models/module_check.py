"""Modules that cannot be lowered whatever they compute, reported before torch.export stops at them somewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

#: Base classes of what a quantiser's preparation puts into a module, those of torch and of torchao.
_OBSERVERS = frozenset(("FakeQuantizeBase", "ObserverBase", "AffineQuantizedObserverBase"))


def fault_of(module: nn.Module) -> str:
    """Why a module cannot be exported for an NPU.

    Args:
        module: what a user's function returned.

    Returns:
        What it is and what to return instead, as in `a ScriptModule, which ...`; empty if nothing is known against it.
    """
    import torch
    from torch.nn.parameter import is_lazy

    if isinstance(module, torch.jit.ScriptModule):
        what = "a ScriptModule, which torch.export does not take"
        return f"{what}; return the eager module that torch.jit.script was given"
    for name, one in module.named_modules():
        if _OBSERVERS.intersection(base.__name__ for base in type(one).__mro__):
            return (
                f"a module that is prepared for quantisation and not converted ({name} is a {type(one).__name__}); "
                "call convert_pt2e first, or return the float module"
            )
        if any(map(_is_packed, vars(one).values())):
            return (
                f"a module that torch.ao.quantization has quantised ({name} is a {type(one).__name__}, whose weights "
                "are packed for CPUs); return the float module, which velatune quantises, or what convert_pt2e gives"
            )
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if is_lazy(tensor):
            return f"a lazy module: {name} has no shape yet; call the module once on its inputs first"
        if tensor.is_meta:
            return f"a module without values: {name} is on the device meta; load the weights first"
        if torch.utils._python_dispatch.is_traceable_wrapper_subclass(tensor):
            return (
                f"a module whose {name} is a {type(tensor).__name__}; return the float module, which velatune "
                "quantises, or what convert_pt2e gives, or what torchao.utils.unwrap_tensor_subclass makes of this one"
            )
    return ""


def scripted_part(module: nn.Module) -> str:
    """The name of the first part of an eager module that torch.jit made; torch.export takes some such parts.

    Args:
        module: what a user's function returned.

    Returns:
        As in `backbone.0`; empty if there is none.
    """
    import torch

    return next((name for name, one in module.named_modules() if isinstance(one, torch.jit.ScriptModule)), "")


def _is_packed(value: object) -> bool:
    """Whether it is what PyTorch's own quantised kernels take for weights; torch.export has no form for it."""
    import torch

    return isinstance(value, torch.ScriptObject) and str(value._type()).startswith("__torch__.torch.classes.")
