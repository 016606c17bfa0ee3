"""What a program computes in real numbers: as if nothing in it were rounded or saturated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search_space.ir.graph import CONST, MOVE, Graph


def real_outputs(graph: Graph, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """For the operators that requantising choices are about; convolutions of single pixels only."""
    values = {i: a.astype(np.float64) for i, a in zip(graph.inputs, arrays, strict=True)}
    for node_id in graph.order:
        node = graph[node_id]
        if node.op == CONST:
            values[node_id] = node.array.astype(np.float64)
        elif node_id not in values:
            values[node_id] = _result(node.op, [values[i] for i in node.inputs], node)
    return [values[i] for i in graph.outputs]


def _result(op: str, operands: list[np.ndarray], node) -> np.ndarray:  # type: ignore[no-untyped-def]
    if op == MOVE:
        assert node.layout_map.keeps_order
        return operands[0].reshape(node.type.shape)
    if op == "RESCALE":
        x, multiplier, shift, zero, new_zero = operands
        return (x - zero) * multiplier * 2.0**-shift + new_zero
    if op in ("ADD", "SUB", "MUL"):
        return {"ADD": np.add, "SUB": np.subtract, "MUL": np.multiply}[op](*operands[:2])
    if op == "REDUCE_SUM":
        return operands[0].sum(node.attributes["axis"], keepdims=True)
    if op == "MATMUL":
        return (operands[0] - operands[2]) @ (operands[1] - operands[3])
    assert op == "CONV2D" and operands[1].shape[1:3] == (1, 1) and node.attributes["stride"] == (1, 1)
    x, weights, bias, zero, of_weights = operands
    return (x - zero) @ (weights - of_weights)[:, 0, 0].T + bias
