"""Models as people write them, each of which velatune once could not tune, or tuned to nothing that could be written.

`python peoples_nets.py FOLDER` writes quantised `.pt2` files.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

Made = tuple[nn.Module, tuple[torch.Tensor, ...], list[tuple[torch.Tensor, ...]]]


def _made(net: nn.Module, *shape: int, ids: int = 0) -> Made:
    """A net with example and calibration inputs: random ones, or int32 numbers below `ids`."""

    def sample() -> tuple[torch.Tensor, ...]:
        return (torch.randint(0, ids, shape, dtype=torch.int32) if ids else torch.randn(*shape),)

    return net.eval(), sample(), [sample() for _ in range(3)]


class Encoder(nn.Module):
    """A block of BERT's kind: embedded tokens, positions, fused query, key and value."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(60, 24), nn.Parameter(0.1 * torch.randn(1, 12, 24))
        self.norm, self.qkv, self.project = nn.LayerNorm(24), nn.Linear(24, 72), nn.Linear(24, 24)
        self.wide, self.back, self.out = nn.Linear(24, 48), nn.Linear(48, 24), nn.Linear(24, 3)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.words(ids) + self.places
        batch, steps, depth = x.shape
        query, key, value = self.qkv(self.norm(x)).view(batch, steps, 3, 2, depth // 2).permute(2, 0, 3, 1, 4)
        weights = (query @ key.transpose(2, 3) / (depth // 2) ** 0.5).softmax(3)
        x = x + self.project((weights @ value).transpose(1, 2).reshape(batch, steps, depth))
        return self.out((x + self.back(functional.gelu(self.wide(x)))).mean(1))


def encoder() -> Made:
    torch.manual_seed(5)
    return _made(Encoder(), 1, 12, ids=60)


class Loudness(nn.Module):
    """Audio that is divided by its peak; and whether anything in the result is above a threshold."""

    def __init__(self, alarm: bool) -> None:
        super().__init__()
        self.alarm, self.first, self.last = alarm, nn.Conv1d(1, 8, 7, stride=3), nn.Conv1d(8, 2, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        if self.alarm:
            y = self.last(functional.relu(self.first(x)))
            return y, y.amax() > 0.25
        return self.last(functional.relu(self.first(x / (x.abs().max() + 1e-3))))


def peak() -> Made:
    torch.manual_seed(5)
    return _made(Loudness(alarm=False), 1, 1, 90)


def alarm() -> Made:
    torch.manual_seed(5)
    return _made(Loudness(alarm=True), 1, 1, 90)


class Anomaly(nn.Module):
    """How far an autoencoder is off, as one number."""

    def __init__(self) -> None:
        super().__init__()
        self.narrow, self.wide = nn.Linear(24, 6), nn.Linear(6, 24)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.wide(functional.relu(self.narrow(x))) - x).square().mean()


def anomaly() -> Made:
    torch.manual_seed(5)
    return _made(Anomaly(), 1, 24)


class Split(nn.Module):
    """A split as in YOLO's C2f, one half of which goes through an operator that stays on the CPU."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.inner, self.last = nn.Conv2d(6, 16, 1), nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(24, 6, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept, taken = functional.silu(self.first(x)).split(8, dim=1)
        more = functional.interpolate(functional.silu(self.inner(taken)), size=(10, 10), mode="bilinear")
        return self.last(torch.cat((kept, taken, more), dim=1))


def split() -> Made:
    torch.manual_seed(5)
    return _made(Split(), 1, 6, 10, 10)


class Streaming(nn.Module):
    """A convolution over time that keeps the last frames in a buffer."""

    frames: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.wide, self.out = nn.Conv1d(6, 12, 4), nn.Conv1d(12, 3, 1)
        self.register_buffer("frames", torch.zeros(1, 6, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        together = torch.cat((self.frames, x), dim=2)
        self.frames.copy_(together[..., -3:])
        return self.out(functional.relu(self.wide(together)))


def streaming() -> Made:
    torch.manual_seed(5)
    return _made(Streaming(), 1, 6, 10)


class Tall(nn.Module):
    """A mean over more rows than a depthwise kernel has."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.out = nn.Conv2d(1, 8, 3, padding=1), nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(functional.relu(self.first(x)).mean((2, 3)))


def tall() -> Made:
    torch.manual_seed(5)
    return _made(Tall(), 1, 1, 160, 96)


def scripted() -> tuple[torch.jit.ScriptModule, tuple[torch.Tensor, ...]]:
    torch.manual_seed(5)
    layers = nn.Conv2d(2, 6, 3), nn.ReLU(), nn.Conv2d(6, 3, 1)
    return torch.jit.script(nn.Sequential(*layers).eval()), (torch.randn(1, 2, 12, 12),)


class Decoder(nn.Module):
    """A grouped transposed convolution, which ExecuTorch cannot quantise, between others that it can."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(2, 8, 3, 2, 1), nn.ConvTranspose2d(8, 8, 2, 2)
        self.grouped = nn.ConvTranspose2d(8, 4, 4, 2, 1, groups=4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.grouped(functional.relu(self.up(functional.relu(self.down(x)))))


def decoder() -> Made:
    torch.manual_seed(5)
    return _made(Decoder(), 1, 2, 12, 16)


class Heads(nn.Module):
    """A detector's boxes and scores in one tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1)
        self.boxes, self.scores = nn.Conv2d(8, 4, 1), nn.Conv2d(8, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.silu(self.second(functional.silu(self.first(x))))
        return torch.cat((self.boxes(x).flatten(2), self.scores(x).sigmoid().flatten(2)), dim=1)


def write_quantised(folder: Path) -> None:
    """`nhwc.pt2` with inputs channels last, and `widths.pt2` with one layer of int16."""
    from executorch.backends.arm.ethosu import EthosUCompileSpec
    from executorch.backends.arm.quantizer import (
        EthosUQuantizer,
        get_symmetric_a16w8_quantization_config,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    torch.manual_seed(5)
    for name, target in (("nhwc", "ethos-u55-128"), ("widths", "ethos-u85-256")):
        samples = [(torch.rand(1, 3, 24, 24),) for _ in range(3)]
        layout = torch.channels_last if name == "nhwc" else torch.contiguous_format
        example = (samples[0][0].contiguous(memory_format=layout),)
        quantizer = EthosUQuantizer(EthosUCompileSpec(target))
        quantizer.set_global(get_symmetric_quantization_config(is_per_channel=True))
        if name == "widths":
            quantizer.set_module_name("second", get_symmetric_a16w8_quantization_config(is_per_channel=True))
        exported = torch.export.export(Heads().eval(), example).module(check_guards=False)
        with torch.no_grad():
            prepared = prepare_pt2e(exported, quantizer)
            for sample in samples:
                prepared(*sample)
            torch.export.save(torch.export.export(convert_pt2e(prepared), example), folder / f"{name}.pt2")


if __name__ == "__main__":
    write_quantised(Path(sys.argv[1]))
