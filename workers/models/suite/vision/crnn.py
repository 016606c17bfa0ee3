"""Text-line recogniser: 2-D convolutions, columns turned into a sequence, then 1-D convolutions over it."""

import torch
from torch import nn

from workers.models.suite.build import random_model
from workers.models.types import SourceModel


class ConvSequenceNet(nn.Module):
    """A (1, 1, 32, 96) line image becomes 24 columns of 37 symbol scores."""

    def __init__(self, width: int = 64, symbols: int = 37) -> None:
        """Features of an image, then convolutions along it.

        Args:
            width: of the embedding.
            symbols: of the output.
        """
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 32, 3, stride=(2, 1), padding=1),
            nn.ReLU(),
        )
        self.embed = nn.Linear(32 * 4, width)
        self.context = nn.Sequential(
            nn.Conv1d(width, width, 5, padding=2), nn.ReLU(), nn.Conv1d(width, width, 5, padding=2), nn.ReLU()
        )
        self.classifier = nn.Linear(width, symbols)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.features(x)
        batch, channels, height, width = features.shape
        columns = features.permute(0, 3, 1, 2).reshape(batch, width, channels * height)
        sequence = self.context(self.embed(columns).relu().transpose(1, 2))
        return self.classifier(sequence.transpose(1, 2))


def load() -> SourceModel:
    return random_model("crnn", ConvSequenceNet, (1, 1, 32, 96), seed=11)
