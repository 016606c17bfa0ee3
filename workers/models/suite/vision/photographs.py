"""Photographs for nets that look at faces: those that the scikit-image wheel carries."""

import numpy as np
import torch

from workers.models.suite.wheel_data import wheel_file

_FACES = 100


def faces() -> torch.Tensor:
    """100 faces (100, 1, 25, 25) of Labeled Faces in the Wild (Huang and others).

    Values are grey within [0, 1].
    """
    return _patches()[:_FACES]


def backgrounds() -> torch.Tensor:
    """100 patches (100, 1, 25, 25) of the same photographs without a face."""
    return _patches()[_FACES:]


def _patches() -> torch.Tensor:
    file = wheel_file("skimage", "data/lfw_subset.npy", "scikit-image")
    return torch.from_numpy(np.load(file, allow_pickle=False)).float()[:, None]
