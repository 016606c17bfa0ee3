"""Silero voice activity detector, 16 kHz, with the trained weights that the silero-vad wheel carries."""

import torch
from torch import nn

from workers.models.suite.audio.speech import speech
from workers.models.suite.wheel_data import wheel_file
from workers.models.types import SourceModel
from workers.output_capture import captured

_CONTEXT = 64
_WINDOW = 512
_FRAMES = 24
"""Windows of test audio: 0.8 s, long enough for the state to have gone through speech and pauses."""


def _stream(net: nn.Module) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return the (audio (1, 576), state (2, 1, 128)) pairs the net sees while it listens to test audio."""
    audio = speech(_CONTEXT + _WINDOW * _FRAMES, seed=41)
    state = torch.zeros(2, 1, 128)
    inputs = []
    with torch.no_grad():
        for start in range(0, _WINDOW * _FRAMES, _WINDOW):
            window = audio[start : start + _CONTEXT + _WINDOW].reshape(1, -1)
            inputs.append((window, state))
            _, state = net(window, state)
    return inputs


def load() -> SourceModel:
    weights = wheel_file("silero_vad", "data/silero_vad.jit", "silero-vad")
    # load_model compares itself with the TorchScript original on random inputs and prints the difference
    with captured(), torch.random.fork_rng(devices=[]):
        from executorch.examples.models.silero_vad.export_silero_vad import load_model

        net = load_model(str(weights)).requires_grad_(False)
    inputs = _stream(net)
    return SourceModel(net, inputs[_FRAMES // 2], inputs, "silero-vad")
