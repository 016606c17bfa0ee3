"""Over the suite: what is left of the transposes, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.lowering.pricing import Bench, Program
from benchmarks.lowering.rewrites.moves import at_the_boundary, interior_moves, moves_by_convolution
from benchmarks.lowering.rewrites.reasons import VELA_OWN, reason
from benchmarks.markdown import change, row
from search_space.ir.verifier import verify
from search_space.recipe.seed_recipes import seed_programs
from workers.ethos_u.vela.compiler import VelaRefused
from workers.ethos_u.vela.pricing import DelegateCosts


@dataclass(frozen=True)
class Part:
    """Stream cycles of what only moves data.

    Attributes:
        boundary: of transposes that turn an input or a result of the program.
        inside: of other movements.
        vela: of transposes that Vela adds for operators that are no movements.
        convolutions: of movements and copies that are written as convolutions, wherever they are.
    """

    boundary: int = 0
    inside: int = 0
    vela: int = 0
    convolutions: int = 0

    @property
    def transposes(self) -> int:
        return self.boundary + self.inside + self.vela

    @property
    def beyond(self) -> int:
        return self.inside + self.vela


@dataclass(frozen=True)
class Left:
    """A model before and after.

    Attributes:
        refused: stream cycles of the cheapest recipe, if that one is not taken because cycles by Vela rise.
    """

    model: str
    default: DelegateCosts
    cost: DelegateCosts
    before: Part
    after: Part
    program: Program
    refused: int | None


def left(model: str, bench: Bench) -> Left:
    """The model by the cheapest of the recipes that a search starts from. It is the cheapest by stream cycles, of those
    whose cycles by Vela are not above the default's."""
    default = bench.lowered(model)
    known = bench.cost(default)
    best, best_cost, refused = default, known, known.stream_cycles
    for graphs in seed_programs(default, bench.facts).values():
        program = [verify(graph) for graph in graphs]
        try:
            cost = bench.cost(program)
        except VelaRefused:
            continue
        if cost.vela_cycles > known.vela_cycles:
            refused = min(refused, cost.stream_cycles)
        elif cost.stream_cycles < best_cost.stream_cycles:
            best, best_cost = program, cost
    return Left(
        model,
        known,
        best_cost,
        _parts(default, known),
        _parts(best, best_cost),
        best,
        refused if refused < best_cost.stream_cycles else None,
    )


def _parts(program: Program, cost: DelegateCosts) -> Part:
    sums: Counter[str] = Counter()
    for one in cost.rows:
        graph = program[one.delegate]
        if moves_by_convolution(graph, one.node):
            sums["convolutions"] += one.cycles
        elif one.npu_op != "Transpose":
            continue
        elif one.source_op != "Transpose":
            sums["vela"] += one.cycles
        elif at_the_boundary(graph, one.node):
            sums["boundary"] += one.cycles
        else:
            sums["inside"] += one.cycles
    return Part(sums["boundary"], sums["inside"], sums["vela"], sums["convolutions"])


def cycles_table(found: Sequence[Left]) -> Iterator[str]:
    """Lines of Markdown."""
    yield from row(
        "model", "stream cycles", "cycles by Vela", "in transposes", "at the boundary", "inside", "Vela's own",
        "as convolutions", "left beyond the boundary", "not taken", header=True,
    )  # fmt: skip
    for one in found:
        before, after = one.before, one.after
        share = f"{after.beyond / before.transposes:.1%}" if before.transposes else "-"
        yield from row(
            one.model,
            change(one.default.stream_cycles, one.cost.stream_cycles),
            change(one.default.vela_cycles, one.cost.vela_cycles),
            change(before.transposes, after.transposes),
            change(before.boundary, after.boundary),
            change(before.inside, after.inside),
            change(before.vela, after.vela),
            change(before.convolutions, after.convolutions),
            share,
            "" if one.refused is None else f"{one.refused:,}",
        )


def reasons_table(found: Sequence[Left]) -> Iterator[str]:
    """Lines of Markdown: every remaining transpose inside the programs; equal ones of a model in one line."""
    yield from row("model", "times", "tensor", "movement", "stream cycles", "why it stays", header=True)
    for one in found:
        times: Counter[tuple[str, str, str]] = Counter()
        cycles: Counter[tuple[str, str, str]] = Counter()
        for delegate, graph in enumerate(one.program):
            spent: Counter[int] = Counter()
            for line in one.cost.rows:
                if line.delegate == delegate and line.npu_op == "Transpose":
                    spent[line.node] += line.cycles
            for node_id, node in interior_moves(graph):
                key = (str(node.type), str(node.layout_map), reason(graph, node_id))
                times[key] += 1
                cycles[key] += spent.pop(node_id, 0)
        for line in one.cost.rows:
            if line.npu_op == "Transpose" and line.source_op != "Transpose":
                node = one.program[line.delegate][line.node]
                own = VELA_OWN.get(line.source_op, f"Vela's own, for {line.source_op}")
                key = (str(node.type), f"for {line.source_op}", own)
                times[key] += 1
                cycles[key] += line.cycles
        for (tensor, movement, why), count in times.items():
            yield from row(one.model, str(count), tensor, movement, f"{cycles[tensor, movement, why]:,}", why)
