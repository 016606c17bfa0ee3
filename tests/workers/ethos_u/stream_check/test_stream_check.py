"""What a candidate's stream is looked at for, besides what it gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.streams.changed_streams import named, with_value
from support.values.executed import inputs_for

from search_space.ir.graph import Graph
from velatune.testing.program import Program
from workers.cache.memo import Memo
from workers.checking.incremental_values import Values
from workers.ethos_u.command_stream import decode
from workers.ethos_u.stream_check.check import StreamCheck
from workers.ethos_u.target import Target
from workers.ethos_u.vela.pricing import Emitted, Pricing


class Misled(Pricing):
    """As if Vela had let the last operation read its own results instead of what was written for it."""

    def emitted(self, graph: Graph) -> Emitted:
        compiled = super().emitted(graph).compiled
        (output,) = compiled.outputs
        base = named(compiled.command_stream, "NPU_SET_IFM_BASE0")[-1]
        stream = with_value(compiled.command_stream, base, output.address)
        return Emitted(replace(compiled, command_stream=stream), decode(stream))


def zeros() -> Graph:
    """Zeros, whatever is read."""
    p = Program()
    value = p.table(p.input(1, 8, 8, 16))
    return p.graph(p.op("TABLE", (value, p.data(np.zeros(256), "INT8")), p.shape(value)))


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u85-256"])
def test_a_stream_that_breaks_a_rule_is_wrong_whatever_it_gives(tmp_path: Path, accelerator: str) -> None:
    graph, target = zeros(), Target.parse(accelerator)
    values = Values(inputs_for(graph))
    for kind, reason in ((Pricing, ""), (Misled, "the command stream breaks a rule of the NPU")):
        check = StreamCheck(kind(target, Memo(tmp_path / "memo"), {}), Memo(tmp_path / kind.__name__), {})
        verdict = check.verdict(graph, values, whole=False)
        assert verdict.equal == (not reason) and verdict.reason.startswith(reason)
