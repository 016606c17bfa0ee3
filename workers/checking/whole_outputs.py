"""What whole programs compute on given inputs, by the TOSA reference model and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import numpy as np

from search_space.ir.graph import Graph
from workers.cache.kept_values import KeptValues
from workers.cache.lru import LRU
from workers.checking.check_inputs import Arrays, CheckInput
from workers.checking.reference import run_on_each
from workers.errors import ReferenceFailed

#: Programs whose outputs are kept: the default lowering's, and those of the one that is compared with it.
_KEPT = 2


class WholeOutputs:
    """As `workers.checking.incremental_values.Values`, but without what that shares between programs, and without its
    long ways round the reference model. So this finds what is wrong with those."""

    def __init__(
        self, inputs: Sequence[CheckInput], default: Graph | None = None, kept: KeptValues | None = None
    ) -> None:  # fmt: skip
        """Compute on the given inputs.

        Args:
            inputs: one or more sets.
            default: what other programs are compared with. Its outputs are needed by every worker that compares.
            kept: for the outputs of `default`; None keeps nothing.
        """
        self.inputs, self._default, self._kept = inputs, default, kept
        self._recent: LRU[list[Arrays]] = LRU(_KEPT)

    def outputs(self, graph: Graph) -> list[Arrays]:
        return self._recent.find(graph.hash, lambda: self._found(graph))

    def _found(self, graph: Graph) -> list[Arrays]:
        if self._kept is None or self._default is None or graph.hash != self._default.hash:
            return self._outputs(graph)
        key = f"whole outputs of {graph.hash} on ".encode() + _digest(self.inputs)
        known = self._kept.get(key)
        if known is not None:
            return [tuple(array) for array in known]
        found = self._outputs(graph)
        self._kept.put_if_possible(key, tuple(map(np.stack, found)))
        return found

    def _outputs(self, graph: Graph) -> list[Arrays]:
        try:
            found = run_on_each(graph, [one.arrays for one in self.inputs])
        except ReferenceFailed as error:
            raise ReferenceFailed(f"{error} on {self.inputs[error.at].kind} inputs", error.at) from error
        return list(zip(*found, strict=True))


def _digest(inputs: Sequence[CheckInput]) -> bytes:
    digest = sha256()
    for one in inputs:
        for array in one.arrays:
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.digest()
