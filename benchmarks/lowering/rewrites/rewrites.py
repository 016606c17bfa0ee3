"""The rewrites, by the numbers that the documentation gives them."""

from __future__ import annotations

from dataclasses import dataclass

#: Rewrites up to this one are in ExecuTorch pull request #18167.
LAST_SEED = 9


@dataclass(frozen=True)
class Rewrite:
    """A rewrite of layouts, as the page lists it.

    Attributes:
        title: what is rewritten.
        passes: names of those that do it.
    """

    number: int
    title: str
    passes: tuple[str, ...]

    @property
    def origin(self) -> str:
        return "seed" if self.number <= LAST_SEED else "beyond"


REWRITES = (
    Rewrite(1, "reshapes that keep the channels together", ("fuse-transposes",)),
    Rewrite(2, "permutes that restate NCHW as NHWC", ("fuse-transposes",)),
    Rewrite(3, "transpose, reshape, transpose", ("fuse-transposes",)),
    Rewrite(4, "a permutation before or after a linear", ("fold-channel-permutation",)),
    Rewrite(5, "consecutive transposes", ("fuse-transposes",)),
    Rewrite(6, "elementwise operators", ("through-elementwise",)),
    Rewrite(7, "RESCALE, per tensor and per channel", ("through-rescale",)),
    Rewrite(8, "CONCAT", ("through-concat",)),
    Rewrite(9, "constants", ("fold-constants",)),
    Rewrite(
        10,
        "PAD, SLICE, TILE, REVERSE, GATHER, SCATTER, reductions, pooling, RESIZE",
        ("through-slices", "through-gathers", "through-reductions", "through-windows"),
    ),
    Rewrite(11, "orders of channels", ("fold-channel-permutation",)),
    Rewrite(12, "space and depth", ("fold-channel-permutation", "select-transposes")),
    Rewrite(13, "attention", ("transpose-matmul", "minimise-transposed-bytes", "select-transposes")),
    Rewrite(15, "cleanups", ("cse", "transpose-to-reshape", "remove-noops")),
)
