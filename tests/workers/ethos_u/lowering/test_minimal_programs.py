"""Rewrites of layouts on the smallest real programs that need them: stock ExecuTorch's lowering, before and after."""

import pytest

from benchmarks.lowering.rewrites.moves import interior_moves
from benchmarks.lowering.rewrites.programs import PROGRAMS, Minimal
from benchmarks.lowering.rewrites.rewrites import REWRITES
from search_space.ir.graph import Graph
from search_space.ir.verifier import verify
from search_space.recipe.recipe import Recipe
from search_space.tosa_file.reader import read_tosa
from workers.cache.memo import Memo
from workers.checking.check_inputs import check_inputs
from workers.checking.incremental_values import Values
from workers.checking.reference_check import check
from workers.checking.verdict import Verdict
from workers.ethos_u.lowering.base_program import toolchain_versions
from workers.ethos_u.lowering.lowering import lower
from workers.ethos_u.target import Target
from workers.ethos_u.vela.facts import VelaFacts
from workers.ethos_u.vela.pricing import Pricing
from workers.models.model_source import export, resolve
from workers.models.types import SourceModel

#: One for each rewrite; `make rewrites` goes through all of them.
FIRST = list({one.rewrite: one for one in reversed(PROGRAMS)}.values())


@pytest.mark.slow
@pytest.mark.parametrize("one", FIRST, ids=lambda one: one.name)
def test_a_recipe_leaves_what_must_stay(one: Minimal, tmp_path_factory: pytest.TempPathFactory) -> None:
    target, memo = Target.parse("ethos-u85-256"), Memo(tmp_path_factory.getbasetemp() / "memo")
    source = resolve(one.source)
    assert isinstance(source, SourceModel)
    lowered = lower(export(source), target, seed=0)
    (before,) = (verify(read_tosa(graph)) for graph in lowered.graphs)
    after = verify(Recipe.parse(one.recipe).apply(before, VelaFacts(target, memo, toolchain_versions())))

    assert inside(after) == one.left
    pricing = Pricing(target, memo, toolchain_versions())
    old, new = (pricing.cost([graph], 0) for graph in (before, after))
    assert inside(after) < inside(before) or new.stream_cycles < old.stream_cycles
    inputs = check_inputs(before, lowered.calibration_inputs[0], seed=0)
    assert check(after, before, Values(inputs)) == Verdict(True)


def test_every_rewrite_has_a_program() -> None:
    assert {one.rewrite for one in PROGRAMS} == {one.number for one in REWRITES}


def inside(graph: Graph) -> int:
    return sum(1 for _ in interior_moves(graph))
