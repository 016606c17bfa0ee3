"""Wav2Letter on raw waveforms: the 1-D convolution stack of Collobert, Puhrsch and Synnaeve (2016)."""

import torch
from torch import nn

from workers.models.suite.audio.speech import speech
from workers.models.suite.build import with_random_weights
from workers.models.types import SourceModel

_SAMPLES = 16_000
"""One second at 16 kHz."""


class Wav2Letter(nn.Module):
    """Audio (1, 1, 16000) to (1, 29, 51) letter scores; the final softmax belongs to the decoder."""

    def __init__(self, letters: int = 29) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv1d(1, 250, 250, stride=160, padding=45),
            nn.ReLU(),
            nn.Conv1d(250, 250, 48, stride=2, padding=23),
            nn.ReLU(),
        ]
        for _ in range(7):
            layers += [nn.Conv1d(250, 250, 7, padding=3), nn.ReLU()]
        layers += [
            nn.Conv1d(250, 2000, 32, padding=16),
            nn.ReLU(),
            nn.Conv1d(2000, 2000, 1),
            nn.ReLU(),
            nn.Conv1d(2000, letters, 1),
        ]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def load() -> SourceModel:
    inputs = [(speech(_SAMPLES, seed).reshape(1, 1, -1),) for seed in (22, 23)]
    return SourceModel(with_random_weights(Wav2Letter, seed=12), inputs[0], inputs, "wav2letter")
