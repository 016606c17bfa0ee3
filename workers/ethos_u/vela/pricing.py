"""What a program costs, by both predictions: Vela's estimate and the price of the command stream that Vela emits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from search_space.errors import SpaceError
from search_space.ir.graph import Graph
from search_space.tosa_file.writer import write_tosa, written_operators
from workers.cache.lru import LRU
from workers.cache.memo import Memo
from workers.ethos_u.command_stream import Decoded, StreamError, decode, rows_of
from workers.ethos_u.cost.stream_cost import MODEL_VERSION, stream_cycles
from workers.ethos_u.cost.stream_cost.evidence_kinds import has_evidence
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import Compiled, VelaRefused, compile_tosa


@dataclass(frozen=True)
class Row:
    """Predicted cycles of one operation that Vela scheduled, and the node that it comes from.

    Attributes:
        node: its id.
        cycles: of the operations in the command stream that the row stands for.
        vela_cycles: Vela's estimate.
    """

    delegate: int
    name: str
    source_op: str
    npu_op: str
    cycles: int
    vela_cycles: int
    node: int


@dataclass(frozen=True)
class DelegateCosts:
    """Predicted cost of a candidate: sums over its delegates; memory is the largest delegate's SRAM, all flash.

    Attributes:
        conservative_cycles: stream_cycles, with Vela's estimate for kinds of operation that no evidence of the family
            covers.
        transpose_cycles: the part of stream_cycles that is in rows which the NPU runs as transposes.
        host_cycles: of the operators on the CPU and of calling the delegates. It is the same for all candidates that
            ExecuTorch lowers alike.
    """

    stream_cycles: int
    conservative_cycles: int
    vela_cycles: int
    host_cycles: int
    transposes: int
    transpose_cycles: int
    npu_ops: int
    sram_bytes: int
    arena_bytes: int
    flash_bytes: int
    macs: int
    command_stream_sha256: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, eq=False)
class Emitted:
    """What Vela made of a graph: the compilation, and its command stream decoded."""

    compiled: Compiled
    decoded: Decoded


#: Programs that were priced lately. Some are executed next, others once the search goes on from them.
_KEPT = 16

#: In an entry of the memo: why Vela does not take the graph.
_REFUSED = "refused"

_SUMMED = ("stream_cycles", "vela_cycles", "transposes", "transpose_cycles", "npu_ops", "flash_bytes", "macs")


@dataclass(frozen=True)
class Totals:
    """Predicted cost of one graph by itself.

    Attributes:
        stream_cycles: of its command stream.
        vela_cycles: Vela's estimate.
        sram_bytes: peak of SRAM.
    """

    stream_cycles: int
    vela_cycles: int
    sram_bytes: int


class Pricing:
    """Prices programs for one target; what it finds out about a graph goes into the memo.

    A graph has one entry there: its cost with rows, its totals, or Vela's reason for refusal. Parts of programs need no
    rows, and without them Vela compiles faster. Where rows are needed later, the entry is replaced.

    Attributes:
        asked: graphs that were priced with rows.
        known: those among them whose price was remembered.
    """

    def __init__(self, target: Target, memo: Memo, versions: Mapping[str, str]) -> None:
        """Compile nothing yet.

        Args:
            target: the accelerator and its board.
            memo: keeps prices.
            versions: of the toolchain, part of what a price is remembered under.
        """
        self._target, self._memo, self._versions = target, memo, dict(versions)
        self._identity = target.identity()
        self._emitted: LRU[Emitted] = LRU(_KEPT)
        self.asked = self.known = 0

    def cost(self, program: Sequence[Graph], host_cycles: int) -> DelegateCosts:
        """The predicted cost of a candidate.

        Args:
            program: a graph for each delegate.
            host_cycles: of the operators on the CPU, in cycles of the NPU.

        Returns:
            The cost of all delegates together, with a row per operator.

        Raises:
            VelaRefused: Vela does not take a graph, or what it emits cannot be priced.
        """
        costs = [self._graph_cost(graph) for graph in program]
        rows = tuple(
            _row(at, row, graph)
            for at, (one, graph) in enumerate(zip(costs, program, strict=True))
            for row in one["rows"]
        )
        return DelegateCosts(
            **{name: sum(one[name] for one in costs) for name in _SUMMED},
            conservative_cycles=sum(map(self._conservative_cycles, rows)),
            host_cycles=host_cycles,
            sram_bytes=max(one["sram_bytes"] for one in costs),
            arena_bytes=max(one["arena_bytes"] for one in costs),
            command_stream_sha256=tuple(one["command_stream_sha256"] for one in costs),
            rows=rows,
        )

    def _conservative_cycles(self, row: Row) -> int:
        # Not remembered with the price: what evidence covers may change without it.
        return row.cycles if has_evidence(self._target.family, row.npu_op) else row.vela_cycles

    def emitted(self, graph: Graph) -> Emitted:
        """A graph compiled, with Vela's rows, and its stream decoded.

        Raises:
            VelaRefused: Vela does not take the graph.
            StreamError: what it emits is no command stream.
        """

        def made() -> Emitted:
            compiled = compile_tosa(write_tosa(graph), self._target)
            return Emitted(compiled, decode(compiled.command_stream))

        return self._emitted.find(graph.hash, made)

    def totals(self, graph: Graph) -> Totals | None:
        """The predicted cost of a graph by itself, without rows. None if Vela does not take it."""
        key = self._key(graph)
        entry = self._memo.get(**key)
        if entry is None:
            entry = self._totals(graph)
            self._memo.put_if_possible(entry, **key)
        if _REFUSED in entry:
            return None
        return Totals(entry["stream_cycles"], entry["vela_cycles"], entry["sram_bytes"])

    def _totals(self, graph: Graph) -> dict[str, Any]:
        try:
            compiled = compile_tosa(write_tosa(graph), self._target, operators=False)
            cycles = stream_cycles(decode(compiled.command_stream), self._target).total_cycles
        except (VelaRefused, StreamError, SpaceError) as error:
            return {_REFUSED: str(error)}
        return asdict(Totals(cycles, compiled.vela_cycles, compiled.sram_bytes))

    def _key(self, graph: Graph) -> dict[str, Any]:
        return {
            "kind": "graph cost", "graph": graph.hash, "target": self._identity, "versions": self._versions,
            "stream cost": MODEL_VERSION,
        }  # fmt: skip

    def _graph_cost(self, graph: Graph) -> dict[str, Any]:
        key = self._key(graph)
        known = self._memo.get(**key)
        self.asked += 1
        if known is not None and "rows" in known:
            self.known += 1
            return known
        try:
            emitted = self.emitted(graph)
            compiled, cycles_by_row = emitted.compiled, self._cycles_by_row(emitted)
        except StreamError as error:
            raise VelaRefused(f"what it emits cannot be priced, {error}") from error
        origins = written_operators(graph)
        rows = list(zip(compiled.operators, cycles_by_row, strict=True))
        cost = {
            "stream_cycles": sum(cycles_by_row),
            "vela_cycles": compiled.vela_cycles,
            "transposes": compiled.transposes,
            "transpose_cycles": sum(cycles for row, cycles in rows if row.npu_op == "Transpose"),
            "npu_ops": compiled.npu_ops,
            "sram_bytes": compiled.sram_bytes,
            "arena_bytes": compiled.scratch_bytes,
            "flash_bytes": compiled.flash_bytes,
            "macs": compiled.macs,
            "command_stream_sha256": command_stream_hash(compiled.command_stream, compiled.weights),
            # By place in the program, not by name: equal graphs share the entry and have names of their own.
            "rows": [
                [graph.places[origins[row.source_index]], row.source_op, row.npu_op, cycles, row.cycles]
                for row, cycles in rows
            ],
        }
        self._memo.put_if_possible(cost, **key)
        return cost

    def _cycles_by_row(self, emitted: Emitted) -> list[int]:
        rows = emitted.compiled.operators
        owners = rows_of(emitted.decoded, rows)
        priced = stream_cycles(emitted.decoded, self._target).operations
        cycles = [0] * len(rows)
        for owner, one in zip(owners, priced, strict=True):
            cycles[owner] += one.cycles
        return cycles


def command_stream_hash(command_stream: bytes, weights: bytes) -> str:
    """Identity of what the NPU is given: commands and the constants that they read.

    Args:
        command_stream: of a delegate.
        weights: its constants.

    Returns:
        SHA-256 in hexadecimal.
    """
    return hashlib.sha256(len(command_stream).to_bytes(8, "little") + command_stream + weights).hexdigest()


def _row(delegate: int, row: Sequence[Any], graph: Graph) -> Row:
    place, source_op, npu_op, cycles, vela_cycles = row
    node_id = graph.order[place]
    name = graph[node_id].name or f"{source_op} {place}"
    return Row(delegate, name, source_op, npu_op, cycles, vela_cycles, node_id)
