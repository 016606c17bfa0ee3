"""Choices that are taken inside ExecuTorch, before there is a graph."""

from __future__ import annotations

from search_space.choices.base import Choice
from search_space.ir.graph import Graph

#: Pairs (choice, alternative), sorted: how ExecuTorch is to lower a model.
Setting = tuple[tuple[str, str], ...]


class UpstreamChoice(Choice):
    """Name, alternatives and laws of a choice that ExecuTorch's lowering takes.

    They are known here without ExecuTorch. The file of the same name in `workers/ethos_u/lowering/frontend` holds what
    an alternative does.
    """

    def apply(self, graph: Graph, alternative: str) -> Graph:
        """Return the graph, which was lowered with the alternative.

        Args:
            graph: the program.
            alternative: its text, as a recipe has it.

        Returns:
            `graph` itself.
        """
        return graph


class QuantiserChoice(UpstreamChoice):
    """Taken where the model is quantised, before it is lowered: so its outputs are never the default's bit for bit.

    Which of its alternatives are worth trying is measured, see `workers.ethos_u.lowering.precision.precisions`.
    """
