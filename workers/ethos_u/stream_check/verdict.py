"""Does a command stream compute what the TOSA program does that it was made of, bit for bit?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search_space.ir.graph import Graph
from workers.checking.check_inputs import CheckInput
from workers.checking.reference_check import Outputs
from workers.checking.verdict import Verdict
from workers.ethos_u.command_stream import Decoded, StreamError, decode
from workers.ethos_u.command_stream.operator_cost import OperatorCost
from workers.ethos_u.npu_model import Fault, NpuProgram, Unmodelled, execute, expected_accesses, guard
from workers.ethos_u.npu_model.machine.operation_cache import OperationCache
from workers.ethos_u.stream_check.first_difference import first_difference
from workers.ethos_u.stream_check.interface import compared, used_inputs


def stream_verdict(
    graph: Graph, program: NpuProgram, rows: Sequence[OperatorCost], computed: Outputs, *, on_all: bool = True,
    named: bool = True, decoded: Decoded | None = None, cache: OperationCache | None = None,
) -> Verdict:  # fmt: skip
    """Compare what a command stream computes with what its program computes.

    Args:
        graph: the program.
        program: the stream and what belongs to it.
        rows: Vela's of the compilation that the stream comes from.
        computed: gives the program's outputs on the check inputs.
        on_all: run it on all of the check inputs, else on the first set of them alone. Its accesses and waits are
            checked in both cases.
        named: name the operation that goes wrong first, which takes longer than finding out that one does.
        decoded: the stream decoded, where that is at hand.
        cache: of values that other streams' operations gave.

    Returns:
        Whether they are equal bit for bit and no hardware rule is broken. If not, the difference in one line.

    Raises:
        ReferenceFailed: the reference model does not run the program.
    """
    inputs = computed.inputs if on_all else computed.inputs[:1]
    if len(program.outputs) != len(graph.outputs):
        # Also where one that is left out holds what another one does: the runtime tells outputs by their place.
        return Verdict(False, f"the command stream has {len(program.outputs)} outputs instead of {len(graph.outputs)}")
    try:
        decoded = decoded or decode(program.command_stream)
        broken = _broken_rule(graph, program, decoded, rows)
        verdict = Verdict(False, broken) if broken else _executed(graph, program, decoded, computed, inputs, cache)
    except (Fault, StreamError) as error:
        verdict = Verdict(False, f"the command stream cannot run: {error}")
    except Unmodelled as error:
        return Verdict(False, f"the command stream cannot be executed here: {error}")
    if verdict.equal or not named:
        return verdict
    # Sets of inputs differ in what shows on them; the first one that shows a wrong operation names it.
    found = (first_difference(graph, program, rows, one) for one in inputs)
    first = next(filter(None, found), None)
    return Verdict(False, f"{verdict.reason}; {first}") if first else verdict


def _broken_rule(graph: Graph, program: NpuProgram, decoded: Decoded, rows: Sequence[OperatorCost]) -> str:
    """The first rule of the NPU that the stream breaks; empty if it breaks none."""
    violations = guard(program, decoded, expected_accesses(graph, rows), waits=True)
    return f"the command stream breaks a rule of the NPU: {violations[0]}" if violations else ""


def _executed(
    graph: Graph, program: NpuProgram, decoded: Decoded, computed: Outputs, inputs: Sequence[CheckInput],
    cache: OperationCache | None,
) -> Verdict:  # fmt: skip
    given = [np.stack(arrays) for arrays in zip(*(one.arrays for one in inputs), strict=True)]
    # First, since a stream that overflows where the program itself is undefined is not wrong.
    expected = [np.stack(arrays[: len(inputs)]) for arrays in computed.outputs(graph)]
    found = execute(program, used_inputs(graph, program, given), decoded=decoded, cache=cache)
    return compared(graph, program, expected, found, [one.kind for one in inputs])
