"""The smallest quantised programs of rules of the gate, and neighbours that no rule names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.vulkan.gate.programs import Case, first, values
from workers.vulkan.lowering.passes import GraphPass
from workers.vulkan.lowering.settings import Settings
from workers.vulkan.model.scheme import Scheme
from workers.vulkan.passes.fusion.fuse_linear_qcs4w import FuseLinearQcs4w
from workers.vulkan.passes.fusion.fuse_linear_qcs8w import FuseLinearQcs8w


@dataclass(frozen=True)
class Lowering:
    """A program and how it is lowered.

    Attributes:
        case: the program.
        schemes: by number of the layer.
        half: compute in half precision.
        fusion: passes that fuse quantised layers.
    """

    case: Case
    schemes: Mapping[int, Scheme] = field(default_factory=dict)
    half: bool = False
    fusion: tuple[GraphPass, ...] = ()

    def settings(self) -> Settings:
        """How it is lowered."""
        return Settings(schemes=self.schemes, half=self.half, quantised_passes=self.fusion)


def _linear(inputs: int, outputs: int, *rows: int) -> Case:
    return first, [nn.Linear(inputs, outputs)], [values(*rows, inputs)]


def _lookup(rows: int) -> Case:
    """The last row of a table is looked up, and others."""
    return first, [nn.Embedding(rows, 4)], [torch.tensor([[1, 5, rows - 1], [2, 3, 16000]], dtype=torch.int32)]


_ONE, _TWO_BATCHES = _linear(64, 24, 16), _linear(64, 24, 2, 4)
_MLP: Case = (lambda a, b, x: b(a(x).relu()), [nn.Linear(64, 32), nn.Linear(32, 24)], [values(16, 64)])
_ATTENTION: Case = (F.scaled_dot_product_attention, [], [values(1, 2, 8, width) for width in (16, 16, 16)])
_FLATTENED: Case = (lambda net, x: net(torch.flatten(x.relu(), 1)), [nn.Linear(32, 8)], [values(2, 32, 1, 1)])
_IMAGE: Case = (first, [nn.Conv2d(16, 16, 3)], [values(1, 16, 8, 8)])
_QCS8W, _QCS4W = (FuseLinearQcs8w(),), (FuseLinearQcs4w(),)

QUANTISED_REFUSED: dict[str, list[Lowering]] = {
    "registration": [
        Lowering(_ATTENTION),
        Lowering(_ONE, {1: Scheme.W8}),
        Lowering(_FLATTENED, {1: Scheme.W4G32}),
    ],
    "shader-variants": [
        Lowering(_ONE, {1: Scheme.W8}, True, _QCS8W),
        Lowering(_ONE, {1: Scheme.W4}, True, _QCS4W),
        Lowering(_linear(64, 24, 1), {1: Scheme.W4}, False, _QCS4W),
        Lowering(_IMAGE, {1: Scheme.STATIC8}, True),
    ],
    "qcs4w-columns": [Lowering(_linear(64, width, 16), {1: Scheme.W4}, False, _QCS4W) for width in (18, 20, 28)],
    "input-channels": [Lowering(_linear(30, 24, 16), {1: Scheme.W4}, False, _QCS4W)],
    "integer-input": [Lowering(_MLP, {1: Scheme.STATIC8, 2: Scheme.W8})],
    "batched-rows": [Lowering(_TWO_BATCHES, {1: one}) for one in (Scheme.W4G32, Scheme.STATIC8)],
    "choose-qparams-batch": [Lowering(_TWO_BATCHES, {1: Scheme.A8W4G32})],
    "embedding-rows": [Lowering(_lookup(16385)), Lowering(_lookup(16385), half=True)],
}

QUANTISED_NEIGHBOURS: list[Lowering] = [
    Lowering(_MLP),
    Lowering(_MLP, half=True),
    Lowering(_MLP, {1: Scheme.STATIC8, 2: Scheme.STATIC8}),
    Lowering(_ONE, {1: Scheme.W4G32}),
    Lowering(_ONE, {1: Scheme.W4G32}, half=True),
    Lowering(_ONE, {1: Scheme.A8W4G32}),
    Lowering(_ONE, {1: Scheme.W8}, False, _QCS8W),
    Lowering(_linear(64, 18, 4), {1: Scheme.W8}, True, _QCS8W),
    Lowering(_ONE, {1: Scheme.W4}, False, _QCS4W),
    Lowering(_TWO_BATCHES, {1: Scheme.W4}, False, _QCS4W),
    Lowering(_TWO_BATCHES, {1: Scheme.W8}, False, _QCS8W),
    Lowering(_lookup(16384)),
]
