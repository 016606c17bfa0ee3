"""P-Net and O-Net of MTCNN (Zhang, Zhang, Li and Qiao, 2016).

They are the first and the last stage of a face detector.

Trained weights as the facenet-pytorch wheel (MIT) carries them, and the layers' names as in its
facenet_pytorch/models/mtcnn.py.
"""

import torch
from torch import nn
from torch.nn import functional

from workers.models.suite.vision.photographs import backgrounds, faces
from workers.models.suite.wheel_data import trained, wheel_file
from workers.models.types import SourceModel


class PNet(nn.Module):
    """Finds candidates. It takes an image (1, 3, height, width) within [-1, 1]. It returns corrections of boxes (1, 4,
    h, w) and probabilities (1, 2, h, w). These are of no face and of a face, at every second pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 10, 3)
        self.prelu1 = nn.PReLU(10)
        self.pool1 = nn.MaxPool2d(2, ceil_mode=True)
        self.conv2 = nn.Conv2d(10, 16, 3)
        self.prelu2 = nn.PReLU(16)
        self.conv3 = nn.Conv2d(16, 32, 3)
        self.prelu3 = nn.PReLU(32)
        self.conv4_1 = nn.Conv2d(32, 2, 1)
        self.conv4_2 = nn.Conv2d(32, 4, 1)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.pool1(self.prelu1(self.conv1(image)))
        x = self.prelu2(self.conv2(x))
        x = self.prelu3(self.conv3(x))
        return self.conv4_2(x), self.conv4_1(x).softmax(dim=1)


class ONet(nn.Module):
    """Judges one candidate. It takes an image (1, 3, 48, 48) within [-1, 1]. It returns a correction (1, 4) of the box,
    and places (1, 10) of eyes, nose and mouth. Last are the probabilities (1, 2) of no face and of a face.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3)
        self.prelu1 = nn.PReLU(32)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.prelu2 = nn.PReLU(64)
        self.pool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv3 = nn.Conv2d(64, 64, 3)
        self.prelu3 = nn.PReLU(64)
        self.pool3 = nn.MaxPool2d(2, ceil_mode=True)
        self.conv4 = nn.Conv2d(64, 128, 2)
        self.prelu4 = nn.PReLU(128)
        self.dense5 = nn.Linear(1152, 256)
        self.prelu5 = nn.PReLU(256)
        self.dense6_1 = nn.Linear(256, 2)
        self.dense6_2 = nn.Linear(256, 4)
        self.dense6_3 = nn.Linear(256, 10)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        x = self.pool1(self.prelu1(self.conv1(image)))
        x = self.pool2(self.prelu2(self.conv2(x)))
        x = self.pool3(self.prelu3(self.conv3(x)))
        x = self.prelu4(self.conv4(x))
        x = self.prelu5(self.dense5(x.permute(0, 3, 2, 1).flatten(1)))
        return self.dense6_2(x), self.dense6_3(x), self.dense6_1(x).softmax(dim=1)


def candidates(patches: torch.Tensor, size: int) -> torch.Tensor:
    """Grey patches as the nets want them.

    Args:
        patches: (number, 1, height, width) float32 within [0, 1].
        size: along both axes.

    Returns:
        (number, 3, size, size) float32 within [-1, 1].
    """
    resized = functional.interpolate(patches, (size, size), mode="bilinear", antialias=True)
    return (2 * resized - 1).expand(-1, 3, -1, -1).contiguous()


def _crowd(first: int) -> torch.Tensor:
    """An image (1, 3, 96, 128) in 6 rows of 8 patches. Every other patch has a face of the size that P-Net finds."""
    rows, columns = 6, 8
    count = rows * columns // 2
    both = torch.stack((faces()[first : first + count], backgrounds()[first : first + count]), dim=1).flatten(0, 1)
    tiles = candidates(both, 16).unflatten(0, (rows, columns))
    return tiles.permute(2, 0, 3, 1, 4).reshape(1, 3, 16 * rows, 16 * columns)


def load_pnet() -> SourceModel:
    net = trained(PNet, wheel_file("facenet_pytorch", "data/pnet.pt", "facenet-pytorch"))
    inputs = [(_crowd(first),) for first in (0, 24, 48, 72)]
    return SourceModel(net, inputs[0], inputs, "mtcnn-pnet")


def load_onet() -> SourceModel:
    net = trained(ONet, wheel_file("facenet_pytorch", "data/onet.pt", "facenet-pytorch"))
    images = candidates(torch.cat((faces()[:4], backgrounds()[:4])), 48)
    inputs = [(image[None],) for image in images]
    return SourceModel(net, inputs[0], inputs, "mtcnn-onet")
