"""What whole programs compute on given inputs, by the TOSA reference model and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from search_space.ir.graph import Graph
from workers.cache.lru import LRU
from workers.checking.check_inputs import Arrays, CheckInput
from workers.checking.reference import run_on_each
from workers.errors import ReferenceFailed

#: Programs whose outputs are kept: the default lowering's, and those of the one that is compared with it.
_KEPT = 2


class WholeOutputs:
    """As `workers.checking.incremental_values.Values`, but without what that shares between programs, and without its
    long ways round the reference model. So this finds what is wrong with those."""

    def __init__(self, inputs: Sequence[CheckInput]) -> None:
        self.inputs = inputs
        self._recent: LRU[list[Arrays]] = LRU(_KEPT)

    def outputs(self, graph: Graph) -> list[Arrays]:
        return self._recent.find(graph.hash, lambda: self._outputs(graph))

    def _outputs(self, graph: Graph) -> list[Arrays]:
        try:
            found = run_on_each(graph, [one.arrays for one in self.inputs])
        except ReferenceFailed as error:
            raise ReferenceFailed(f"{error} on {self.inputs[error.at].kind} inputs", error.at) from error
        return list(zip(*found, strict=True))
