"""Addresses of the operations of a run, all at once."""

from __future__ import annotations

import numpy as np
import pytest
from support.programs.npu_programs import everything

from workers.ethos_u.command_stream import decode
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa


@pytest.mark.parametrize("name", ["transpose", "matmul", "concat"])
@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-256"])
def test_they_are_those_of_each_operation(accelerator: str, name: str) -> None:
    tosa = everything(accelerator.rpartition("-")[0])[name]
    decoded = decode(compile_tosa(tosa, Target.parse(accelerator), operators=False).command_stream)
    for run in decoded.runs:
        own = decoded.operations[run.number : run.number + len(run.offsets)]
        assert [one.offset for one in own] == list(run.offsets)
        found = decoded.addresses(run)
        for register in run.first.registers:
            values = [one.registers[register] for one in own]
            assert np.array_equal(found.get(register, np.full(len(own), values[0])), values), register
