"""Small models for Cortex-M, quantised and lowered once per process."""

from functools import cache

import torch
from torch import nn
from torch.export import ExportedProgram

from workers.cortex_m.lowering.candidate import lower
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


def _padded_row() -> nn.Module:
    return nn.Sequential(nn.Conv2d(4, 8, (1, 3)), nn.AvgPool2d((1, 3), 1, (0, 1)))


#: Name -> the model, and the shape of its input.
MODELS = {
    "branches": (Branches, (1, 3, 8, 8)),
    "conv1d-s2-w20": (lambda: nn.Conv1d(8, 16, 3, stride=2), (1, 8, 20)),
    "conv1d-s2-w21": (lambda: nn.Conv1d(8, 16, 3, stride=2), (1, 8, 21)),
    "conv2d": (lambda: nn.Conv2d(3, 8, 3), (1, 3, 8, 8)),
    "padded-row": (_padded_row, (1, 4, 1, 20)),
    "padded-image": (_padded_row, (1, 4, 3, 20)),
    "transposed-p1": (lambda: nn.ConvTranspose2d(4, 4, 4, stride=2, padding=1), (1, 4, 4, 4)),
    "transposed-p0": (lambda: nn.ConvTranspose2d(4, 4, 4, stride=2), (1, 4, 4, 4)),
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
    """It as edge operators. `lower` copies it."""
    return to_edge(quantised(name, explicit_layout, channels_last))


@cache
def lowered(
    name: str, cpu: str = "cortex-m55", explicit_layout: bool = True, channels_last: bool = False
) -> ExportedProgram:
    """It lowered without passes of our own."""
    return lower(edge(name, explicit_layout, channels_last), Target.parse(cpu), explicit_layout=explicit_layout)


def output_shapes(name: str) -> list[tuple[int, ...]]:
    """The shapes of the quantised model's outputs."""
    results = quantised(name).graph.output_node().args[0]
    return [tuple(one.meta["val"].shape) for one in results]  # type: ignore[union-attr]
