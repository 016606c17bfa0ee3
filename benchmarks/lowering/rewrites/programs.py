"""Minimal programs on which stock ExecuTorch leaves a needless transpose, one or more per rewrite.

Each is a model source of its own: `benchmarks.lowering.rewrites.programs:flatten_linear`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.models.nets import Constant, Indices, Made, Net, Shape, seeded

# Recipes: the passes of a rewrite, and those that let maps meet which were moved to the same place.
WEIGHTS = "fuse-transposes,fold-channel-permutation"
SINK = "sink-transposes,fold-constants,minimise-transposed-bytes"
SINK_WEIGHTS = f"{SINK},fold-channel-permutation,fuse-transposes"
PLANNED = f"{SINK_WEIGHTS},select-transposes{{interior=true}}"
TURNED = (
    "sink-transposes,fold-constants,transpose-matmul,sink-transposes,minimise-transposed-bytes,"
    "select-transposes{interior=true}"
)


@dataclass(frozen=True)
class Minimal:
    """A program for one rewrite.

    Attributes:
        rewrite: its number in the list of rewrites (`benchmarks.lowering.rewrites.rewrites`).
        name: of the function here.
        shows: what the program does, in PyTorch's words.
        recipe: the passes of the rewrite and the few general ones it needs.
        left: movements inside the program that stay.
    """

    rewrite: int
    name: str
    shows: str
    recipe: str
    left: int

    @property
    def source(self) -> str:
        """As `velatune tune` takes it."""
        return f"{__name__}:{self.name}"


PROGRAMS: list[Minimal] = []


def _minimal(
    rewrite: int, shows: str, recipe: str, shape: Shape, left: int = 0
) -> Callable[[Callable[[], nn.Module]], Callable[[], Made]]:
    def register(make: Callable[[], nn.Module]) -> Callable[[], Made]:
        PROGRAMS.append(Minimal(rewrite, make.__name__, shows, recipe, left))
        return seeded(make, shape)

    return register


def _conv(channels: int, out: int, kernel: int = 3) -> nn.Conv2d:
    return nn.Conv2d(channels, out, kernel, padding=kernel // 2)


IMAGE = (1, 8, 12, 16)


def _shuffled(x: Tensor, groups: int) -> Tensor:
    batch, channels, height, width = x.shape
    return x.view(batch, groups, channels // groups, height, width).transpose(1, 2).reshape(x.shape)


# 1: a reshape that keeps channels together needs no transpose around it


@_minimal(1, "conv, `reshape(N, C, 1, H*W)`, reshaped back, added to the first conv's output", SINK, IMAGE)
def reshape_of_a_shared_value() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        a = n.a(x)
        return n.c(n.b(a.reshape(1, 16, 1, 12 * 16)).reshape(1, 16, 12, 16) + a)

    return Net(function, a=_conv(8, 16), b=_conv(16, 16), c=_conv(16, 8))


# 2: model-level permutes that restate NCHW as NHWC


@_minimal(2, "conv, `permute(0, 2, 3, 1)`, LayerNorm, `permute(0, 3, 1, 2)`, conv", SINK, IMAGE)
def layer_norm_over_channels() -> nn.Module:
    return Net(
        lambda n, x: n.b(n.norm(n.a(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)),
        a=_conv(8, 16), norm=nn.LayerNorm(16), b=_conv(16, 8),
    )  # fmt: skip


# 3: transpose, reshape, transpose


@_minimal(
    3, "conv, `flatten(2).transpose(1, 2)` (tokens), linear, back to an image, added to the conv's output", SINK, IMAGE
)
def tokens_and_back() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        a = n.a(x)
        return n.b(a + n.linear(a.flatten(2).transpose(1, 2)).transpose(1, 2).view(1, 16, 12, 16))

    return Net(function, a=_conv(8, 16), linear=nn.Linear(16, 16), b=_conv(16, 8))


# 4: the permutation goes into a linear's weights


@_minimal(4, "conv, `flatten(1)`, linear", WEIGHTS, IMAGE)
def flatten_linear() -> nn.Module:
    return Net(lambda n, x: n.linear(n.a(x).flatten(1)), a=_conv(8, 4), linear=nn.Linear(4 * 12 * 16, 10))


@_minimal(4, "conv1d, `flatten(1)`, linear", WEIGHTS, (1, 8, 32))
def flatten_linear_1d() -> nn.Module:
    return Net(
        lambda n, x: n.linear(n.a(x).flatten(1)), a=nn.Conv1d(8, 16, 3, padding=1), linear=nn.Linear(16 * 32, 10)
    )


@_minimal(4, "linear, `view(N, C, H, W)`, conv (decoder)", WEIGHTS, (1, 32))
def decoder() -> nn.Module:
    return Net(lambda n, x: n.b(n.linear(x).view(1, 16, 6, 8)), linear=nn.Linear(32, 16 * 6 * 8), b=_conv(16, 8))


@_minimal(4, "conv, `permute(0, 3, 1, 2).reshape`, linear (columns of a text line)", WEIGHTS, IMAGE, left=1)
def columns_to_sequence() -> nn.Module:
    return Net(
        lambda n, x: n.linear(n.a(x).permute(0, 3, 1, 2).reshape(1, 16, 16 * 12)),
        a=_conv(8, 16), linear=nn.Linear(16 * 12, 24),
    )  # fmt: skip


@_minimal(4, "conv, `permute(0, 2, 1, 3).reshape`, linear (CRNN)", WEIGHTS, IMAGE)
def rows_to_sequence() -> nn.Module:
    return Net(
        lambda n, x: n.linear(n.a(x).permute(0, 2, 1, 3).reshape(1, 12, 16 * 16)),
        a=_conv(8, 16), linear=nn.Linear(16 * 16, 24),
    )  # fmt: skip


# 5: consecutive transposes


@_minimal(5, "conv, channel shuffle; a conv of it, and a conv of it shuffled back", WEIGHTS, IMAGE)
def round_trip() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        shuffled = _shuffled(n.a(x), 2)
        return n.b(shuffled) + n.c(_shuffled(shuffled, 8))

    return Net(function, a=_conv(8, 16), b=_conv(16, 8), c=_conv(16, 8))


# 6, 7: elementwise operators and RESCALE


@_minimal(6, "squeeze and excite: mean, two linears, `view(N, C, 1, 1)`, sigmoid, times the conv's output", SINK, IMAGE)
def squeeze_excite() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        a = n.a(x)
        gate = n.up(n.down(a.mean(dim=(2, 3))).relu()).sigmoid()
        return n.b(a * gate.view(1, 16, 1, 1))

    return Net(function, a=_conv(8, 16), down=nn.Linear(16, 4), up=nn.Linear(4, 16), b=_conv(16, 8))


@_minimal(7, "conv plus a constant [H, W] (RESCALE of both to int32, and back), conv", SINK, IMAGE)
def sum_with_a_constant() -> nn.Module:
    return Net(
        lambda n, x: n.b(n.a(x) + n.position()), a=_conv(8, 16), b=_conv(16, 8), position=Constant(12, 16)
    )  # fmt: skip


@_minimal(7, "linear, channels interleaved, linear: a RESCALE per channel between", WEIGHTS, (1, 24, 16))
def rescale_per_channel() -> nn.Module:
    return Net(
        lambda n, x: n.b(n.a(x).view(1, 24, 4, 6).transpose(2, 3).reshape(1, 24, 24).relu()),
        a=nn.Linear(16, 24), b=nn.Linear(24, 8),
    )  # fmt: skip


# 8: CONCAT


@_minimal(
    8,
    "concat of two convs permuted to NHWC, permuted back, conv; one part is also read in NHWC by a linear",
    SINK,
    IMAGE,
)
def concat_with_a_second_user() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        a, b = n.a(x).permute(0, 2, 3, 1), n.b(x).permute(0, 2, 3, 1)
        both = torch.cat([a, b], dim=3).permute(0, 3, 1, 2)
        return n.c(both).mean(dim=(2, 3)) + n.linear(a).mean(dim=(1, 2))

    return Net(function, a=_conv(8, 16), b=_conv(8, 8), c=_conv(24, 8), linear=nn.Linear(16, 8))


@_minimal(8, "concat of two values permuted one way and one permuted another way", SINK, IMAGE, left=1)
def concat_of_mixed() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        parts = [n.a(x).permute(0, 3, 2, 1), n.b(x).permute(0, 3, 2, 1), n.c(x).permute(0, 3, 1, 2)]
        return n.d(torch.cat(parts, dim=1).permute(0, 3, 2, 1))

    def turned() -> nn.Conv2d:
        return nn.Conv2d(8, 12, 3, padding=(1, 3))

    return Net(function, a=_conv(8, 12), b=_conv(8, 12), c=nn.Conv2d(8, 12, (1, 5)), d=_conv(12, 8))


# 9: constants


@_minimal(9, "conv, relu, plus a positional embedding [1, C, H, W], conv", "fold-constants", IMAGE)
def positional_embedding() -> nn.Module:
    return Net(
        lambda n, x: n.b(n.a(x).relu() + n.position()), a=_conv(8, 16), b=_conv(16, 8), position=Constant(1, 16, 12, 16)
    )


# 10: PAD, SLICE, GATHER, SCATTER, reductions, ARGMAX, pooling, RESIZE (GATHER and SCATTER on Ethos-U85 alone: on others
# index_select and index_copy are left to the CPU)


@_minimal(10, "conv, tokens, one padded at either end, an image again, conv", SINK, IMAGE)
def pad_between() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        tokens = functional.pad(n.a(x).flatten(2).transpose(1, 2), (0, 0, 16, 16))
        return n.b(tokens.transpose(1, 2).view(1, 16, 14, 16))

    return Net(function, a=_conv(8, 16), b=_conv(16, 8))


@_minimal(10, "conv, tokens, the first row and some channels cut off, an image again, conv", SINK, IMAGE)
def slice_between() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        tokens = n.a(x).flatten(2).transpose(1, 2)[:, 16:, 4:]
        return n.b(tokens.transpose(1, 2).reshape(1, 12, 11, 16))

    return Net(function, a=_conv(8, 16), b=_conv(12, 8))


@_minimal(10, "conv, six rows of the image by `index_select`, conv", SINK, IMAGE)
def rows_picked() -> nn.Module:
    return Net(
        lambda n, x: n.b(n.a(x).index_select(2, n.rows())),
        a=_conv(8, 16), b=_conv(16, 8), rows=Indices(0, 3, 3, 7, 11, 10),
    )  # fmt: skip


@_minimal(10, "conv, four rows of the image replaced by those of another conv by `index_copy`, conv", SINK, IMAGE)
def rows_replaced() -> nn.Module:
    return Net(
        lambda n, x: n.c(n.a(x).index_copy(2, n.rows().long(), n.b(x))),
        a=_conv(8, 16), b=nn.Conv2d(8, 16, (9, 3), padding=(0, 1)), c=_conv(16, 8), rows=Indices(0, 3, 7, 11),
    )  # fmt: skip


@_minimal(10, "conv, `transpose(2, 3)`, `amax(dim=2)`, conv", SINK, IMAGE)
def largest_in_a_row() -> nn.Module:
    return Net(
        lambda n, x: n.b(n.a(x).transpose(2, 3).amax(dim=2, keepdim=True).transpose(2, 3)),
        a=_conv(8, 16),
        b=_conv(16, 8),
    )


@_minimal(10, "conv, `transpose(2, 3)`, resize to the double, `transpose(2, 3)`, conv", SINK, IMAGE)
def resize_between() -> nn.Module:
    return Net(
        lambda n, x: n.b(functional.interpolate(n.a(x).transpose(2, 3), scale_factor=2.0).transpose(2, 3)),
        a=_conv(8, 16), b=_conv(16, 8),
    )  # fmt: skip


@_minimal(10, "conv, tokens, mean over tokens, linear", SINK, IMAGE)
def mean_of_tokens() -> nn.Module:
    return Net(
        lambda n, x: n.linear(n.a(x).flatten(2).transpose(1, 2).mean(dim=1)), a=_conv(8, 16), linear=nn.Linear(16, 10)
    )


@_minimal(10, "conv, `transpose(2, 3)`, max pool 2x1, `transpose(2, 3)`, conv", SINK, IMAGE)
def pool_between() -> nn.Module:
    return Net(
        lambda n, x: n.b(functional.max_pool2d(n.a(x).transpose(2, 3), (2, 1)).transpose(2, 3)),
        a=_conv(8, 16), b=_conv(16, 8),
    )  # fmt: skip


@_minimal(10, "conv, `transpose(2, 3)`, conv, `transpose(2, 3)`, conv", SINK, IMAGE)
def conv_between() -> nn.Module:
    return Net(
        lambda n, x: n.c(n.b(n.a(x).transpose(2, 3)).transpose(2, 3)),
        a=_conv(8, 16), b=nn.Conv2d(16, 16, (1, 3)), c=_conv(16, 8),
    )  # fmt: skip


# 11: channel orders


@_minimal(11, "conv, channel shuffle, conv", WEIGHTS, IMAGE)
def channel_shuffle() -> nn.Module:
    return Net(lambda n, x: n.b(_shuffled(n.a(x), 4)), a=_conv(8, 16), b=_conv(16, 8))


@_minimal(11, "conv, channel shuffle, relu, depthwise conv, relu, max pool, conv", SINK_WEIGHTS, IMAGE)
def channel_shuffle_depthwise() -> nn.Module:
    return Net(
        lambda n, x: n.b(functional.max_pool2d(n.depthwise(_shuffled(n.a(x), 2).relu()).relu(), 2)),
        a=_conv(8, 16), depthwise=nn.Conv2d(16, 16, 3, padding=1, groups=16), b=_conv(16, 8),
    )  # fmt: skip


@_minimal(11, "concat of two convs, channel shuffle, conv (ShuffleNet)", SINK_WEIGHTS, IMAGE)
def channel_shuffle_of_concat() -> nn.Module:
    return Net(
        lambda n, x: n.c(_shuffled(torch.cat([n.a(x).relu(), n.b(x).relu()], dim=1), 2)),
        a=_conv(8, 16), b=_conv(8, 16), c=_conv(32, 8),
    )  # fmt: skip


# 12: space and depth


@_minimal(12, "conv, `pixel_shuffle(2)`, conv", PLANNED, IMAGE, left=1)
def pixel_shuffle() -> nn.Module:
    return Net(lambda n, x: n.b(functional.pixel_shuffle(n.a(x), 2)), a=_conv(8, 16), b=_conv(4, 8))


@_minimal(12, "conv, `pixel_unshuffle(2)`, conv", PLANNED, IMAGE, left=1)
def pixel_unshuffle() -> nn.Module:
    return Net(lambda n, x: n.b(functional.pixel_unshuffle(n.a(x), 2)), a=_conv(8, 16), b=_conv(64, 8))


@_minimal(12, "conv permuted to NHWC, 2x2 patches merged into channels, linear (Swin)", PLANNED, IMAGE, left=1)
def patch_merging() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        patches = n.a(x).permute(0, 2, 3, 1).reshape(1, 6, 2, 8, 2, 16).permute(0, 1, 3, 4, 2, 5)
        return n.linear(patches.reshape(1, 48, 64)).mean(dim=1)

    return Net(function, a=_conv(8, 16), linear=nn.Linear(64, 8))


@_minimal(12, "conv, `reshape(N*C/8, 8, H, W)` (channels to batch), conv", PLANNED, IMAGE, left=1)
def channels_to_batch() -> nn.Module:
    return Net(lambda n, x: n.b(n.a(x).reshape(2, 8, 12, 16)), a=_conv(8, 16), b=_conv(8, 8))


@_minimal(
    12,
    "conv of a batch of 2, `reshape(1, 2*C, H, W)` (batch to channels), conv",
    PLANNED,
    (2, 8, 12, 16),
    left=1,
)
def batch_to_channels() -> nn.Module:
    return Net(lambda n, x: n.b(n.a(x).reshape(1, 32, 12, 16)), a=_conv(8, 16), b=_conv(32, 8))


@_minimal(
    12,
    "YOLO head: conv, `view(N, A, F, H, W).permute(0, 1, 3, 4, 2)`, sigmoid, `reshape(N, -1, F)`",
    PLANNED,
    IMAGE,
)
def yolo_head() -> nn.Module:
    return Net(
        lambda n, x: n.a(x).view(1, 3, 7, 12, 16).permute(0, 1, 3, 4, 2).sigmoid().reshape(1, -1, 7), a=_conv(8, 21)
    )


# 13: attention


@_minimal(
    13,
    "attention with 2 heads, one projection for q, k and v, heads merged, projection",
    PLANNED,
    (1, 16, 24),
    left=4,
)
def attention() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        q, k, v = n.qkv(x).reshape(1, 16, 3, 2, 8).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = (q @ k.transpose(-2, -1)).softmax(dim=-1) @ v
        return n.out(mixed.transpose(1, 2).reshape(1, 16, 16))

    return Net(function, qkv=nn.Linear(24, 48), out=nn.Linear(16, 24))


@_minimal(
    13,
    "attention over the channels of an image: conv to q, k, v, `flatten(2)`, `q.transpose(1, 2) @ k`",
    TURNED,
    (1, 8, 4, 8),
    left=1,
)
def attention_over_pixels() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        q, k, v = (one(x).flatten(2) for one in (n.q, n.k, n.v))
        scores = (q.transpose(1, 2) @ k).softmax(dim=-1)
        return n.out((v @ scores.transpose(1, 2)).view(1, 16, 4, 8))

    return Net(function, q=_conv(8, 16, 1), k=_conv(8, 16, 1), v=_conv(8, 16, 1), out=_conv(16, 8, 1))


# 15: cleanups


@_minimal(15, "one conv turned into tokens twice, each with a linear of its own", f"cse,{SINK}", IMAGE)
def the_same_permute_twice() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        a = n.a(x)
        return n.b(a.transpose(1, 3)).mean(dim=(1, 2)) + n.c(a.transpose(1, 3)).mean(dim=(1, 2))

    return Net(function, a=_conv(8, 16), b=nn.Linear(16, 8), c=nn.Linear(16, 8))


@_minimal(
    15,
    "conv, `squeeze`, `transpose`, linear, `transpose`, `unsqueeze`, added: dimensions of size 1",
    SINK,
    (1, 8, 1, 32),
)
def dimensions_of_size_one() -> nn.Module:
    def function(n: Net, x: Tensor) -> Tensor:
        a = n.a(x)
        return n.b(n.linear(a.squeeze(2).transpose(1, 2)).transpose(1, 2).unsqueeze(2) + a)

    return Net(function, a=_conv(8, 16), linear=nn.Linear(16, 16), b=_conv(16, 8))
