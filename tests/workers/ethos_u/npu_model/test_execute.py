"""Executed streams give the TOSA reference model's outputs, on every accelerator."""

from __future__ import annotations

import numpy as np
import pytest
from support.programs.npu_programs import everything
from support.streams.emitted import ACCELERATORS
from support.values.executed import compiled, inputs_for, stacked, verdict

from search_space.tosa_file.reader import read_tosa
from velatune.testing.program import Program
from workers.checking.verdict import Verdict
from workers.ethos_u.command_stream import Operation, decode
from workers.ethos_u.npu_model import Fault, NpuProgram, Unmodelled, execute
from workers.ethos_u.npu_model.machine.operation_cache import OperationCache

_INDICES = {"gather": {1: 10}}


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_every_kind_of_operation(accelerator: str) -> None:
    for name, tosa in everything(accelerator.rpartition("-")[0]).items():
        graph = read_tosa(tosa)
        found = verdict(graph, compiled(graph, accelerator), inputs_for(graph, _INDICES.get(name)))
        assert found == Verdict(True), name


def image_program() -> Program:
    p = Program()
    p.input(1, 12, 12, 16)
    return p


def transposed(accelerator: str) -> tuple[NpuProgram, list[np.ndarray]]:
    p = image_program()
    graph = p.graph(p.transpose(p.conv(0, 24, (3, 3)), 0, 3, 1, 2))
    return compiled(graph, accelerator), stacked(inputs_for(graph))


@pytest.mark.parametrize("accelerator", ["ethos-u55-64", "ethos-u65-512"])
def test_operations_of_a_run_are_executed_at_once_as_one_by_one(accelerator: str) -> None:
    program, inputs = transposed(accelerator)
    assert any(len(run.offsets) > 5 for run in decode(program.command_stream).runs)
    at_once: list[tuple[int, bytes]] = []
    outputs = execute(program, inputs, trace=lambda one, values: at_once.append((one.offset, values.tobytes())))
    for number in range(len(inputs[0])):
        one_by_one: list[tuple[int, bytes]] = []

        def note(operation: Operation, values: np.ndarray, into: list[tuple[int, bytes]] = one_by_one) -> None:
            into.append((operation.offset, values.tobytes()))

        alone = execute(program, [inputs[0][number : number + 1]], trace=note)
        assert alone[0].tobytes() == outputs[0][number : number + 1].tobytes()
        assert [offset for offset, _ in one_by_one] == [offset for offset, _ in at_once]


def test_sets_of_inputs_do_not_mix() -> None:
    program, inputs = transposed("ethos-u85-256")
    assert len(inputs[0]) >= 4
    together = execute(program, inputs)
    each = [execute(program, [inputs[0][at : at + 1]]) for at in range(len(inputs[0]))]
    assert np.concatenate([one[0] for one in each]).tobytes() == together[0].tobytes()


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u85-256"])
def test_values_of_other_programs_change_nothing(accelerator: str) -> None:
    cache = OperationCache(1 << 24)
    for name, tosa in everything(accelerator.rpartition("-")[0]).items():
        graph = read_tosa(tosa)
        program, inputs = compiled(graph, accelerator), stacked(inputs_for(graph, _INDICES.get(name)))
        expected = execute(program, inputs)
        for _ in range(2):
            found = execute(program, inputs, cache=cache)
            assert [one.tobytes() for one in found] == [one.tobytes() for one in expected], name


def test_operations_with_other_clamps_are_other_operations() -> None:
    cache, outputs = OperationCache(1 << 24), []
    for high in (20, 50):
        p = image_program()
        graph = p.graph(p.clamp(p.conv(0, 16), -20, high))
        outputs += execute(compiled(graph, "ethos-u55-128"), stacked(inputs_for(graph)), cache=cache)
    assert (outputs[0].max(), outputs[1].max()) == (20, 50)


def test_more_inputs_than_there_are_is_a_fault() -> None:
    program, inputs = transposed("ethos-u55-128")
    with pytest.raises(Fault, match="1 inputs, 2 were given"):
        execute(program, inputs * 2)
    with pytest.raises(Fault, match="input 0 has 2303 bytes, the program takes 2304"):
        execute(program, [np.zeros((1, 2303), np.int8)])


def test_an_arena_that_is_too_small_is_a_fault() -> None:
    program, inputs = transposed("ethos-u55-128")
    small = NpuProgram(program.command_stream, program.constants, 4608, None, program.inputs, program.outputs)
    with pytest.raises(Fault, match="of region 1, which has 4608 bytes"):
        execute(small, inputs)


def changed(program: NpuProgram, name: str, value: int) -> NpuProgram:
    """With the parameter of every command of a name set to another value."""
    from workers.ethos_u.command_stream import commands
    from workers.ethos_u.command_stream.commands import HEADER_BYTES

    stream, count = bytearray(program.command_stream), 0
    for command in commands(program.command_stream):
        if command.name == name:
            stream[HEADER_BYTES + command.offset + 2 : HEADER_BYTES + command.offset + 4] = value.to_bytes(2, "little")
            count += 1
    assert count
    return NpuProgram(
        bytes(stream), program.constants, program.arena_bytes, program.fast_bytes, program.inputs, program.outputs
    )


@pytest.mark.parametrize(
    ("register", "value", "said"),
    [
        ("NPU_SET_ACC_FORMAT", 2, "F16"),
        ("NPU_SET_ACTIVATION", 3, "tanh"),
        ("NPU_SET_ACTIVATION", 16, "table"),
        ("NPU_SET_OFM_REGION", 0, "read-only"),
        ("NPU_SET_IFM_REGION", 5, "region 5"),
    ],
)
def test_what_is_not_known_is_never_guessed(register: str, value: int, said: str) -> None:
    p = image_program()
    graph = p.graph(p.conv(0, 16, (3, 3)))
    program = changed(compiled(graph, "ethos-u55-128"), register, value)
    with pytest.raises((Unmodelled, Fault), match=said):
        execute(program, stacked(inputs_for(graph)))
