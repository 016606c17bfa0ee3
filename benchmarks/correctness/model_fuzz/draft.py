"""A module that grows statement by statement.

Each statement is run on real tensors before it is taken.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from random import Random
from typing import Any

import torch
from torch import nn

from benchmarks.correctness.model_fuzz.fields import Fields
from benchmarks.correctness.model_fuzz.templates import ANY, SUBJECTS, Template

_MOST_ELEMENTS, _LARGEST = 4096, 1e3
_ATTEMPTS = 40


@dataclass
class Draft:
    """What is written so far.

    Attributes:
        inputs: argument -> an expression that makes it.
        init: lines of `__init__`.
        forward: lines of `forward`.
        values: float variables that a statement may read, the latest last.
        indices: variables that are indices.
        layers: names of the layers that have weights.
        reused: names that statements have read.
    """

    random: Random
    inputs: dict[str, str] = field(default_factory=dict)
    init: list[str] = field(default_factory=list)
    forward: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    indices: list[str] = field(default_factory=list)
    layers: list[str] = field(default_factory=list)
    reused: set[str] = field(default_factory=set)
    _tensors: dict[str, Any] = field(default_factory=lambda: {"torch": torch, "nn": nn, "F": nn.functional})
    _module: nn.Module = field(default_factory=nn.Module)
    _count: int = 0

    def take(self, name: str, expression: str, is_index: bool = False) -> None:
        """Give `forward` one argument more."""
        self.inputs[name] = expression
        self._tensors[name] = eval(expression, dict(self._tensors))
        (self.indices if is_index else self.values).append(name)

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(self._tensors[name].shape)

    def grow(self) -> bool:
        """Add a random statement; False if none of many tries fits."""
        return any(self._added(*self._proposed()) for _ in range(_ATTEMPTS))

    def _proposed(self) -> tuple[str, Template]:
        x = self.values[-1] if self.random.random() < 0.8 else self.random.choice(self.values)
        rank = len(self.shape(x))
        subjects = [one for one, (_, by_rank) in SUBJECTS.items() if rank in by_rank or (rank and ANY in by_rank)]
        subject = self.random.choices(subjects, [SUBJECTS[one][0] for one in subjects])[0]
        if rank and not self.reused.issuperset(self.indices):
            subject = "indices"
        by_rank = SUBJECTS[subject][1]
        of_rank, of_any = by_rank.get(rank, ()), by_rank.get(ANY, ()) if rank else ()
        return x, self.random.choice(of_rank if of_rank and self.random.random() < 0.5 else of_any or of_rank)

    def _added(self, x: str, template: Template) -> bool:
        number = self._count + 1
        like = [one for one in self.values if self.shape(one) == self.shape(x) and one != x]
        names = {"x": x, "y": self.random.choice(like or [x]), "v": f"v{number}", "L": f"a{number}", "M": f"b{number}"}
        if self.indices:
            names["i"] = self.random.choice(self.indices)
        fields = Fields(self.random, names, self._tensors)
        init, body = (one.format_map(fields) for one in template)
        if "\n" not in body:  # else it sets the variable itself
            body = f"{names['v']} = {body}"
        if not self._runs(init, body, names["v"]):
            return False
        self._count = number
        self.init += init.splitlines()
        self.forward += body.splitlines()
        self.values.append(names["v"])
        self.layers += [
            name for name in (names["L"], names["M"]) if isinstance(getattr(self._module, name, None), nn.Module)
        ]
        self.reused |= set(re.findall(r"\w+", body)) - {names["v"]}
        return True

    def _runs(self, init: str, body: str, made: str) -> bool:
        tensors = dict(self._tensors)
        try:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                exec(init, {**tensors, "self": self._module})
                self._module.eval()
                scope = {**tensors, "self": self._module}
                exec(body, scope)
        except Exception:  # whatever torch says of a template that does not fit
            return False
        value = scope[made]
        if not isinstance(value, torch.Tensor) or value.dtype != torch.float32:
            return False
        if (
            not 0 < value.numel() <= _MOST_ELEMENTS
            or value.ndim > 6
            or not value.isfinite().all()
            or value.abs().max() > _LARGEST
        ):
            return False
        self._tensors[made] = value.detach()
        return True
