"""The passes that every candidate goes through."""

from __future__ import annotations

from typing import Any

#: Names of passes of ours that only models go through which are refused without them.
FOR_REFUSED_MODELS = frozenset({"EarlyIntegers"})


def passes_in_order(explicit_layout: bool) -> list[type[Any]]:
    """Classes of passes, as `CortexMPassManager` takes them.

    Args:
        explicit_layout: the pipeline with explicit NHWC layouts, which gets passes of our own. Else ExecuTorch's
            default one, as it is.

    Returns:
        ExecuTorch's passes in its order. Ours stand where each of them says why.
    """
    from executorch.backends.cortex_m.passes import CortexMPassManager

    if not explicit_layout:
        return list(CortexMPassManager.legacy_pass_list)

    from workers.cortex_m.lowering.pipeline.checked_layouts import CheckLayouts
    from workers.cortex_m.lowering.pipeline.early_integers import EarlyIntegers
    from workers.cortex_m.lowering.pipeline.listed_numbers import ListNumbers
    from workers.cortex_m.lowering.pipeline.narrowed_activations import NarrowActivations

    # ExecuTorch fuses the activations that it can before ours takes the others.
    after: dict[str, type[Any]] = {"ActivationFusionPass": NarrowActivations, "DecomposeHardswishPass": EarlyIntegers}
    instead: dict[str, type[Any]] = {"ValidateCortexMExplicitLayoutPass": CheckLayouts}
    found: list[type[Any]] = []
    for one in CortexMPassManager.explicit_layout_pass_list:
        found.append(instead.get(one.__name__, one))
        found += [after[one.__name__]] if one.__name__ in after else []
    return [*found, ListNumbers]
