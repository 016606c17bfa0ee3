"""Small PyTorch programs for benchmarks: a few layers and a function of them, with seeded weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from zlib import crc32

import torch
from torch import Tensor, nn

from workers.models.suite.build import random_model, with_random_weights

Shape = tuple[int, ...]
Made = tuple[nn.Module, tuple[Tensor, ...]]
Calibrated = tuple[nn.Module, tuple[Tensor, ...], Sequence[tuple[Tensor, ...]]]


class Net(nn.Module):
    """Layers, and a function of them and the inputs."""

    def __init__(self, function: Callable[..., Tensor], **layers: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(self, *inputs)


class Constant(nn.Module):
    """A tensor that the program holds."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.zeros(shape))

    def forward(self) -> Tensor:
        return self.value


class Indices(nn.Module):
    """int32 [count] that the program holds."""

    def __init__(self, *indices: int) -> None:
        super().__init__()
        self.register_buffer("indices", torch.tensor(indices, dtype=torch.int32))

    def forward(self) -> Tensor:
        return self.get_buffer("indices")


def seeded(make: Callable[[], nn.Module], shape: Shape) -> Callable[[], Made]:
    """A model source: the net with weights and one input of this shape, drawn by the function's name."""
    seed = crc32(make.__name__.encode())

    @wraps(make)
    def source() -> Made:
        generator = torch.Generator().manual_seed(seed)
        inputs = (torch.randn(shape, generator=generator),)
        return with_random_weights(make, seed), inputs

    return source


def like_the_suite(make: Callable[[], nn.Module], shape: Shape, seed: int) -> Calibrated:
    """A net with weights and inputs as the suite's models have them, as a user's function returns it."""
    model = random_model("", make, shape, seed)
    return model.module, model.example_inputs, model.calibration_inputs or ()
