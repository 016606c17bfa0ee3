"""Each known miscompilation of Vela happens with the versions that it is said of, and its workaround is one."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

import benchmarks
from benchmarks.miscompilations.catalogue import MISCOMPILATIONS
from benchmarks.miscompilations.miscompilation import FAMILIES, Miscompilation, graph
from benchmarks.miscompilations.page import TARGETS, observe, page
from benchmarks.vela_versions.compile_with import VERSIONS, compile_with
from search_space.graph import Graph
from search_space.verifier import problems
from search_space.write_tosa import write_tosa
from workers.check_inputs import check_inputs
from workers.reference import run_on_each
from workers.vela import VelaRefused

every_one = pytest.mark.parametrize("one", MISCOMPILATIONS, ids=lambda one: one.name)
EVERYWHERE = list(product(VERSIONS, FAMILIES))


@every_one
def test_the_stream_is_wrong_with_these_versions_and_no_others(one: Miscompilation) -> None:
    for (name, program), (version, family) in product(one.programs.items(), EVERYWHERE):
        observed = observe(one, program, version, family)
        if observed is not None:
            assert observed.wrong == (family in one.affected[version]), (name, version, family, observed.says)
        elif name == "":
            assert family not in one.affected[version]


@every_one
def test_the_stream_of_the_workaround_is_right(one: Miscompilation) -> None:
    for version, family in EVERYWHERE:
        observed = observe(one, graph(one.instead), version, family)
        if observed is not None and family not in one.unavoidable:
            assert not observed.wrong, (version, family, observed.says)


@every_one
def test_the_workaround_has_the_same_outputs(one: Miscompilation) -> None:
    program, instead = graph(one.make), graph(one.instead)
    assert problems(program) == problems(instead) == []
    sets = inputs_of(program)
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


def inputs_of(program: Graph) -> list[tuple[np.ndarray, ...]]:
    return [one.arrays for one in check_inputs(program, (), seed=0)]


def executes_rightly(program: Graph, version: str, family: str) -> bool | None:
    """Whether the NPU's model computes what the reference model does; None if the target does not take the program."""
    run = pytest.importorskip("workers.npu_model.run")
    from workers.npu_model.errors import Fault

    try:
        compiled = compile_with(version, write_tosa(program), TARGETS[family])
    except VelaRefused:
        return None
    sets = inputs_of(program)
    stacked = [np.stack(values) for values in zip(*sets, strict=True)]
    try:
        outputs = run.execute(compiled.npu_program, stacked)
    except Fault:
        return False
    expected = [np.stack(values) for values in zip(*run_on_each(program, sets), strict=True)]
    # Vela may give an output another shape.
    return all(
        np.array_equal(found.ravel(), wanted.astype(found.dtype).ravel())
        for found, wanted in zip(outputs, expected, strict=True)
    )


def test_the_page_says_what_the_streams_show_now() -> None:
    document = Path(benchmarks.__path__[0]).parent / "docs" / "vela-miscompilations.md"
    assert document.read_text() == page(), "run `make miscompilations`"
