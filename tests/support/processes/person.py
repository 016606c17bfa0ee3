"""Somebody who types commands, with a folder, a store and a cache of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from support.processes import warm_process

NETS = """
import torch

class Shuffle(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Conv2d(3, 16, 3, padding=1)
        self.last = torch.nn.Conv2d(16, 8, 1)

    def forward(self, x):
        x = torch.relu(self.first(x))
        n, c, h, w = x.shape
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        x = torch.nn.functional.pixel_shuffle(self.last(x), 2)
        return x.permute(0, 2, 3, 1).reshape(n, 4 * h * w, 2)

def shuffle():
    torch.manual_seed(3)
    inputs = [(torch.randn(1, 3, 12, 10),) for _ in range(3)]
    return Shuffle(), inputs[0], inputs

class Pool(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Conv2d(2, 16, 3, padding=1)
        self.last = torch.nn.Conv2d(16, 4, 1)

    def forward(self, x):
        return self.last(torch.nn.functional.avg_pool2d(self.first(x), (10, 5)))

def pool():
    torch.manual_seed(0)
    inputs = [(2 * torch.randn(1, 2, 11, 5),) for _ in range(3)]
    return Pool().eval(), inputs[0], inputs

def nearness(outputs, expected):
    return -max(float((a - b).abs().max()) for (a,), (b,) in zip(outputs, expected))

def flat():
    return torch.nn.Linear(2, 2), torch.ones(1, 2)

def data_dependent():
    class Broken(torch.nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x
    return Broken(), (torch.randn(2, 2),)
"""
TARGETS = ("ethos-u55-128", "ethos-u85-256")


class Person:
    """Somebody with a folder, a store and a cache of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "nets.py").write_text(NETS)
        self.environment = os.environ | {"XDG_CACHE_HOME": str(home / "cache"), "XDG_DATA_HOME": str(home / "data")}

    def starts(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tuner.cli", *arguments]
        return subprocess.Popen(
            command, cwd=self.home, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def types(self, *arguments: str, expect: int = 0) -> tuple[str, str]:
        if arguments[0] == "tune":
            process = self.starts(*arguments)
            out, err = process.communicate(timeout=600)
            status: int | None = process.returncode
        else:
            status, out, err = warm_process.run(arguments, self.home, self.environment, seconds=600)
        assert status == expect, f"{status}\n{out}\n{err}"
        return out, err

    def tunes(self, store: str, *more: str) -> list[dict[str, Any]]:
        targets = [word for target in TARGETS for word in ("--target", target)]
        out, _ = self.types("tune", "nets.py:shuffle", *targets, "--store", store, "--json", *more)
        results: list[dict[str, Any]] = json.loads(out)
        return results
