"""Small nets with random weights that the tests of the Vulkan target lower, and their lowering."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from search_space.exactness import Exactness
from search_space.recipe.recipe import Recipe
from workers.checking.allowance import Allowance
from workers.checking.sqnr import sqnr_of_outputs
from workers.models.exported.tensors import tensors
from workers.models.model_source import export
from workers.models.types import ExportedModel, SourceModel
from workers.vulkan.check.run import run_lowered
from workers.vulkan.lowering.lowered import Lowered
from workers.vulkan.lowering.lowering import lower
from workers.vulkan.lowering.settings import Settings
from workers.vulkan.model.scheme import Scheme
from workers.vulkan.passes.base import Rewrite
from workers.vulkan.programs import VulkanPrograms
from workers.vulkan.target import VulkanTarget


class Of(nn.Module):
    """A function of layers and inputs."""

    def __init__(self, of: Callable[..., Any], *layers: nn.Module) -> None:
        super().__init__()
        self.of, self.layers = of, nn.ModuleList(layers)

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.of(*self.layers, *inputs)


class Mlp(nn.Module):
    """Two linear layers and a ReLU."""

    def __init__(self, inputs: int = 64, outputs: int = 24, hidden: int = 32) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(inputs, hidden), nn.Linear(hidden, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(F.relu(self.first(x)))


class One(nn.Module):
    """One linear layer."""

    def __init__(self, inputs: int = 64, outputs: int = 24, bias: bool = True) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x)


class Attention(nn.Module):
    """Attention with two heads by F.scaled_dot_product_attention, and its projections."""

    def __init__(self, width: int = 32, masked: bool = False, causal: bool = False) -> None:
        super().__init__()
        self.qkv, self.out, self.causal = nn.Linear(width, 3 * width), nn.Linear(width, width), causal
        self.register_buffer("mask", torch.randn(8, 8) if masked else None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).reshape(batch, tokens, 3, 2, width // 2).permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=self.mask, is_causal=self.causal)
        return self.out(y.transpose(1, 2).reshape(batch, tokens, width))


class Convolutions(nn.Module):
    """A dense, a depthwise and a pointwise convolution with an activation each, a residual and a classifier."""

    def __init__(self, activation: type[nn.Module] = nn.ReLU, keepdim: bool = True) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), activation())
        self.depthwise = nn.Sequential(nn.Conv2d(16, 16, 3, 1, 1, groups=16), activation())
        self.pointwise, self.last, self.keepdim = nn.Conv2d(16, 16, 1), activation(), keepdim
        self.classifier = nn.Linear(16, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        x = self.last(x + self.pointwise(self.depthwise(x)))
        return self.classifier(x.mean((2, 3), keepdim=True).flatten(1) if self.keepdim else x.mean((2, 3)))


def exported(net: nn.Module, *shape: int) -> ExportedModel:
    """A net with random weights and statistics, exported; its 4 calibration inputs come with it."""
    generator = torch.Generator().manual_seed(3)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
    samples = [(torch.randn(*shape, generator=generator),) for _ in range(4)]
    return export(SourceModel(net, samples[0], samples, type(net).__name__.lower()))


@cache
def made(make, *shape: int) -> ExportedModel:
    """`exported(make(), *shape)` with the same weights each time."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return exported(make(), *shape)


def everywhere(scheme: Scheme, layers: int) -> dict[int, Scheme]:
    """The scheme for layers 1 to `layers`."""
    return dict.fromkeys(range(1, layers + 1), scheme)


_LOWERED: dict[tuple, Lowered] = {}


def lowered(model: ExportedModel, schemes: Mapping[int, Scheme] | None = None, **settings) -> Lowered:
    """A model lowered for a phone; the same program again for the same model and settings, since lowering takes a
    second."""
    key = id(model), str(schemes), str(sorted(settings.items()))
    if key not in _LOWERED:
        chosen = Settings(schemes=schemes or {}, **settings)
        _LOWERED[key] = lower(model, VulkanTarget(), chosen, model.calibration_inputs)
    return _LOWERED[key]


@cache
def mlp() -> ExportedModel:
    return made(Mlp, 16, 64)


@cache
def convolutions() -> ExportedModel:
    return made(Convolutions, 1, 3, 16, 16)


@cache
def static_convolutions(half: bool = False) -> Lowered:
    return lowered(convolutions(), everywhere(Scheme.STATIC8, 4), half=half)


@cache
def relu6_convolutions() -> ExportedModel:
    """Its mean drops its dimensions."""
    return made(lambda: Convolutions(nn.ReLU6, keepdim=False), 1, 3, 16, 16)


@cache
def one() -> ExportedModel:
    return made(One, 16, 64)


def operators(program: Lowered) -> list[list[str]]:
    """Names of the operators of each delegate."""
    return [[call.name for call in delegate.graph.chain] for delegate in program.delegates]


def rewrite(text: str) -> Rewrite:
    """The pass for Vulkan that a recipe names."""
    (one,) = Recipe.parse(text).passes
    assert isinstance(one, Rewrite)
    return one


def worst_db(model: ExportedModel, program: Lowered, samples, *, half: bool = False) -> float:
    """The signal-to-noise ratio of a lowered program's worst output against its float model, both on this machine."""
    original = model.program.module(check_guards=False)
    wanted = [tensors(original(*sample)) for sample in samples]
    return min(sqnr_of_outputs(wanted, [run_lowered(program, sample, half=half) for sample in samples]))


def programs_of(model: ExportedModel, min_sqnr_db: float | None = None) -> VulkanPrograms:
    """What recipes make of a model where everything is allowed."""
    allowance = Allowance(Exactness.PRECISION, min_sqnr_db=min_sqnr_db)
    return VulkanPrograms(model, VulkanTarget(), model.calibration_inputs, allowance)


@cache
def attention_programs() -> VulkanPrograms:
    """Of attention on 8 tokens, which stock ExecuTorch splits, and which the runtime does not load."""
    return programs_of(made(Attention, 1, 8, 32))
