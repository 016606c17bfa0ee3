"""Facts about a target, found by compiling the smallest program that shows them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from search_space.building.miscompiled.wide_scales import SCALE_BITS, SUM_SCALE_BITS_U85
from search_space.errors import SpaceError
from search_space.ir.graph import INPUT, Graph, Node, Step, TensorType, move
from search_space.ir.layout_map import Shape
from search_space.tosa_file.writer import write_tosa
from workers.cache.lru import LRU
from workers.cache.memo import Memo
from workers.ethos_u.command_stream import StreamError, decode
from workers.ethos_u.cost.stream_cost import MODEL_VERSION, stream_cycles
from workers.ethos_u.cost.stream_cost.evidence_kinds import has_evidence
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import VelaRefused, compile_tosa
from workers.ethos_u.vela.pricing import Pricing, Totals

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
        self._pricing = Pricing(target, memo, versions)
        self._kept: LRU[Totals | None] = LRU(_KEPT)

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
        stream, vela = prices
        # What nobody measured may cost what either says, and a candidate may cost more by neither.
        return vela if by_vela else stream if has_evidence(self._target.family, "Transpose") else max(stream, vela)

    def program_cycles(self, program: Graph) -> tuple[int, int] | None:
        found = self._alone(program)
        return None if found is None else (found.stream_cycles, found.vela_cycles)

    def program_sram_bytes(self, program: Graph) -> int | None:
        found = self._alone(program)
        return None if found is None else found.sram_bytes

    def sum_scale_bits(self) -> int:
        return SUM_SCALE_BITS_U85 if self._target.family == "ethos-u85" else SCALE_BITS

    def _alone(self, program: Graph) -> Totals | None:
        return self._kept.find(program.hash, lambda: self._pricing.totals(program))

    def _transpose_prices(self, shape: Shape, perms: tuple[int, ...], dtype: str) -> tuple[int, int] | None:
        """Stream cycles and Vela's estimate; found out once and kept in the memo."""
        key = {
            "kind": "transpose", "shape": list(shape), "perms": list(perms), "dtype": dtype,
            "target": self._identity, "versions": self._versions, "stream cost": MODEL_VERSION,
        }  # fmt: skip
        known = self._memo.get(**key)
        if known is None:
            known = {"prices": self._compiled_transpose(shape, perms, dtype)}
            self._memo.put_if_possible(known, **key)
        prices = known["prices"]
        return None if prices is None else (int(prices[0]), int(prices[1]))

    def _compiled_transpose(self, shape: Shape, perms: tuple[int, ...], dtype: str) -> tuple[int, int] | None:
        nodes = {0: Node(INPUT, (), TensorType(shape, dtype))}
        nodes[1] = move(0, nodes[0].type, (Step("transpose", perms),))
        try:
            compiled = compile_tosa(write_tosa(Graph(nodes, (0,), (1,), 2)), self._target, operators=False)
            return self._extrapolated(compiled.command_stream), compiled.vela_cycles
        except (VelaRefused, StreamError, SpaceError):
            return None

    def _extrapolated(self, stream: bytes) -> int:
        """Of the whole stream. Of a long one, what its beginning costs, scaled by length. A transpose on U55 can be
        tens of thousands of operations, all alike. That a plan with one is expensive is all that has to be known."""
        decoded = decode(stream, _READ_OPERATIONS)
        cost = stream_cycles(decoded, self._target)
        if len(cost.operations) < _READ_OPERATIONS:
            return cost.total_cycles
        return cost.total_cycles * len(stream) // decoded.runs[-1].offsets[-1]
