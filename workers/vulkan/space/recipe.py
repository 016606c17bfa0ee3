"""A recipe for Vulkan as one line of text, in the form of all recipes: choices, a bar, passes.

    half=yes,scheme=w4-g32@1+3/w8,unfused=rms_norm,on-cpu=aten.logical_not.default | spell-attention,drop-relu6@2

`scheme` gives layers what they are stored as, by their numbers; without numbers it is for every other layer that it
fits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from search_space.choices.frontend.precision import by_layer, write_by_layer
from search_space.errors import SpaceError
from search_space.exactness import Exactness
from workers.vulkan.lowering.layers import Layer
from workers.vulkan.lowering.settings import Settings
from workers.vulkan.passes.base import Rewrite, Stage
from workers.vulkan.passes.registry import REWRITES, rewrite
from workers.vulkan.scheme import Scheme
from workers.vulkan.space.fitting import fitting

DEFAULT = "default"
_NAME = re.compile(r"[\w.]+")


@dataclass(frozen=True)
class VulkanRecipe:
    """schemes: as `search_space.choices.frontend.precision.by_layer` reads them. half: compute in half precision.
    unfused: patterns of ExecuTorch's registry that are off. on_cpu: edge operators that stay on the CPU. passes: in the
    order of `REWRITES`, which is that in which they run."""

    schemes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    half: bool = False
    unfused: tuple[str, ...] = ()
    on_cpu: tuple[str, ...] = ()
    passes: tuple[Rewrite, ...] = ()

    @staticmethod
    def parse(text: str) -> VulkanRecipe:
        """The recipe that a line says. Raises SpaceError on bad syntax and unknown names."""
        text = text.strip()
        if text == DEFAULT:
            return VulkanRecipe()
        left, bar, right = text.partition("|")
        if not bar and "=" not in text:
            left, right = "", text
        choices: dict[str, str] = {}
        for part in filter(None, (part.strip() for part in left.split(","))):
            name, equals, value = (piece.strip() for piece in part.partition("="))
            if not equals or name not in ("half", "scheme", "unfused", "on-cpu") or not value:
                raise SpaceError(f"'{part}' is no choice for Vulkan; there are half, scheme, unfused and on-cpu")
            if name in choices:
                raise SpaceError(f"recipe '{text}' takes the choice {name} twice")
            choices[name] = value
        passes = [rewrite(part) for part in filter(None, (part.strip() for part in right.split(",")))]
        if not choices and not passes:
            raise SpaceError(f"an empty recipe; the recipe of stock ExecuTorch is '{DEFAULT}'")
        return VulkanRecipe(
            _schemes(choices.get("scheme", "")),
            _yes(choices.get("half", "no")),
            _names(choices.get("unfused", "")),
            _names(choices.get("on-cpu", "")),
            tuple(sorted(passes, key=lambda one: list(REWRITES).index(one.name))),
        )

    def __str__(self) -> str:
        choices = [
            f"half={'yes' if self.half else ''}",
            f"on-cpu={'+'.join(self.on_cpu)}",
            f"scheme={write_by_layer(self.schemes)}",
            f"unfused={'+'.join(self.unfused)}",
        ]
        left = ",".join(one for one in choices if not one.endswith("="))
        return " | ".join(filter(None, (left, ",".join(map(str, self.passes))))) or DEFAULT

    @property
    def exactness(self) -> Exactness:
        """The class that has to be allowed for all of it."""
        changed = (Exactness.PRECISION,) if self.half or self.schemes else ()
        return max((*changed, *(one.exactness for one in self.passes)), default=Exactness.EXACT)

    def scheme_by_layer(self, layers: Sequence[Layer]) -> dict[int, Scheme]:
        """What each layer is stored as; layers that stay float are not named. Raises SpaceError where a layer is named
        that a scheme does not fit or that does not exist."""
        known = {layer.number: layer for layer in layers}
        named = {number: Scheme(name) for name, numbers in self.schemes for number in numbers}
        for number, scheme in named.items():
            if number not in known:
                raise SpaceError(f"scheme={scheme}@{number}: the model has {len(layers)} layers")
            if reason := fitting(known[number], scheme):
                raise SpaceError(f"scheme={scheme}@{number}: {known[number].name} {reason}")
        for name, numbers in self.schemes:
            if not numbers:
                fits = [one.number for one in layers if one.number not in named and not fitting(one, Scheme(name))]
                named |= dict.fromkeys(fits, Scheme(name))
        return {number: scheme for number, scheme in sorted(named.items()) if scheme is not Scheme.FP}

    def settings(self, layers: Sequence[Layer]) -> Settings:
        """What lowering has to know. Raises as `scheme_by_layer`."""

        def at(stage: Stage) -> tuple[Rewrite, ...]:
            return tuple(one for one in self.passes if one.stage is stage)

        return Settings(
            schemes=self.scheme_by_layer(layers),
            half=self.half,
            patterns_off=frozenset(self.unfused),
            blocked=frozenset(self.on_cpu),
            float_passes=at(Stage.FLOAT),  # type: ignore[arg-type]
            quantised_passes=at(Stage.QUANTISED),  # type: ignore[arg-type]
            edge_passes=at(Stage.EDGE),  # type: ignore[arg-type]
        )


def _schemes(text: str) -> tuple[tuple[str, tuple[int, ...]], ...]:
    chosen = by_layer(text) if text else ()
    for name, _ in chosen:
        if name not in list(Scheme):
            raise SpaceError(f"there is no scheme '{name}'; there are {', '.join(Scheme)}")
    return chosen


def _names(text: str) -> tuple[str, ...]:
    names = tuple(sorted({part.strip() for part in text.split("+")})) if text else ()
    if not all(_NAME.fullmatch(name) for name in names):
        raise SpaceError(f"'{text}': names with + between them")
    return names


def _yes(text: str) -> bool:
    if text not in ("yes", "no"):
        raise SpaceError(f"half is yes or no, not '{text}'")
    return text == "yes"
