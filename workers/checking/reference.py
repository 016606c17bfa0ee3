"""The TOSA reference model: what a program's outputs are, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search_space.ir.graph import Graph
from search_space.tosa_file.writer import write_tosa
from workers.errors import ReferenceFailed
from workers.output_capture import captured

#: Element types that the reference model's Python interface takes and gives as arrays.
ARRAY_TYPES = frozenset(("BOOL", "INT8", "INT16", "INT32", "FP32"))


def run_reference(graph: Graph, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The outputs of a program, in order, with the shapes and element types of the graph.

    Args:
        graph: the program.
        inputs: one array per graph input.

    Returns:
        One array per graph output.

    Raises:
        ReferenceFailed: as `run_on_each`.
    """
    (outputs,) = run_on_each(graph, [inputs])
    return outputs


def run_on_each(graph: Graph, sets: Sequence[Sequence[np.ndarray]]) -> list[list[np.ndarray]]:
    """`run_reference` on several sets of inputs. The reference model may end the process on programs that no verifier
    has seen.

    Args:
        graph: the program.
        sets: of inputs, one array per graph input each.

    Returns:
        For each set one array per graph output.

    Raises:
        ReferenceFailed: the reference model refuses the program, for instance where it does what TOSA leaves undefined.
    """
    from tosa_reference_model import GraphStatus, run

    program = write_tosa(graph)
    found = []
    # Once for all sets: redirecting the output takes longer than running a small program.
    with captured() as printed:
        for at, inputs in enumerate(sets):
            try:
                # The binding is declared to take a str and takes the bytes of one. Of rank 0 it takes arrays only, and
                # a row of such an array is a number.
                outputs, status = run(program, list(map(np.asarray, inputs)))  # type: ignore[arg-type, unused-ignore]
            except ValueError as error:
                raise ReferenceFailed(str(error).splitlines()[0], at) from error
            if status != GraphStatus.TOSA_VALID:
                break
            found.append(outputs)
    if len(found) < len(sets):
        undefined = status == GraphStatus.TOSA_UNPREDICTABLE
        raise ReferenceFailed(f"{status.name}: {_reason(printed.text)}", len(found), undefined=undefined)
    return found


def _reason(printed: str) -> str:
    # Every run begins with two warnings about versions; what follows is about this one.
    lines = [line.strip() for line in printed.splitlines() if line.strip() and not line.startswith("WARNING:")]
    return " ".join(lines[:2]) or "no reason given"
