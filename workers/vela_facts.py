"""Facts about a target, found by compiling the smallest program that shows them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from search_space.graph import INPUT, Graph, Node, Step, TensorType, move
from search_space.layout_map import Shape
from search_space.write_tosa import write_tosa
from workers.memo import Memo
from workers.target import Target
from workers.vela import VelaRefused, compile_tosa


class VelaFacts:
    """`search_space.facts.TargetFacts` by Vela's estimate; what was asked once is remembered in the memo.

    versions: of the toolchain, part of what an answer is remembered under.
    """

    def __init__(self, target: Target, memo: Memo, versions: Mapping[str, str]) -> None:
        self._target, self._memo, self._versions = target, memo, dict(versions)
        self._identity = target.identity()
        self.transpose_cycles = cache(self._transpose_cycles)

    def _transpose_cycles(self, shape: Shape, perms: tuple[int, ...], dtype: str) -> int | None:
        key = {
            "kind": "transpose", "shape": list(shape), "perms": list(perms), "dtype": dtype, "target": self._identity,
            "versions": self._versions,
        }  # fmt: skip
        known = self._memo.get(**key)
        if known is None:
            known = {"cycles": self._compiled_alone(TensorType(shape, dtype), Step("transpose", perms))}
            self._memo.put_if_possible(known, **key)
        cycles = known["cycles"]
        return None if cycles is None else int(cycles)

    def _compiled_alone(self, source: TensorType, step: Step) -> int | None:
        nodes = {0: Node(INPUT, (), source), 1: move(0, source, (step,))}
        try:
            return compile_tosa(write_tosa(Graph(nodes, (0,), (1,), 2)), self._target, operators=False).vela_cycles
        except VelaRefused:
            return None
