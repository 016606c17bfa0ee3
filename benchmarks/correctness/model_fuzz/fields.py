"""Values for the fields of a template: names, sizes of the value that it reads, random numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import gcd
from random import Random

import torch

_CHANNELS = (1, 2, 3, 4, 5, 7, 8, 12, 16)
_ACTIVATIONS = ("ReLU", "ReLU6", "Hardswish", "SiLU", "Sigmoid", "GELU", "LeakyReLU", "Tanh", "ELU", "Identity")
_FUNCTIONS = ("relu", "silu", "gelu", "hardswish", "softplus", "tanh")


class Fields(dict[str, object]):
    """Fields of one template, each made when it is first needed and then the same.

    Args:
        names: of the fields that are variables, as far as they exist. Names of the value that is read, of a second
            (`y`), the new one (`v`) and indices (`i`).
        values: by variable.
    """

    def __init__(self, random: Random, names: Mapping[str, str], values: Mapping[str, torch.Tensor]) -> None:
        super().__init__(names)
        self._random = random
        self._shape = list(values[names["x"]].shape)
        self._indices = list(values[names["i"]].shape) if "i" in names else []

    def __missing__(self, name: str) -> object:
        # A field that there is nothing for leads to an error of the template, which is then not taken.
        self[name] = self._made[name](self) if name in self._made else f"no_{name}"
        return self[name]

    def _at(self, axis: int) -> int:
        return self._shape[axis] if -len(self._shape) <= axis < len(self._shape) else 0

    def _one_of(self, values: Sequence[object]) -> object:
        return self._random.choice(values)

    def _dim(self) -> int:
        rank = max(1, len(self._shape))
        # The batch is seldom what people reduce or join over.
        choices = [*range(1, rank), *range(-rank + 1, 0), *range(1, rank), *range(-rank + 1, 0), 0]
        return self._random.choice(choices)

    def _axes(self) -> tuple[int, ...]:
        rank = max(1, len(self._shape))
        picked = sorted(self._random.sample(range(rank), self._random.randint(1, min(rank, 3))))
        return tuple(one - rank if self._random.random() < 0.3 else one for one in picked)

    def _group(self) -> int:
        channels = self._at(1)
        return gcd(channels, self._random.choice((2, 3, 4))) if channels else 1

    def _some(self) -> list[int]:
        size = self._at(int(str(self["some_dim"])))
        return self._random.sample(range(size), self._random.randint(1, min(3, size))) if size else [0]

    _made: Mapping[str, Callable[[Fields], object]] = {
        "shape": lambda self: ", ".join(map(str, self._shape)),
        "x_shape": lambda self: tuple(self._shape),
        "b": lambda self: self._at(0),
        "c": lambda self: self._at(1),
        "h": lambda self: self._at(2),
        "t": lambda self: self._at(2),
        "w": lambda self: self._at(3),
        "last": lambda self: self._at(-1),
        "i_last": lambda self: self._indices[-1] if self._indices else 0,
        "o": lambda self: self._one_of(_CHANNELS),
        "f": lambda self: self._random.randint(2, 4),
        "k": lambda self: self._random.randint(1, 5),
        "k2": lambda self: self._random.randint(1, 4),
        "s": lambda self: self._one_of((1, 1, 2, 2, 3)),
        "q": lambda self: self._random.randint(0, 2),
        "q2": lambda self: self._random.randint(0, 2),
        "e": lambda self: self._random.randint(1, 3),
        "g": _group,
        "heads": lambda self: self._one_of((1, 2)),
        "a": lambda self: self._one_of((0.1, 0.25, 0.5, 1.0, 1.5, 2.0, -0.5)),
        "A": lambda self: self._one_of(_ACTIVATIONS),
        "fn": lambda self: self._one_of(_FUNCTIONS),
        "mode": lambda self: self._one_of(("reflect", "replicate", "circular")),
        "flag": lambda self: self._one_of((False, True)),
        "dim": _dim,
        "dim2": _dim,
        "some_dim": _dim,
        "axes": _axes,
        "some": _some,
    }
