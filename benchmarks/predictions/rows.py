"""Vela's rows of a program beside the stream cycles of the same operations."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import prod

from benchmarks.predictions.vela_inputs import CORRECTIONS, Recomputed, Row, recompute
from workers.ethos_u.command_stream import Operation, decode, rows_of
from workers.ethos_u.cost.stream_cost import stream_cycles
from workers.ethos_u.cost.stream_cost.hardware.npu import Npu, npu_of
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa, debug_tables

#: Artefact classes beside `CORRECTIONS`, in the order in which a row is asked for them.
CLASSES = {
    "many pools": "U55, U65: a transpose, priced by its traffic alone but run as many pool operations",
    "many products": "U55, U65: a matrix product, priced per column but run as pairs of operations",
    "turned blocks": "U85: the shape after the transpose is divided by blocks and microblocks of before it",
    "split": "a convolution run in parts, each priced as the whole of it",
    "shared copy": "weights copied once for the parts of a convolution run in parts, charged to each part",
    "slices": "weights copied and worked off in slices, priced as one operation that hides all copies but the first",
    "rivalry": "weights copied while the operation before reads the same memory all the time, priced as hidden",
    "table copy": "a look-up table that is copied in: charged for some operations, forgotten for others",
    "second factor": "U85: a matrix product, priced without reading its second factor",
    "no formula": "U85: a resize or gather, priced as if it computed nothing",
    "several": "more than one of those below, none of which shows alone",
    "batches": "a row with batches, of which Vela's tables tell too little",
}


@dataclass(frozen=True)
class Compared:
    """A row of Vela's report.

    Attributes:
        model, name, operator: where it is from; the operator in Vela's spelling.
        vela_cycles: as reported.
        exact: whether Vela's formulas make the same number of Vela's inputs; None if they have too little to go by.
        stream_cycles, start_cycles: of the operations in the stream, without starting them, and for starting them.
        operations: how many those are.
        artefact: what sets the two apart, of `CLASSES` and `CORRECTIONS`; "" if nothing is known to.
    """

    model: str
    name: str
    operator: str
    vela_cycles: int
    exact: bool | None
    stream_cycles: int
    start_cycles: int
    operations: int
    artefact: str


def compared_rows(model: str, tosa: bytes, target: Target) -> list[Compared]:
    """Every row of the program that is not fused into another one. Raises VelaRefused."""
    npu = npu_of(target)
    compiled, tables = compile_tosa(tosa, target), debug_tables(tosa, target)
    decoded = decode(compiled.command_stream)
    cost = stream_cycles(decoded, target)
    debug, main = ({cells["id"]: cells for cells in tables[name]} for name in ("perf_debug", "perf_debug_main"))
    members: dict[int, list[int]] = defaultdict(list)
    for index, at in enumerate(rows_of(decoded, compiled.operators)):
        members[at].append(index)
    found: list[Compared] = []
    before: Recomputed | None = None
    slack = 0
    for at, operator_cost in enumerate(compiled.operators):
        if operator_cost.fused:
            continue
        riders = 0
        while at + 1 + riders < len(compiled.operators) and compiled.operators[at + 1 + riders].fused:
            riders += 1
        own = [index for one in range(at, at + 1 + riders) for index in members[one]]
        perf = tables["perf"][at]
        operations = [decoded.operations[index] for index in own]
        row = Row(perf, debug[perf["id"]], main.get(perf["id"], {}), operations, riders, slack)
        again = recompute(npu, row) if row.main else None
        start = sum(cost.operations[index].start_cycles for index in own)
        found.append(
            Compared(
                model=model,
                name=operator_cost.name,
                operator=operator_cost.npu_op,
                vela_cycles=operator_cost.cycles,
                exact=None if again is None else abs(again.cycles - operator_cost.cycles) <= 1,
                stream_cycles=sum(cost.operations[index].cycles for index in own) - start,
                start_cycles=start,
                operations=len(own),
                artefact=_artefact(npu, row, again, before),
            )
        )
        # Of a row that Vela has no formula for, what it says of the NPU is all there is.
        slack = again.compute_cycles if again else int(perf["npu_cycles"])
        before = again
    return found


def _artefact(npu: Npu, row: Row, again: Recomputed | None, before: Recomputed | None) -> str:
    """By what is in the row, never by how far it is off."""
    operator = row.perf["operator"]
    computing = [one for one in row.operations if one.computes]
    if not npu.u85 and operator in ("Transpose", "MatMul"):
        return "many pools" if operator == "Transpose" else "many products"
    if not computing or any(one.kind == "resize" for one in computing):
        return "no formula"
    if any(one.ofm is not None and one.ofm.transpose != "HWC" for one in computing):
        return "turned blocks"
    if any(one.weights_from_ifm2 for one in computing):
        return "second factor"
    if again is None:
        return "batches"
    if _computed(computing) < 0.9 * _reported(row):
        return "split"
    if row.debug["weight_buffering"] not in ("", "None") and not any(one.dma for one in row.operations):
        return "shared copy"
    if len(row.debug["ofm_depth_slices"].split("|")) > 2:
        return "slices"
    for name in CORRECTIONS:
        other = recompute(npu, row, (name,))
        if other is not None and abs(other.cycles - again.cycles) > 0.01 * again.cycles:
            return name
    every = recompute(npu, row, tuple(CORRECTIONS))
    if every is not None and abs(every.cycles - again.cycles) > 0.01 * again.cycles:
        return "several"
    if any(one.dma is not None and one.dma.destination.region is None for one in row.operations):
        return "table copy"
    if operator == "LUT":
        return "table copy"  # its table is there already
    copies = [one for one in row.operations if one.dma is not None]
    constants = npu.regions[0]
    if copies and before and before.memory_cycles.get(constants.name, 0) > 0.5 * before.compute_cycles:
        return "rivalry"
    return ""


def _computed(computing: list[Operation]) -> int:
    chained = [one.ofm for one in computing if one.ofm is not None and one.ofm.in_memory]
    return sum(ofm.elements for ofm in chained)


def _reported(row: Row) -> int:
    name = "ofm_slice" if row.debug["ofm_slice_h"] != "0" else "ofm_shape"
    return prod(int(row.debug[f"{name}_{axis}"]) for axis in "hwc")
