"""Another version of Vela compiles in a process of its own."""

from dataclasses import replace

import pytest
from support.programs.npu_programs import everything

from benchmarks.predictions.vela_versions.compile_with import VERSIONS, compile_with
from velatune.testing.program import Program
from workers.ethos_u.command_stream import decode
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import Compiled, VelaRefused, compile_tosa

TARGETS = [Target.parse(name) for name in ("ethos-u55-128", "ethos-u65-512", "ethos-u85-256")]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.accelerator)
def test_the_version_that_velatune_uses_gives_the_same_in_another_process(target: Target) -> None:
    for tosa in everything(target.accelerator.rpartition("-")[0]).values():
        assert nameless(compile_with(VERSIONS[0], tosa, target)) == nameless(compile_tosa(tosa, target))


def nameless(compiled: Compiled) -> Compiled:
    """Vela numbers the tensors that it makes up from its process's start."""
    return replace(compiled, operators=tuple(replace(row, name="") for row in compiled.operators))


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.accelerator)
def test_streams_of_the_later_version_are_decoded(target: Target) -> None:
    for tosa in everything(target.accelerator.rpartition("-")[0]).values():
        compiled = compile_with(VERSIONS[1], tosa, target)
        assert decode(compiled.command_stream).accelerator == target.accelerator
        assert sum(row.cycles for row in compiled.operators) == compiled.vela_cycles


def test_the_later_version_is_another_one() -> None:
    """It emits a MAX and an AVERAGE where the earlier one scaled with the MAX, which the NPU cannot do."""
    p = Program()
    tosa = p.tosa(p.rescale(p.max_pool(p.input(1, 4, 4, 8), 2), "INT8", 0.7))
    modes = [
        [one.pooling_mode for one in decode(compile_with(version, tosa, TARGETS[0]).command_stream).operations]
        for version in VERSIONS
    ]
    assert modes == [["MAX"], ["MAX", "AVERAGE"]]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_refusal_is_reported_and_the_process_goes_on(version: str) -> None:
    p = Program()
    with pytest.raises(VelaRefused, match="Resize"):
        compile_with(version, p.tosa(p.resize(p.input(1, 2, 2, 8))), TARGETS[0])
    p = Program()
    assert compile_with(version, p.tosa(p.conv(p.input(1, 2, 2, 8), 8)), TARGETS[0]).npu_ops == 1


def test_a_version_that_is_not_installed() -> None:
    with pytest.raises(LookupError, match=r"0\.1\.0.*make setup"):
        compile_with("0.1.0", b"", TARGETS[0])
