"""Small models for Cortex-M, quantised and lowered once per process."""

from functools import cache

import torch
from torch import nn
from torch.export import ExportedProgram

from workers.cortex_m.lowering.candidate import Lowering
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.quantise import quantise
from workers.cortex_m.target import Target


class Branches(nn.Module):
    """Two convolutions of one image, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.left(x), self.right(x)], 1)


class Halves(nn.Module):
    """A convolution whose channels are split, of which one half goes through SiLU, and joined again."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left, right = self.first(x).chunk(2, 1)
        joined: torch.Tensor = self.last(torch.cat([nn.functional.silu(left), right], 1))
        return joined


class BranchingSilu(nn.Module):
    """A SiLU that two convolutions read."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.left, self.right = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        active = nn.functional.silu(self.first(x))
        joined: torch.Tensor = self.left(active) + self.right(active)
        return joined


class ThereAndBack(nn.Module):
    """A value copied to channels_last order and back between two layers."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        there = torch.clone(x + x, memory_format=torch.channels_last)
        return torch.clone(there, memory_format=torch.contiguous_format) * x


class Extremes(nn.Module):
    """The smaller and the larger one of two values."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(12, 6), nn.Linear(12, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left, right = self.left(x), self.right(x)
        return torch.maximum(torch.minimum(left, right), right - right)


class Moves(nn.Module):
    """What moves int8 values: slices, indices, splits, transposes and paddings; and an upsampled float."""

    columns: torch.Tensor
    images: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("columns", torch.tensor([4, 0, 9]))
        self.register_buffer("images", torch.tensor([1]))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        rows = x + x
        image = rows.view(1, 1, 12, 10) * rows.view(1, 1, 12, 10)
        indexed = rows[:, :, self.columns], rows[self.images]
        turned = (rows.permute(1, 0, 2), rows.view(2, 2, 3, 5, 2).permute(4, 3, 2, 1, 0))
        padded = nn.functional.pad(image, (1, 2))
        grown = nn.functional.interpolate(x.view(1, 2, 6, 10), scale_factor=2.0)
        return (rows[:, ::2], rows[:, :, 2:7], *indexed, *rows.split([2, 4], 1), *turned, padded, grown)


class Dilated(nn.Module):
    """Convolutions with gaps between the positions of their kernels: of all channels, by groups, and depthwise."""

    def __init__(self) -> None:
        super().__init__()
        self.whole = nn.Conv2d(4, 6, 3, padding=2, dilation=2)
        self.grouped = nn.Conv2d(6, 6, (3, 2), 2, padding=(0, 2), dilation=(1, 3), groups=3, bias=False)
        self.depthwise = nn.Conv2d(6, 6, (2, 3), dilation=(2, 1), groups=6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        deep: torch.Tensor = self.depthwise(self.grouped(torch.relu(self.whole(x))))
        return deep


def _padded_row() -> nn.Module:
    return nn.Sequential(nn.Conv2d(4, 8, (1, 3)), nn.AvgPool2d((1, 3), 1, (0, 1)))


MODELS = {
    "branches": (Branches, (1, 3, 8, 8)),
    "conv1d-s2-w20": (lambda: nn.Conv1d(8, 16, 3, stride=2), (1, 8, 20)),
    "conv1d-s2-w21": (lambda: nn.Conv1d(8, 16, 3, stride=2), (1, 8, 21)),
    "conv2d": (lambda: nn.Conv2d(3, 8, 3), (1, 3, 8, 8)),
    "padded-row": (_padded_row, (1, 4, 1, 20)),
    "padded-image": (_padded_row, (1, 4, 3, 20)),
    "transposed-p1": (lambda: nn.ConvTranspose2d(4, 4, 4, stride=2, padding=1), (1, 4, 4, 4)),
    "transposed-p0": (lambda: nn.ConvTranspose2d(4, 4, 4, stride=2), (1, 4, 4, 4)),
    "halves": (Halves, (1, 3, 6, 6)),
    "silu": (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.SiLU(), nn.Conv2d(4, 4, 3)), (1, 3, 8, 8)),
    "sigmoid": (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sigmoid(), nn.Conv2d(4, 4, 3)), (1, 3, 8, 8)),
    "tanh-of-rows": (lambda: nn.Sequential(nn.Conv1d(3, 4, 3), nn.Tanh(), nn.Conv1d(4, 4, 3)), (1, 3, 8)),
    "dropout": (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.Dropout(), nn.Conv2d(4, 4, 3)), (1, 3, 8, 8)),
    "there-and-back": (ThereAndBack, (1, 3, 4, 4)),
    "pad": (lambda: nn.Sequential(nn.Conv2d(3, 4, 1), nn.ZeroPad2d(1), nn.Conv2d(4, 4, 3)), (1, 3, 6, 6)),
    "pool": (lambda: nn.Sequential(nn.Conv2d(3, 4, 1), nn.AvgPool2d(2)), (1, 3, 6, 6)),
    "linear": (lambda: nn.Sequential(nn.Linear(12, 6), nn.ReLU(), nn.Linear(6, 3, bias=False)), (4, 12)),
    "normalised": (lambda: nn.Sequential(nn.Linear(12, 6), nn.LayerNorm(6), nn.Linear(6, 3)), (4, 12)),
    "branching-silu": (BranchingSilu, (1, 3, 8, 8)),
    "one-channel": (lambda: nn.Conv2d(1, 8, 3), (1, 1, 6, 6)),
    "stem": (lambda: nn.Conv1d(1, 4, 12, 2, 5), (1, 1, 40)),
    "extremes": (Extremes, (4, 12)),
    "trap": (lambda: nn.Conv1d(8, 4, 3, 2, 1), (1, 8, 10)),
    "moves": (Moves, (2, 6, 10)),
    "dilated": (Dilated, (1, 4, 11, 9)),
    "grouped": (lambda: nn.Conv2d(8, 8, 3, groups=4, bias=False), (1, 8, 6, 6)),
}


@cache
def inputs_of(name: str) -> tuple[torch.Tensor]:
    """The input that a model is quantised by."""
    return (torch.randn(MODELS[name][1], generator=torch.Generator().manual_seed(0)),)


@cache
def quantised(name: str, explicit_layout: bool = True, channels_last: bool = False) -> ExportedProgram:
    """A model of `MODELS`, quantised."""
    torch.manual_seed(0)
    model, (image,) = MODELS[name][0]().eval(), inputs_of(name)
    if channels_last:
        model, image = model.to(memory_format=torch.channels_last), image.to(memory_format=torch.channels_last)
    return quantise(model, (image,), explicit_layout=explicit_layout)


@cache
def edge(name: str, explicit_layout: bool = True, channels_last: bool = False) -> ExportedProgram:
    """It as edge operators."""
    return to_edge(quantised(name, explicit_layout, channels_last))


@cache
def lowered(
    name: str, cpu: str = "cortex-m55", explicit_layout: bool = True, channels_last: bool = False
) -> ExportedProgram:
    """It lowered without passes of our own."""
    program = edge(name, explicit_layout, channels_last)
    return Lowering(program, Target.parse(cpu), explicit_layout=explicit_layout).lowered(())


def output_shapes(name: str) -> list[tuple[int, ...]]:
    """The shapes of the quantised model's outputs."""
    results = quantised(name).graph.output_node().args[0]
    return [tuple(one.meta["val"].shape) for one in results]  # type: ignore[union-attr]
