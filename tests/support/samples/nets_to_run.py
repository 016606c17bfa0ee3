"""The source of small models, as users write it."""

#: `small` and `streamed`, which Vela compiles rightly, and `sliced`, a product of a slice, which it does not.
NETS = """
import torch

class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.last = torch.nn.Linear(8, 6)

    def forward(self, x):
        x = torch.nn.functional.avg_pool2d(torch.relu(self.first(x)), (12, 11))
        return self.last(x.permute(0, 2, 3, 1).reshape(-1, 8))

def small():
    torch.manual_seed(3)
    return Small(), (torch.randn(1, 3, 12, 11),)

class Sliced(torch.nn.Module):
    def forward(self, x, y):
        return torch.bmm(x[1:3], y)

def sliced():
    torch.manual_seed(3)
    return Sliced(), (torch.randn(4, 10, 16), torch.randn(2, 16, 8))

class Streamed(torch.nn.Module):
    # It adds what it computed in the run before.
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(8, 6)
        self.register_buffer("last", torch.zeros(1, 6))

    def forward(self, x):
        self.last.copy_(torch.tanh(self.layer(x) + self.last))
        return self.last * 0.5

def streamed():
    torch.manual_seed(3)
    return Streamed(), (torch.randn(1, 8),)
"""

#: `absolute`, of integers: they are not quantised, so that a few lines can compute what the lowered program does.
ABSOLUTE = """
import torch

class Absolute(torch.nn.Module):
    def forward(self, x):
        return x.abs()

def absolute():
    return Absolute(), (torch.arange(-4, 4, dtype=torch.int32)[None],)
"""
