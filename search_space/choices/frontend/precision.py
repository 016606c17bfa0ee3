"""Numbers of other widths than eight bits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from search_space.choices.frontend.base import QuantiserChoice
from search_space.errors import SpaceError
from search_space.exactness import Exactness

#: Layers by number from 1, and what they get; no number stands for all layers that are not named.
ByLayer = tuple[tuple[str, tuple[int, ...]], ...]


class Precision(QuantiserChoice):
    """Precision of each layer's weights or activations.

    A layer is an operator with weights and what follows it up to the next one. Layers are numbered from 1 in the order
    of the exported program. `int4@2+3` is for the second and the third, `int4` for all, and `int4@2+3/int16` gives
    int16 to all others. A layer has one of them: TOSA's convolutions take int4 weights with int8 data only, and int16
    data with int8 weights only. Which alternatives are worth trying is measured, see
    `workers.ethos_u.lowering.precision.precisions`.
    """

    name: ClassVar[str] = "precision"
    alternatives: ClassVar[Mapping[str, str]] = {
        "int16": "activations of 16 bits are nearer to the float model's",
        "int4": "weights of 4 bits are read in half the time and take half the flash",
    }
    inexact: ClassVar[Mapping[str, Exactness]] = dict.fromkeys(alternatives, Exactness.PRECISION)

    @classmethod
    def parts(cls, alternative: str) -> tuple[str, ...]:
        return tuple(name for name, _ in by_layer(alternative))

    @classmethod
    def written(cls, alternative: str) -> str:
        return write_by_layer(by_layer(alternative))


def by_layer(text: str) -> ByLayer:
    """Read an alternative's text.

    Returns:
        The precisions by layer, in canonical order.

    Raises:
        SpaceError: bad syntax, or a layer with two precisions.
    """
    named: dict[str, tuple[int, ...]] = {}
    for part in text.split("/"):
        name, at, numbers = (piece.strip() for piece in part.partition("@"))
        if name in named:
            raise SpaceError(f"'{text}' says twice which layers get {name}")
        if at and not re.fullmatch(r"[1-9][0-9]{0,5}(\+[1-9][0-9]{0,5})*", numbers):
            raise SpaceError(f"'{text}': layers are numbers from 1 with + between them")
        named[name] = tuple(sorted({int(number) for number in numbers.split("+") if number}))
    all_numbers = [number for numbers in named.values() for number in numbers]
    if len(set(all_numbers)) < len(all_numbers) or sum(not numbers for numbers in named.values()) > 1:
        raise SpaceError(f"'{text}' gives a layer two precisions")
    return tuple(sorted(named.items(), key=lambda one: (not one[1], one[0])))


def write_by_layer(chosen: ByLayer) -> str:
    """The text of an alternative."""
    return "/".join(f"{name}@{'+'.join(map(str, numbers))}" if numbers else name for name, numbers in chosen)
