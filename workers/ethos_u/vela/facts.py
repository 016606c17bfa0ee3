"""Facts about a target, found by compiling the smallest program that shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from search_space.errors import SpaceError
from search_space.ir.graph import INPUT, Graph, Node, Step, TensorType, move
from search_space.ir.layout_map import Shape
from search_space.tosa_file.writer import write_tosa
from workers.cache.lru import LRU
from workers.cache.memo import Memo
from workers.ethos_u.command_stream import StreamError, decode
from workers.ethos_u.stream_cost import MODEL_VERSION, stream_cycles
from workers.ethos_u.stream_cost.evidence_kinds import has_evidence
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import VelaRefused, compile_tosa

_READ_OPERATIONS = 200

#: Answers about programs that are kept in memory: a pass that weighs its sites asks about the same parts over and over.
_KEPT = 1 << 14


class VelaFacts:
    """`search_space.ir.target_facts.TargetFacts` of what Vela emits; what was asked once is remembered in the memo."""

    def __init__(self, target: Target, memo: Memo, versions: Mapping[str, str]) -> None:
        """Compile nothing yet.

        Args:
            target: the accelerator and its board.
            memo: keeps answers.
            versions: of the toolchain, part of what an answer is remembered under.
        """
        self._target, self._memo, self._versions = target, memo, dict(versions)
        self._identity = target.identity()
        self._prices = cache(self._transpose_prices)
        self._kept: LRU[tuple[int, ...] | None] = LRU(_KEPT)

    def transpose_cycles(self, shape: Shape, perms: tuple[int, ...], dtype: str, by_vela: bool = False) -> int | None:
        """As the protocol says.

        Args:
            shape: shape of its input.
            perms: its permutation.
            dtype: its element type.
            by_vela: return Vela's estimate alone.

        Returns:
            Predicted cycles, or None if the target does not take the TRANSPOSE.
        """
        prices = self._prices(shape, perms, dtype)
        if prices is None:
            return None
        stream, vela = prices[:2]
        # What nobody measured may be as dear as either says, and a candidate may be dearer by neither.
        return vela if by_vela else stream if has_evidence(self._target.family, "Transpose") else max(stream, vela)

    def program_cycles(self, program: Graph) -> tuple[int, int] | None:
        found = self._alone(program)
        return None if found is None else (found[0], found[1])

    def program_sram_bytes(self, program: Graph) -> int | None:
        found = self._alone(program)
        return None if found is None else found[2]

    def _alone(self, program: Graph) -> tuple[int, ...] | None:
        def remembered() -> tuple[int, ...] | None:
            return self._remembered(lambda: self._compiled(program, self._whole), kind="by itself", graph=program.hash)

        return self._kept.find(program.hash, remembered)

    def _transpose_prices(self, shape: Shape, perms: tuple[int, ...], dtype: str) -> tuple[int, ...] | None:
        nodes = {0: Node(INPUT, (), TensorType(shape, dtype))}
        nodes[1] = move(0, nodes[0].type, (Step("transpose", perms),))
        alone = Graph(nodes, (0,), (1,), 2)
        return self._remembered(
            lambda: self._compiled(alone, self._extrapolated),
            kind="transpose", shape=list(shape), perms=list(perms), dtype=dtype,
        )  # fmt: skip

    def _remembered(self, found: Callable[[], tuple[int, ...] | None], **of: Any) -> tuple[int, ...] | None:
        """Stream cycles, Vela's estimate and bytes of SRAM; found out once and kept in the memo."""
        key = {**of, "target": self._identity, "versions": self._versions, "stream cost": MODEL_VERSION}
        known = self._memo.get(**key)
        if known is None:
            known = {"prices": found()}
            self._memo.put_if_possible(known, **key)
        prices = known["prices"]
        return None if prices is None else tuple(map(int, prices))

    def _compiled(self, program: Graph, priced: Callable[[bytes], int]) -> tuple[int, ...] | None:
        try:
            compiled = compile_tosa(write_tosa(program), self._target, operators=False)
            return priced(compiled.command_stream), compiled.vela_cycles, compiled.sram_bytes
        except (VelaRefused, StreamError, SpaceError):
            return None

    def _whole(self, stream: bytes) -> int:
        return stream_cycles(decode(stream), self._target).total_cycles

    def _extrapolated(self, stream: bytes) -> int:
        """Of the whole; of a long stream, what its beginning costs by length: a transpose on U55 can be tens of
        thousands of operations, all alike, and a plan with such a one is only to be known as dear."""
        decoded = decode(stream, _READ_OPERATIONS)
        cost = stream_cycles(decoded, self._target)
        if len(cost.operations) < _READ_OPERATIONS:
            return cost.total_cycles
        return cost.total_cycles * len(stream) // decoded.runs[-1].offsets[-1]
