"""Streams that are changed at random are found out, if the change reaches an output.

A change of a register, an address or a constant reaches an output if executing the stream gives another one or ends in
a fault. The inputs are those of the check, or more random ones. A wait that is left out reaches an output if a copy
leads to another one. The copy is carried out as late, or as early, as the stream then allows. Found out is what the
check of a best finds. It executes the stream on the inputs of the check, asks the guard, and looks for hazards.

`make fuzz MUTATIONS=1000` changes as many streams.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from random import Random

import numpy as np
import pytest
from support.programs.npu_programs import everything
from support.streams.changed_streams import with_value, without
from support.values.executed import inputs_for, stacked

from search_space.ir.graph import Graph
from search_space.tosa_file.reader import read_tosa
from workers.checking.check_inputs import more_random_inputs
from workers.ethos_u.command_stream import Command, Decoded, Kind, Operation, Run, Span, StreamError, commands, decode
from workers.ethos_u.command_stream.commands import SECOND_WORD_FOLLOWS
from workers.ethos_u.npu_model import Fault, NpuProgram, Unmodelled, execute, expected_accesses, guard, hazards
from workers.ethos_u.npu_model.machine.machine import Machine
from workers.ethos_u.npu_model.run import initial_memory, output_of
from workers.ethos_u.stream_check.interface import used_inputs
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import Compiled, compile_tosa

MUTATIONS = int(os.environ.get("MUTATIONS", 150))
_PROGRAMS = (
    "conv",
    "depthwise",
    "max pool",
    "transpose",
    "concat",
    "add",
    "broadcast",
    "table",
    "matmul",
    "many weights",
)
_WAITS = ("NPU_OP_DMA_WAIT", "NPU_OP_KERNEL_WAIT")
_LATEST = 4
_MORE = 8  # sets of random inputs beside those of the check


@dataclass(frozen=True, eq=False)
class Case:
    """A program, what Vela makes of it, inputs, and the outputs that are right."""

    graph: Graph
    compiled: Compiled
    inputs: list[np.ndarray]
    outputs: list[bytes]

    @property
    def program(self) -> NpuProgram:
        return self.compiled.npu_program


@cache
def case(accelerator: str, name: str) -> Case:
    graph = read_tosa(everything(accelerator.rpartition("-")[0])[name])
    compiled = compile_tosa(everything(accelerator.rpartition("-")[0])[name], Target.parse(accelerator))
    sets = [*inputs_for(graph), *more_random_inputs(graph, (), seed=3)]
    inputs = used_inputs(graph, compiled.npu_program, stacked(sets))
    return Case(graph, compiled, inputs, [one.tobytes() for one in execute(compiled.npu_program, inputs)])


def outcome(program: NpuProgram, inputs: list[np.ndarray]) -> list[bytes] | None:
    """The outputs; None if the stream cannot be executed."""
    try:
        return [one.tobytes() for one in execute(program, inputs)]
    except (Fault, Unmodelled, StreamError):
        return None


def is_found_out(one: Case, program: NpuProgram) -> bool:
    """By what a best is checked with."""
    if outcome(program, one.inputs) != one.outputs:
        return True
    try:
        decoded = decode(program.command_stream)
        expected = expected_accesses(one.graph, one.compiled.operators)
        return bool(guard(program, decoded, expected) or hazards(program, decoded))
    except (Unmodelled, StreamError):
        return True


def reaches_an_output(one: Case, program: NpuProgram) -> bool:
    random = np.random.default_rng(9)
    more = [random.integers(-128, 128, (_MORE, *each.shape[1:])).astype(each.dtype) for each in one.inputs]
    return outcome(program, one.inputs) != one.outputs or outcome(program, more) != outcome(one.program, more)


def constants_of(operation: Operation) -> list[Span]:
    """Weights, scales and tables that an operation reads or copies from the constants."""
    found = [*operation.weights, *operation.scales]
    if operation.dma is not None:
        found.append(operation.dma.source)
    return [span for span in found if span.region == 0]


def changed(one: Case, kind: str, random: Random) -> NpuProgram | None:
    """The program with one change; None if it has nothing of the kind."""
    program = one.program
    found = list(commands(program.command_stream))
    if kind == "constant":
        spans = [span for operation in decode(program.command_stream).operations for span in constants_of(operation)]
        if not spans:
            return None
        span = random.choice(spans)
        constants = bytearray(program.constants)
        constants[span.address + random.randrange(span.length_bytes)] ^= 1 << random.randrange(8)
        return replace(program, constants=bytes(constants))
    is_address = [one for one in found if "_BASE" in one.name]
    registers = [one for one in found if one.name.startswith("NPU_SET_") and "_BASE" not in one.name]
    command = random.choice(is_address if kind == "address" else registers)
    bits = 20 if kind == "address" else 16
    if command.code & SECOND_WORD_FOLLOWS and kind == "register":
        bits = 31
    value = command.value & 0xFFFF_FFFF ^ 1 << random.randrange(bits)
    return replace(program, command_stream=with_value(program.command_stream, command, value))


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-512", "ethos-u85-256"])
def test_changes_are_found_out(accelerator: str) -> None:
    random, came_to = Random(accelerator), Counter[str]()
    while came_to["found out"] + came_to["missed"] < MUTATIONS // 3:
        one = case(accelerator, random.choice(_PROGRAMS))
        program = changed(one, random.choice(["register", "address", "constant"]), random)
        if program is None or not reaches_an_output(one, program):
            came_to["reaches no output"] += 1
        else:
            came_to["found out" if is_found_out(one, program) else "missed"] += 1
    print(f"{accelerator}: {dict(came_to)}")  # noqa: T201 (for `make fuzz`)
    assert came_to["missed"] <= max(1, MUTATIONS // 300)


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-512", "ethos-u85-256"])
def test_waits_that_are_left_out_are_found_out(accelerator: str) -> None:
    came_to = Counter[str]()
    for name in _PROGRAMS:
        one = case(accelerator, name)
        for command in commands(one.program.command_stream):
            if command.name in _WAITS:
                reaches = any(order != one.outputs for order in other_orders(one, command))
                program = replace(one.program, command_stream=without(one.program.command_stream, command))
                found = bool(hazards(program, decode(program.command_stream)))
                came_to["reaches no output" if not reaches else "found out" if found else "missed"] += 1
    print(f"{accelerator} wait: {dict(came_to)}")  # noqa: T201 (for `make fuzz`)
    assert came_to["found out"] and not came_to["missed"]


def other_orders(one: Case, wait: Command) -> Iterator[list[bytes] | None]:
    """Outputs where copies before a wait are carried out after the operation behind it, or that operation, if it is a
    copy, before computations in front of it."""
    decoded = decode(one.program.command_stream)
    runs = list(decoded.runs)
    behind = next(at for at, run in enumerate(runs) if run.offsets[0] > wait.offset)
    copies = runs[behind].first.kind is Kind.DMA
    for at in range(max(0, behind - _LATEST), behind):
        if copies and runs[at].first.kind is not Kind.DMA:
            yield outcome_in_order(one, decoded, [*runs[:at], runs[behind], *runs[at:behind], *runs[behind + 1 :]])
        elif not copies and runs[at].first.kind is Kind.DMA:
            yield outcome_in_order(
                one, decoded, [*runs[:at], *runs[at + 1 : behind + 1], runs[at], *runs[behind + 1 :]]
            )


def outcome_in_order(one: Case, decoded: Decoded, runs: list[Run]) -> list[bytes] | None:
    memory = initial_memory(one.program, decoded.accelerator, one.inputs)
    machine = Machine(decoded, memory)
    try:
        for run in runs:
            machine.execute(run)
    except (Fault, Unmodelled):
        return None
    return [output_of(memory, tensor).tobytes() for tensor in one.program.outputs]
