"""Inputs and outputs of a command stream beside those of the TOSA program that Vela made it of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search_space.ir.graph import Graph
from workers.checking.reference_check import difference
from workers.checking.verdict import Verdict
from workers.ethos_u.npu_model import Fault, NpuProgram


def used_inputs(graph: Graph, program: NpuProgram, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Inputs of a program without those that Vela dropped because nobody reads them.

    Args:
        graph: the program.
        program: what Vela made of it.
        inputs: one array per graph input.

    Returns:
        One array per input of the stream.

    Raises:
        Fault: what is left is not as many as the program takes.
    """
    if len(inputs) == len(program.inputs):
        return list(inputs)
    used = [array for i, array in zip(graph.inputs, inputs, strict=True) if graph.users[i] or i in graph.outputs]
    if len(used) != len(program.inputs):
        raise Fault(f"Vela made {len(program.inputs)} inputs of {len(inputs)}, of which {len(used)} are used")
    return used


def compared(
    graph: Graph, program: NpuProgram, expected: Sequence[np.ndarray], found: Sequence[np.ndarray], kinds: Sequence[str]
) -> Verdict:
    """Compare outputs on several sets of inputs. What is given out twice, as it is or behind movements that cancel,
    Vela may give out once.

    Args:
        graph: the program.
        program: what Vela made of it.
        expected: of the program, `[S, ...]`.
        found: of the command stream, `[S, ...]`.
        kinds: of the sets of inputs.

    Returns:
        Whether they are equal byte by byte; if not, where.
    """
    numbers = list(range(len(graph.outputs)))
    if len(found) != len(numbers):
        if _given_once(expected, found):
            return Verdict(True)
        numbers = [graph.outputs.index(i) for i in dict.fromkeys(graph.outputs)]
    if len(found) != len(numbers):
        return Verdict(False, f"the command stream has {len(found)} outputs, the program {len(graph.outputs)}")
    for number, array in zip(numbers, found, strict=True):
        wanted = expected[number]
        if array[0].nbytes != wanted[0].nbytes:
            return Verdict(False, f"output {number} has {array[0].nbytes} bytes in the command stream")
        for at, kind in enumerate(kinds):
            # Of a program without inputs there is one result for all sets.
            one = np.ascontiguousarray(array[at % len(array)]).view(wanted.dtype).reshape(wanted.shape[1:])
            reason = difference(number, wanted[at], one)
            if reason:
                return Verdict(False, f"{reason} on {kind} inputs when the command stream is executed")
    return Verdict(True)


def _given_once(expected: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> bool:
    """Whether what is found is expected in that order, and what is left out in between is found elsewhere. An output
    that is lost is not: its values are not among those given."""
    contents = [_content(array, len(expected[0])) for array in found]
    left = iter(contents)
    following = next(left, None)
    for wanted in (_content(array, len(array)) for array in expected):
        if wanted == following:
            following = next(left, None)
        elif wanted not in contents:
            return False
    return following is None


def _content(array: np.ndarray, sets: int) -> list[bytes]:
    """The bytes of every set; of a program without inputs there is one result for all."""
    return [array[at % len(array)].tobytes() for at in range(sets)]
