"""Streams of random programs compute what the programs do, but for what Vela is known to compile wrongly.

`make fuzz PROGRAMS=2000` tries as many for each family.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.contracts import CONTRACTS
from support.random.shapes_for_vela import ACTIVATIONS, WINDOWS_OF_SLICES
from support.streams.compiled_apart import compiled_apart
from support.values.executed import inputs_for, verdict

from benchmarks.correctness.miscompilations.detection.open_to import open_to
from search_space.ir.graph import Graph
from search_space.tosa_file.writer import write_tosa
from velatune.testing.random.graphs import graphs
from velatune.testing.random.layers import LAYERS_1D
from workers.errors import ReferenceFailed
from workers.ethos_u.npu_model import Fault, Unmodelled
from workers.ethos_u.target import Target

PROGRAMS = int(os.environ.get("PROGRAMS", 200))


@pytest.mark.slow
@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-512", "ethos-u85-256"])
def test_outputs_are_those_of_the_reference_model(accelerator: str) -> None:
    kinds = [one.operators for one in CONTRACTS.values()] + [LAYERS_1D, ACTIVATIONS, WINDOWS_OF_SLICES]
    target, came_to, unexplained = Target.parse(accelerator), Counter[str](), []

    @settings(
        max_examples=PROGRAMS, phases=[Phase.generate], database=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.one_of(graphs(), st.sampled_from(kinds).flatmap(lambda kind: graphs(often=kind))))
    def run(graph: Graph) -> None:
        compiled = compiled_apart(write_tosa(graph), target)
        if compiled is None:
            came_to["not compiled"] += 1
            return
        try:
            found = verdict(graph, compiled.npu_program, inputs_for(graph))
            reason = found.reason
        except ReferenceFailed:
            came_to["undefined"] += 1
            return
        except (Fault, Unmodelled) as error:
            reason = f"{type(error).__name__}: {error}"
        came_to["differs" if reason else "equal"] += 1
        if reason and not open_to(graph, accelerator.rpartition("-")[0], in_order=True):
            unexplained.append((reason, [graph[i].op for i in graph.operator_ids]))

    run()
    print(f"{accelerator}: {dict(came_to)}")  # noqa: T201 (for `make fuzz`)
    assert unexplained == []
    assert came_to["equal"] > 0.2 * PROGRAMS
