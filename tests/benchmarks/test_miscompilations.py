"""Each known miscompilation of Vela happens with the versions that it is said of, and its workaround is one."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from support.values.executed import inputs_for, verdict

import benchmarks
from benchmarks.correctness.miscompilations.catalogue import MISCOMPILATIONS
from benchmarks.correctness.miscompilations.miscompilation import FAMILIES, Miscompilation, graph
from benchmarks.correctness.miscompilations.page import TARGETS, observe, page
from benchmarks.predictions.vela_versions.compile_with import VERSIONS, compile_with
from search_space.ir.graph import Graph
from search_space.ir.verifier import problems
from search_space.tosa_file.writer import write_tosa
from workers.checking.reference import run_on_each
from workers.ethos_u.command_stream import decode
from workers.ethos_u.npu_model.errors import Fault
from workers.ethos_u.npu_model.waits.hazards import hazards
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import VelaRefused

every_one = pytest.mark.parametrize("one", MISCOMPILATIONS, ids=lambda one: one.name)
EVERYWHERE = list(product(VERSIONS, FAMILIES))
ACCELERATORS = (
    "ethos-u55-32", "ethos-u55-64", "ethos-u55-128", "ethos-u55-256", "ethos-u65-256", "ethos-u65-512",
    "ethos-u85-128", "ethos-u85-256", "ethos-u85-512", "ethos-u85-1024", "ethos-u85-2048",
)  # fmt: skip


@every_one
def test_the_stream_is_wrong_with_these_versions_and_no_others(one: Miscompilation) -> None:
    for (name, program), version, accelerator in product(one.programs.items(), VERSIONS, ACCELERATORS):
        observed = observe(one, program, version, Target.parse(accelerator))
        affected = accelerator.rpartition("-")[0] in one.affected[version]
        if observed is not None:
            assert observed.wrong == affected, (name, version, accelerator, observed.says)
        elif name == "":
            assert not affected


@every_one
def test_the_stream_of_the_workaround_is_right(one: Miscompilation) -> None:
    for version, family in EVERYWHERE:
        observed = observe(one, graph(one.instead), version, TARGETS[family])
        if observed is not None and family not in one.unavoidable:
            assert not observed.wrong, (version, family, observed.says)


@every_one
def test_the_workaround_has_the_same_outputs(one: Miscompilation) -> None:
    program, instead = graph(one.make), graph(one.instead)
    assert problems(program) == problems(instead) == []
    sets = [given.arrays for given in inputs_for(program)]
    for expected, found in zip(run_on_each(program, sets), run_on_each(instead, sets), strict=True):
        assert all(map(np.array_equal, expected, found))


@every_one
def test_executing_the_stream_gives_wrong_outputs_where_it_is_wrong(one: Miscompilation) -> None:
    for (name, program), (version, family) in product(one.programs.items(), EVERYWHERE):
        right = executes_rightly(program, version, family)
        if right is not None:
            assert right == (family not in one.affected[version]), (name, version, family)


@every_one
def test_executing_the_stream_of_the_workaround_gives_right_outputs(one: Miscompilation) -> None:
    for version, family in EVERYWHERE:
        if family not in one.unavoidable:
            assert executes_rightly(graph(one.instead), version, family) in (True, None)


def executes_rightly(program: Graph, version: str, family: str) -> bool | None:
    """Whether the NPU's model computes what the reference model does, in whatever order the waits allow; None if the
    target does not take the program."""
    try:
        compiled = compile_with(version, write_tosa(program), TARGETS[family]).npu_program
    except VelaRefused:
        return None
    if hazards(compiled, decode(compiled.command_stream)):
        return False
    try:
        return verdict(program, compiled, inputs_for(program)).equal
    except Fault:
        return False


def test_the_page_says_what_the_streams_show_now() -> None:
    document = Path(benchmarks.__path__[0]).parent / "docs" / "vela-miscompilations.md"
    assert document.read_text() == page(), "run `make miscompilations`"
