"""A program's outputs twice: by the TOSA reference model, and by executing what Vela makes of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search_space.ir.graph import Graph
from search_space.tosa_file.writer import write_tosa
from workers.checking.check_inputs import CheckInput, check_inputs
from workers.checking.reference import run_on_each
from workers.checking.verdict import Verdict
from workers.ethos_u.npu_model import Fault, NpuProgram, execute
from workers.ethos_u.stream_check.interface import compared, used_inputs
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa


def compiled(graph: Graph, accelerator: str) -> NpuProgram:
    """What the NPU is given for a program."""
    return compile_tosa(write_tosa(graph), Target.parse(accelerator), operators=False).npu_program


def inputs_for(graph: Graph, indices: dict[int, int] | None = None) -> list[CheckInput]:
    """Random and extreme inputs. indices: number of an input that holds indices -> how many there are to choose."""
    sets = check_inputs(graph, [], seed=3)
    for number, count in (indices or {}).items():
        for one in sets:
            np.remainder(one.arrays[number], count, out=one.arrays[number])
    return sets


def stacked(sets: Sequence[CheckInput]) -> list[np.ndarray]:
    """One array for each input, the sets first."""
    return [np.stack(arrays) for arrays in zip(*(one.arrays for one in sets), strict=True)]


def is_right(graph: Graph, accelerator: str) -> bool:
    """Whether the stream that Vela makes of a program, executed, computes what the reference model says of it."""
    try:
        return verdict(graph, compiled(graph, accelerator), inputs_for(graph)).equal
    except Fault:
        return False


def verdict(graph: Graph, program: NpuProgram, sets: Sequence[CheckInput]) -> Verdict:
    """Whether the stream, executed, computes what the reference model says of the program."""
    expected = zip(*run_on_each(graph, [one.arrays for one in sets]), strict=True)
    found = execute(program, used_inputs(graph, program, stacked(sets)))
    return compared(graph, program, list(map(np.stack, expected)), found, [one.kind for one in sets])
