"""Numbers where the runtime expects a list, on which it aborts."""

from __future__ import annotations

from collections.abc import Iterator

from torch.export import ExportedProgram

from workers.cortex_m.cost.reading.nodes import unlisted
from workers.cortex_m.guards.verdict import Severity, Verdict

NAME = "listed-numbers"


def check(program: ExportedProgram) -> Iterator[Verdict]:
    """Verdicts on operators of a lowered program."""
    for node in program.graph.nodes:
        for name, _ in unlisted(node):
            message = f"{node.name}: {name} is a number, and the runtime aborts if it is no list; write it as a list"
            yield Verdict(NAME, node.name, Severity.FAILS, message)
