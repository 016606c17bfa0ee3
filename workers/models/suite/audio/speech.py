"""Speech-like test audio: a gliding voice pitch with formants, syllables, pauses and some breath."""

import math

import torch

_RATE = 16_000
_FORMANTS_HZ = ((700.0, 1200.0, 2600.0), (300.0, 2300.0, 3000.0), (500.0, 900.0, 2400.0))


def speech(samples: int, seed: int) -> torch.Tensor:
    """Speech-like sound: about 1 s of voiced syllables per 16000 samples.

    Args:
        samples: how many.
        seed: of pitch and breath.

    Returns:
        `[samples]` float32 within [-1, 1].
    """
    generator = torch.Generator().manual_seed(seed)
    time = torch.arange(samples) / _RATE
    pitch = 110.0 + 60.0 * float(torch.rand((), generator=generator)) + 25.0 * torch.sin(2 * math.pi * 0.7 * time)
    phase = 2 * math.pi * torch.cumsum(pitch / _RATE, dim=0)
    syllable = (time * 4.0).long() % len(_FORMANTS_HZ)
    formants = torch.tensor(_FORMANTS_HZ)[syllable]
    wave = torch.zeros(samples)
    for harmonic in range(1, 30):
        distance = (harmonic * pitch)[:, None] - formants
        strength = torch.exp(-((distance / 250.0) ** 2)).sum(dim=1) / harmonic**0.5
        wave += strength * torch.sin(harmonic * phase)
    envelope = torch.sin(math.pi * ((time * 4.0) % 1.0)) * ((time * 4.0).long() % 5 != 4)
    breath = 0.02 * torch.randn(samples, generator=generator)
    return (0.25 * wave * envelope + breath).clamp(-1.0, 1.0)
