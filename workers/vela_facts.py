"""Facts about a target, found by compiling the smallest program that shows them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from search_space.errors import SpaceError
from search_space.graph import INPUT, Graph, Node, Step, TensorType, move
from search_space.layout_map import Shape
from search_space.write_tosa import write_tosa
from workers.command_stream import StreamError, decode
from workers.memo import Memo
from workers.stream_cost import MODEL_VERSION, stream_cycles
from workers.target import Target
from workers.vela import VelaRefused, compile_tosa

_READ_OPERATIONS = 200


class VelaFacts:
    """`search_space.facts.TargetFacts` of what Vela emits; what was asked once is remembered in the memo.

    versions: of the toolchain, part of what an answer is remembered under.
    """

    def __init__(self, target: Target, memo: Memo, versions: Mapping[str, str]) -> None:
        self._target, self._memo, self._versions = target, memo, dict(versions)
        self._identity = target.identity()
        self._prices = cache(self._remembered)

    def transpose_cycles(self, shape: Shape, perms: tuple[int, ...], dtype: str, by_vela: bool = False) -> int | None:
        prices = self._prices(shape, perms, dtype)
        return None if prices is None else prices[by_vela]

    def program_cycles(self, program: Graph) -> tuple[int, int] | None:
        key = {
            "kind": "alone", "graph": program.hash, "target": self._identity, "versions": self._versions,
            "stream cost": MODEL_VERSION,
        }  # fmt: skip
        known = self._memo.get(**key)
        if known is None:
            known = {"prices": self._priced_alone(program)}
            self._memo.put_if_possible(known, **key)
        prices = known["prices"]
        return None if prices is None else (int(prices[0]), int(prices[1]))

    def _priced_alone(self, program: Graph) -> tuple[int, int] | None:
        try:
            compiled = compile_tosa(write_tosa(program), self._target, operators=False)
            return stream_cycles(decode(compiled.command_stream), self._target).total_cycles, compiled.vela_cycles
        except (VelaRefused, StreamError, SpaceError):
            return None

    def _remembered(self, shape: Shape, perms: tuple[int, ...], dtype: str) -> tuple[int, int] | None:
        """Stream cycles and Vela's estimate."""
        key = {
            "kind": "transpose", "shape": list(shape), "perms": list(perms), "dtype": dtype, "target": self._identity,
            "versions": self._versions, "stream cost": MODEL_VERSION,
        }  # fmt: skip
        known = self._memo.get(**key)
        if known is None:
            known = {"prices": self._compiled_alone(TensorType(shape, dtype), Step("transpose", perms))}
            self._memo.put_if_possible(known, **key)
        prices = known["prices"]
        return None if prices is None else (int(prices[0]), int(prices[1]))

    def _compiled_alone(self, source: TensorType, step: Step) -> tuple[int, int] | None:
        nodes = {0: Node(INPUT, (), source), 1: move(0, source, (step,))}
        try:
            compiled = compile_tosa(write_tosa(Graph(nodes, (0,), (1,), 2)), self._target, operators=False)
            return self._stream_cycles(compiled.command_stream), compiled.vela_cycles
        except (VelaRefused, StreamError):
            return None

    def _stream_cycles(self, stream: bytes) -> int:
        """Of the whole; of a long stream, what its beginning costs by length: a transpose on U55 can be tens of
        thousands of operations, all alike, and a plan with such a one is only to be known as dear."""
        decoded = decode(stream, _READ_OPERATIONS)
        cycles = stream_cycles(decoded, self._target).total_cycles
        if len(decoded.operations) < _READ_OPERATIONS:
            return cycles
        return cycles * len(stream) // decoded.operations[-1].offset
