"""Minimal programs of the choices for attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.lowering.choices.minimal import Minimal, minimal
from benchmarks.models.nets import Constant, Net

PROGRAMS: list[Minimal] = []


@minimal(
    PROGRAMS,
    "slice-conv-channels",
    "q, k = Linear(x), sliced apart and split into heads; q @ k^T",
    "remove-noops,fold-constants,fuse-transposes,slice-conv-channels,sink-transposes,minimise-transposed-bytes,fuse-transposes,select-transposes",
    (1, 64, 32),
)
def scores_of_heads() -> nn.Module:
    return Net(_scores, linear=nn.Linear(32, 128))


@minimal(
    PROGRAMS,
    "split-batch-matmul",
    "softmax-free attention of 4 heads: (q @ k^T) @ v, heads side by side again, Linear",
    "remove-noops,fold-constants,fuse-transposes,sink-transposes,minimise-transposed-bytes,slice-conv-channels,flatten-pixels,split-batch-matmul,"
    "fuse-transposes,slice-conv-channels,fuse-transposes,select-transposes",
    (1, 64, 32),
)
def products_of_heads() -> nn.Module:
    return Net(_attended, qkv=nn.Linear(32, 192), out=nn.Linear(64, 32))


@minimal(
    PROGRAMS,
    "matmul-as-mul-reduce",
    "q, k = Linear(x), sliced apart and split into heads; q @ k^T",
    "remove-noops,fold-constants,fuse-transposes,slice-conv-channels,sink-transposes,minimise-transposed-bytes,matmul-as-mul-reduce,"
    "fuse-transposes,select-transposes",
    (1, 64, 32),
)
def scores_by_rows() -> nn.Module:
    return Net(_scores, linear=nn.Linear(32, 128))


@minimal(
    PROGRAMS,
    "matmul-by-columns",
    "(x @ x^T) @ x, 96 tokens of 32",
    "remove-noops,fold-constants,fuse-transposes,matmul-by-columns,fuse-transposes,select-transposes",
    (1, 96, 32),
)
def products_of_one_value() -> nn.Module:
    return Net(lambda net, x: x @ x.transpose(1, 2) @ x)


@minimal(
    PROGRAMS,
    "matmul-as-conv",
    "relu(x) @ table, a parameter",
    "remove-noops,fold-constants,fuse-transposes,matmul-as-conv,fuse-transposes,select-transposes",
    (1, 64, 64),
)
def product_with_a_parameter() -> nn.Module:
    return Net(lambda net, x: x.relu() @ net.table(), table=Constant(1, 64, 64))


@minimal(
    PROGRAMS,
    "fuse-parallel-convs",
    "cat((conv1x1(x), conv1x1(x)), 1), 12 channels each",
    "remove-noops,fold-constants,fuse-transposes,through-rescale,through-concat,fuse-transposes,fuse-parallel-convs,"
    "select-transposes",
    (1, 16, 16, 16),
)
def joined_branches() -> nn.Module:
    return Net(
        lambda net, x: torch.cat((net.first(x), net.second(x)), 1),
        first=nn.Conv2d(16, 12, 1),
        second=nn.Conv2d(16, 12, 1),
    )


@minimal(
    PROGRAMS,
    "flatten-pixels",
    "Linear over 65 tokens; its transpose as an output",
    "remove-noops,fold-constants,fuse-transposes,flatten-pixels,fuse-transposes,select-transposes",
    (1, 65, 96),
)
def turned_linear() -> nn.Module:
    return Net(lambda net, x: net.linear(x).transpose(1, 2), linear=nn.Linear(96, 64))


def _attended(net: nn.Module, x: Tensor) -> Tensor:
    q, k, v = net.qkv(x).reshape(1, 64, 3, 4, 16).permute(2, 0, 3, 1, 4).unbind(0)
    return net.out((q @ k.transpose(-2, -1) @ v).transpose(1, 2).reshape(1, 64, 64))


def _scores(net: nn.Module, x: Tensor) -> Tensor:
    q, k = net.linear(x).reshape(1, 64, 2, 4, 16).permute(2, 0, 3, 1, 4).unbind(0)
    return q @ k.transpose(-2, -1)
