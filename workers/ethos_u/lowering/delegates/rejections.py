"""Why ExecuTorch's partitioner leaves operators on the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from workers.errors import printable

if TYPE_CHECKING:
    from torch.fx import Node

_MOST_CHARACTERS = 160


@contextmanager
def rejections() -> Iterator[dict[str, str]]:
    """Gets, inside the block, operator -> the first reason for which one of its calls was not taken.

    Operators are named as in `workers.ethos_u.cost.estimates.host_operators.HostOperator`. One thread of a process at a
    time."""
    from executorch.exir.backend.utils import WhyNoPartitionReporter

    found: dict[str, str] = {}
    stock = WhyNoPartitionReporter.report_reject

    def report_reject(self: Any, node: Node, reason: str) -> None:
        if node.op == "call_function":
            found.setdefault(str(getattr(node.target, "_op", node.target)), _short(reason))
        stock(self, node, reason)

    with patch.object(WhyNoPartitionReporter, "report_reject", report_reject):
        yield found


def _short(reason: str) -> str:
    line = printable(" ".join(reason.split())).rstrip(".")
    return line if len(line) <= _MOST_CHARACTERS else f"{line[: _MOST_CHARACTERS - 3]}..."
