"""How the suite makes nets without trained weights: seeded, nowhere uniform, and sensitive to their inputs.

Freshly constructed norms have gamma = 1, beta = 0, mean = 0 and var = 1. These let rewrites (and quantisers) look
better than they are on a trained net. With many layers of fresh weights, or with unfit statistics, all inputs give
nearly the same output. Then comparing outputs proves nothing. So weights keep the signal's size, and BatchNorm
statistics are taken from signals.
"""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from workers.models.types import SourceModel

_CALIBRATION_INPUTS = 4
_STATISTICS_INPUTS = 16


def random_model(name: str, make: Callable[[], nn.Module], shape: tuple[int, ...], seed: int) -> SourceModel:
    """A model with one input of the given (1, channels, ...) shape; all of it depends on `seed` only.

    Args:
        name: of the model.
        make: constructs the net.
        shape: of the input, with a batch of 1.
        seed: of weights, statistics and inputs.

    Returns:
        The model with its calibration inputs.
    """
    net = with_random_weights(make, seed)
    _set_statistics(net, torch.cat(_signals(shape, _STATISTICS_INPUTS, seed + 1000)))
    inputs = [(signal,) for signal in _signals(shape, _CALIBRATION_INPUTS, seed + 2000)]
    return SourceModel(net, inputs[0], inputs, name)


def with_random_weights(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Construct a net in eval mode with seeded weights; the process's random state stays as it was.

    Args:
        make: constructs the net.
        seed: of the weights.

    Returns:
        The net.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = make().eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for module in net.modules():
        _randomise(module, generator)
    return net


def _signals(shape: tuple[int, ...], count: int, seed: int) -> list[torch.Tensor]:
    """Float32 noise with a contrast of its own and, in each channel, a brightness of its own.

    Pure noise would be the same again and again to a net that averages over the image.
    """
    generator = torch.Generator().manual_seed(seed)
    signals = []
    for _ in range(count):
        contrast = 0.5 + torch.rand((), generator=generator)
        brightness = torch.randn(shape[:2], generator=generator).reshape(shape[:2] + (1,) * (len(shape) - 2))
        signals.append(contrast * (torch.randn(shape, generator=generator) + brightness))
    return signals


def _randomise(module: nn.Module, generator: torch.Generator) -> None:
    if isinstance(module, (_ConvNd, nn.Linear)):
        fan_in = module.weight[0].numel()
        if isinstance(module, _ConvTransposeNd):
            taps = module.weight[0, 0].numel()
            strides = int(torch.tensor(module.stride).prod())
            fan_in = module.in_channels // module.groups * taps // strides
        module.weight.normal_(0.0, (2.0 / fan_in) ** 0.5, generator=generator)
        if module.bias is not None:
            module.bias.uniform_(-0.1, 0.1, generator=generator)
    elif isinstance(module, (_BatchNorm, nn.LayerNorm)):
        module.weight.uniform_(0.5, 1.5, generator=generator)
        module.bias.normal_(0.0, 0.2, generator=generator)
    else:
        for parameter in module.parameters(recurse=False):
            parameter.normal_(0.0, 0.3, generator=generator)


def _set_statistics(net: nn.Module, batch: torch.Tensor) -> None:
    """Give each BatchNorm the mean and variance that it sees on the batch.

    In double precision, since sums depend a little on the number of threads. Rounded to float32 they must not, or the
    model would not be the same one in every process.
    """
    norms = [module for module in net.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    net.double()
    for norm in norms:
        norm.momentum = 1.0  # the running statistics become those of the batch
        norm.train()
    with torch.no_grad():
        net(batch.double())
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
    net.float()
