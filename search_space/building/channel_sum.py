"""Sums over channels on the convolution unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search_space.building.rescale_by_one import one_number
from search_space.ir.editor import Editor
from search_space.ir.graph import Node, TensorType, constant


@dataclass(frozen=True)
class ChannelSum:
    """A 1x1 convolution that sums each group of neighbouring channels.

    Attributes:
        inputs: ids of its constants.
        groups: how many sums a pixel has.
        accumulator: element type of the sums.
    """

    inputs: tuple[int, ...]
    groups: int
    accumulator: str

    @staticmethod
    def of(edit: Editor, dtype: str, channels: int, zero_point: int = 0, times: int = 1, groups: int = 1) -> ChannelSum:
        """Add the constants of the convolution.

        Args:
            edit: the graph under change.
            dtype: of what is summed, INT8 or INT16.
            channels: of a group.
            zero_point: differences to it are summed (INT8).
            times: what the sums are multiplied by, an INT8 value.
            groups: how many of them.

        Returns:
            The convolution, ready for any value [N,H,W,groups * channels] of type `dtype`.
        """
        accumulator = "INT32" if dtype == "INT8" else "INT48"
        weights = np.kron(np.eye(groups, dtype=np.int8), np.full((1, channels), times, np.int8))
        rest = one_number(0, accumulator), one_number(zero_point, dtype), one_number(0, "INT8")
        constants = (constant(weights[:, None, None, :]), *rest)
        return ChannelSum(tuple(map(edit.add, constants)), groups, accumulator)

    def of_value(self, edit: Editor, value: int) -> int:
        """Add the convolution of a value.

        Args:
            edit: the graph under change.
            value: id of the value [N,H,W,C].

        Returns:
            The id of the sums [N,H,W,groups].
        """
        attributes = {
            "pad": (0, 0, 0, 0), "stride": (1, 1), "dilation": (1, 1), "local_bound": False,
            "acc_type": self.accumulator,
        }  # fmt: skip
        tensor = TensorType((*edit[value].type.shape[:3], self.groups), self.accumulator)
        return edit.add(Node("CONV2D", (value, *self.inputs), tensor, attributes))


def nearer_zero_point(first: int, second: int) -> int:
    """A zero point for the first of two INT8 operands whose products fit in INT16.

    Args:
        first, second: the zero points of the operands.

    Returns:
        The first one if all products fit with it; else -1 or 0, with which they do.
    """
    if _reach(first) * _reach(second) <= np.iinfo(np.int16).max:
        return first
    return -1 if first < 0 else 0


def _reach(zero_point: int) -> int:
    """The largest distance of an INT8 value from a number."""
    return max(127 - zero_point, zero_point + 128)
