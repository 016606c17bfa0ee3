"""Lowering choices that are taken inside ExecuTorch: they change what it makes of a model, before there is a graph."""

from __future__ import annotations

from search_space.choices.base import Choice
from search_space.ir.graph import Graph

#: Pairs (choice, alternative), sorted: how ExecuTorch is to lower a model.
Setting = tuple[tuple[str, str], ...]


class UpstreamChoice(Choice):
    """Its name, alternatives and laws, known without ExecuTorch. What an alternative does stands in the file of the
    same name in `workers/ethos_u/lowering/frontend`."""

    def apply(self, graph: Graph, alternative: str) -> Graph:
        """The graph itself: it is lowered with the alternative already."""
        return graph


class QuantiserChoice(UpstreamChoice):
    """Taken where the model is quantised, before it is lowered: so its outputs are never the default's bit for bit.

    Which of its alternatives are worth trying is measured, see `workers.ethos_u.lowering.precision.precisions`.
    """
