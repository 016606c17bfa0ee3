"""Compares a user's compile spec with the target that a recipe is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.errors import ModelError
from workers.ethos_u.target import Target

if TYPE_CHECKING:
    from executorch.backends.arm.ethosu import EthosUCompileSpec

#: Flags of Vela that a target fills in, and those that only print or are ExecuTorch's own.
_FILLED_IN = ("--accelerator-config", "--system-config", "--memory-mode", "--config")
_NAMES = {
    "accelerator": "accelerators",
    "system_config": "system configurations",
    "memory_mode": "memory modes",
    "vela_config": "Vela configuration files",
}
_HARMLESS = ("--verbose-", "--output-format=raw", "--show-", "--timing")


def check_spec(compile_spec: EthosUCompileSpec, target: Target) -> None:
    """See that a compile spec tells Vela what recipes for a target were tried with.

    Args:
        compile_spec: ExecuTorch's.
        target: of the recipe.

    Raises:
        ModelError: it tells Vela something else.
    """
    given: dict[str, str] = {}
    for flag in compile_spec.compiler_flags:
        name, _, value = flag.partition("=")
        if name in _FILLED_IN:
            given[name] = value
        elif not flag.startswith(_HARMLESS):
            raise ModelError(
                f"the compile spec gives Vela {flag}, which no recipe was tried with; leave it out of extra_flags, or "
                "lower without a recipe"
            )
    accelerator, system_config, memory_mode, config = (given.get(name) for name in _FILLED_IN)
    found = Target.parse(accelerator or target.accelerator, system_config, memory_mode, config)
    theirs, ours = found.identity(), target.identity()
    for fact, value in theirs.items():
        if value != ours[fact]:
            said = "have other contents" if fact == "vela_config" else f"say {value} and {ours[fact]}"
            raise ModelError(
                f"the compile spec and the recipe's target differ, their {_NAMES[fact]} {said}; "
                "give apply_recipe the target that the compile spec is for"
            )
