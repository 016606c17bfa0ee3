"""Programs that ExecuTorch lowers and its runtime does not take, by its source: each beside its nearest neighbour that
works."""

from __future__ import annotations

from collections import Counter

from support.vulkan_nets import everywhere

from benchmarks.vulkan.gate.programs import (
    INT8_NEIGHBOURS,
    INT8_REFUSED,
    NEIGHBOURS,
    REFUSED,
    SUSPECT,
    Case,
    exported,
    rotary,
)
from search_space.exactness import Exactness
from search_space.recipe.recipe import Recipe
from workers.checking.allowance import Allowance
from workers.vulkan.gate.verdict import NOT_KNOWN_TO_FAIL, Verdict, verdict_of
from workers.vulkan.lowering.lowering import lower
from workers.vulkan.lowering.settings import Settings
from workers.vulkan.model.scheme import Scheme
from workers.vulkan.programs import VulkanPrograms
from workers.vulkan.target import VulkanTarget


def judged(*cases: Case, int8_layers: int = 0) -> Verdict:
    """Of a program with these functions, the first layers of which are static int8."""
    model, settings = exported(*cases), Settings(schemes=everywhere(Scheme.STATIC8, int8_layers))
    return verdict_of(lower(model, VulkanTarget(), settings, model.calibration_inputs))


#: Rules with rewrites that are exact.
MENDED = ("layer-norm", "batch-norm", "pool-stride", "gather-dimensions")


def test_what_the_runtime_does_not_take_is_refused_by_its_rule() -> None:
    found = Counter(one.rule.name for one in judged(*(case for cases in REFUSED.values() for case in cases)).refused)
    assert found == {rule: len(cases) for rule, cases in REFUSED.items()}


def test_what_a_search_without_options_begins_with_mends_pools_norms_and_gathers() -> None:
    cases = [case for rule, those in REFUSED.items() if rule in MENDED for case in those]
    model = exported(*cases)
    programs = VulkanPrograms(model, VulkanTarget(), model.calibration_inputs, Allowance())
    said = programs.described_default()[1]
    assert len(said) >= len(MENDED) and all("removes it" in line for line in said)
    mended = programs.built(Recipe.parse(programs.starting_points()[0]))
    assert not programs.executed(programs.default, False, False, True).equal
    assert programs.executed(mended, False, False, False).equal
    assert programs.equal(mended, programs.default, whole=True).equal


def test_where_nothing_else_helps_the_place_on_the_cpu_is_named() -> None:
    model = exported(*REFUSED["reduced-arguments"][:1])
    programs = VulkanPrograms(model, VulkanTarget(), model.calibration_inputs, Allowance(Exactness.REQUANTISING))
    (said,) = programs.described_default()[1]
    name = "keep-on-cpu{operator=aten.argmax.default}"
    assert said.endswith(f"; {name} (--allow-requant) removes it")
    assert programs.executed(programs.built(Recipe.parse(name)), False, False, False).equal


def test_their_neighbours_are_not_known_to_fail() -> None:
    assert str(judged(*NEIGHBOURS)) == NOT_KNOWN_TO_FAIL


def test_static_int8_is_refused_by_shapes() -> None:
    cases = [case for those in INT8_REFUSED.values() for case in those]
    found = judged(*cases, int8_layers=sum(len(layers) for _, layers, _ in cases))
    assert Counter(one.rule.name for one in found.refused) == {rule: len(those) for rule, those in INT8_REFUSED.items()}


def test_static_int8_of_other_shapes_is_not_known_to_fail() -> None:
    layers = sum(len(layers) for _, layers, _ in INT8_NEIGHBOURS)
    assert str(judged(*INT8_NEIGHBOURS, int8_layers=layers)) == NOT_KNOWN_TO_FAIL


def test_what_depends_on_the_device_or_on_values_is_suspect_and_not_said_to_be_fine() -> None:
    found = judged(*(case for cases in SUSPECT.values() for case in cases))
    assert Counter(one.rule.name for one in found.suspect) == {rule: len(cases) for rule, cases in SUSPECT.items()}
    assert not found.refused and str(found).startswith("suspect: ")


def test_a_rotary_embedding_turns_one_batch_and_widths_in_eights() -> None:
    names = [one.rule.name for one in judged(rotary(2, 32), rotary(1, 12)).refused]
    assert names == ["rotary-shapes"] * 2
    assert not judged(rotary(1, 32)).refused
