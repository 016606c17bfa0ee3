"""Elementwise operations and RESCALEs give the reference model's results, from one end of their types to the other."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain

import pytest
from support.streams.elementwise_inputs import everywhere, on_u85, wide_inputs
from support.values.executed import compiled, verdict

from velatune.testing.program import Program
from workers.checking.verdict import Verdict
from workers.ethos_u.command_stream import Kind, Operation, decode


def settings_of(operation: Operation) -> set[str]:
    """What an elementwise operation is given beside its mode."""
    if operation.family == "ethos-u85":
        ifm, ifm2 = operation.ifm, operation.ifm2
        scaled = {f"{name}_SCALE" for name in ("IFM", "IFM2", "OFM") if scale(operation, name) not in ((1, 0), None)}
        scalars = {f"scalar {n}" for n, one in enumerate((ifm, ifm2)) if one is not None and one.scalar is not None}
        broadcast = {f"broadcast {n}" for n, one in enumerate((ifm, ifm2)) if one is not None and one.broadcast}
        return scaled | scalars | broadcast | {str(operation.rounding)}
    found = {str(operation.rounding), str(operation.ifm_scale_mode)}
    if operation.ifm2 is not None:
        found.add(operation.registers.choice("IFM2_BROADCAST", "operand_order"))
    return found


def scale(operation: Operation, name: str) -> tuple[int, int] | None:
    """A scale register of U85."""
    if name == "IFM2" and operation.ifm2 is None:
        return None
    number = operation.registers.number
    return number(f"{name}_SCALE", "scale"), number(f"{name}_SCALE", "shift")


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-512"])
def test_u55_and_u65(accelerator: str) -> None:
    used: dict[str, set[str]] = defaultdict(set)
    for name, (graph, reach) in everywhere():
        program = compiled(graph, accelerator)
        assert verdict(graph, program, wide_inputs(graph, reach)) == Verdict(True), name
        for operation in decode(program.command_stream).operations:
            if operation.kind is Kind.ELEMENTWISE:
                used[str(operation.mode)] |= settings_of(operation)
    assert set(used) == {"MUL", "ADD", "SUB", "MIN", "MAX", "ABS", "CLZ", "SHR", "SHL"}
    for mode in ("ADD", "SUB"):
        assert {"OPA_OPB_16", "OPA_32", "OPB_32", "ORDER_A", "ORDER_B", "NATURAL"} <= used[mode]
    assert {"NATURAL", "DBL"} <= used["MUL"] & used["SHR"]


@pytest.mark.parametrize("accelerator", ["ethos-u85-256"])
def test_u85(accelerator: str) -> None:
    used: dict[str, set[str]] = defaultdict(set)
    for name, (graph, reach) in chain(everywhere(), on_u85()):
        program = compiled(graph, accelerator)
        assert verdict(graph, program, wide_inputs(graph, reach)) == Verdict(True), name
        for operation in decode(program.command_stream).operations:
            if operation.kind is Kind.ELEMENTWISE:
                used[str(operation.mode)] |= settings_of(operation)
    assert set(used) == {
        "MUL", "ADD", "SUB", "MIN", "MAX", "ABS", "CLZ", "SHR", "SHL", "LSR", "DIV", "NOT", "AND", "OR", "XOR",
        "AND_NOT", "CMP_EQ", "CMP_NE", "CMP_GT", "CMP_GE",
    }  # fmt: skip
    assert {"IFM_SCALE", "IFM2_SCALE", "OFM_SCALE", "scalar 0", "scalar 1", "broadcast 0", "broadcast 1"} <= used["SUB"]
    assert {"IFM_SCALE", "IFM2_SCALE"} <= used["CMP_GT"] & used["MAX"]
    assert {"NATURAL", "DOUBLE_SYMMETRIC"} <= used["MUL"]
    assert {"NATURAL", "TRUNCATE_TO_LOWER"} <= used["SHR"]


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u85-256"])
def test_large_feature_maps_are_computed_in_parts(accelerator: str) -> None:
    full = (1, 90, 70, 33)
    shapes = [(full, full), (full, (1, 1, 70, 33)), ((1, 1, 1, 1), full), (full, (1, 90, 1, 1))]
    if accelerator == "ethos-u85-256":
        shapes += [((1, 90, 1, 33), (1, 1, 70, 1)), ((1, 1, 70, 33), (1, 90, 1, 1))]
    for first, second in shapes:
        p = Program()
        operands = p.input(*first, dtype="INT32"), p.input(*second, dtype="INT32")
        graph = p.graph(p.op("SUB", operands, full))
        assert verdict(graph, compiled(graph, accelerator), wide_inputs(graph, 1 << 30)) == Verdict(True), (
            first,
            second,
        )
