"""What recipes make of one model: which programs differ, what they count for, and what the default pipeline makes."""

import json
from dataclasses import replace

import pytest

from search_space.exactness import Exactness
from search_space.recipe.recipe import Recipe
from workers.backend.cost import Row
from workers.backend.job import Job
from workers.checking.allowance import Allowance
from workers.cortex_m.backend import BACKEND
from workers.cortex_m.base.base_program import CortexMBase
from workers.cortex_m.candidates.candidates import Candidate
from workers.cortex_m.candidates.programs import CortexMPrograms
from workers.cortex_m.cost.fitted import fitted_hash
from workers.cortex_m.target import Target

NETS = """
import torch
from torch import nn

class Squares(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv1d(4, 8, 3, 2, 1), nn.Linear(6, 4)

    def forward(self, x):
        return self.last(self.first(x) ** 2)

class Gated(nn.Module):
    def forward(self, x):
        return torch.where(x > 0, x + x, x * 0.25)

def gated():
    inputs = [(torch.linspace(-1.0, 2.0, 300).reshape(1, 300),)]
    return Gated(), inputs[0], inputs

def squares():
    torch.manual_seed(0)
    inputs = [(torch.randn(1, 4, 12),) for _ in range(2)]
    return Squares(), inputs[0], inputs
"""


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job[Target]:
    folder = tmp_path_factory.mktemp("programs")
    (folder / "nets.py").write_text(NETS)
    allowance = Allowance(Exactness.REQUANTISING, max_loss_db=3.0)
    return Job(f"{folder}/nets.py:squares", Target.parse("cortex-m55"), folder, 0, allowance=allowance)


@pytest.fixture(scope="module")
def base(job: Job[Target]) -> CortexMBase:
    return BACKEND.lower(job)


@pytest.fixture(scope="module")
def programs(job: Job[Target], base: CortexMBase) -> CortexMPrograms:
    return BACKEND.programs(job, base)


def by(programs: CortexMPrograms, text: str) -> Candidate:
    return programs.by(Recipe.parse(text))


def test_a_pass_without_sites_gives_the_same_program(programs: CortexMPrograms) -> None:
    assert by(programs, "drop-clones,pad-into-convolution") == programs.default
    column = by(programs, "row-along-height")
    assert by(programs, "drop-clones,row-along-height,drop-clones") == column
    assert programs.program_hash(column) != programs.program_hash(programs.default)
    assert "drop-clones" not in programs.successors(programs.default)


def test_a_search_starts_from_what_mends_the_model(programs: CortexMPrograms) -> None:
    # MVE's kernel for rows fails on this width, stride and padding.
    default = programs.executed(programs.default, whole=False, on_all=False, is_default=True)
    assert not default.equal and "status -3" in default.reason and default.reason.endswith("(layer first)")
    starts = programs.starting_points(("drop-clones",))
    assert starts[0] == "drop-clones"
    assert {"row-along-height@1,drop-unused-constants", "pad-apart@1,drop-unused-constants"} < {*starts}
    for one in starts[1:]:
        assert programs.executed(by(programs, one), whole=False, on_all=False, is_default=False).equal, one
        assert not any(name in one for name in ("drop-clones", "pad-into", "sink-"))  # they change nothing


def test_of_equal_instructions_the_smaller_file_counts_less(programs: CortexMPrograms) -> None:
    default, smaller = programs.cost(programs.default), programs.cost(by(programs, "drop-unused-constants"))
    assert smaller["instructions"] == default["instructions"]
    assert smaller.flash_bytes < default.flash_bytes
    value = BACKEND.objectives["instructions"].value
    assert value(smaller, default) < value(default, default) == default["instructions"] + 100


def test_what_the_estimate_does_not_tell_apart_counts_as_the_default(programs: CortexMPrograms) -> None:
    # GCC and clang disagree on which of the two kernels is the shorter one with MVE.
    default, convolution = programs.cost(programs.default), programs.cost(by(programs, "linear-to-convolution"))
    assert convolution["instructions"] != default["instructions"]
    assert convolution["decided_instructions"] == default["decided_instructions"] == default["instructions"]


def test_squares_become_products_where_that_is_allowed(
    job: Job[Target], base: CortexMBase, programs: CortexMPrograms
) -> None:
    products = by(programs, "square-as-product,drop-unused-constants")
    before, after = programs.cost(programs.default), programs.cost(products)
    assert (before["float_operators"], after["float_operators"]) == (1, 0)
    assert after["decided_instructions"] < before["instructions"]
    assert "square-as-product,row-along-height@1,drop-unused-constants" in programs.starting_points()
    meter = BACKEND.meter(job, base, ())
    assert meter.quality(products).sqnr_db > 15
    assert job.allowance.shortfalls(meter.quality(products), meter.of_base()) == {}
    assert "square-as-product" not in map(str, BACKEND.passes(Exactness.EXACT))


def test_the_default_pipeline_is_reported_beside(base: CortexMBase, job: Job[Target]) -> None:
    beside = base.default_pipeline
    assert beside.fault == "" and beside.float_operators >= 2  # 1-D convolutions stay in float there
    assert base.remarks == (str(beside),)
    assert f"{beside.instructions:,} instructions (predicted)" in str(beside)
    (kept,) = (job.cache_dir / "cortex-m").glob(f"*-{fitted_hash()}.json")
    reported = json.loads(kept.read_text())
    assert reported["mve"]["instructions"] != reported["dsp"]["instructions"]
    kept.write_text(json.dumps({**reported, "mve": {**reported["mve"], "instructions": 7}}))
    assert BACKEND.lower(job).default_pipeline.instructions == 7  # it is found out once


def test_a_best_that_takes_more_than_the_default_pipeline_is_warned_of(base: CortexMBase) -> None:
    instructions = base.default_pipeline.instructions
    assert base.default_pipeline.is_known
    assert base.warnings_on({"instructions": instructions, "float_operators": 2}, []) == ()
    (line,) = base.warnings_on({"instructions": instructions + 1, "float_operators": 2}, [])
    assert f"{instructions:,} instructions (predicted)" in line and "--allow-requant" in line
    (line,) = base.warnings_on({"instructions": instructions + 1, "float_operators": 0}, [])
    assert "--allow-requant" not in line
    for other in (replace(base.default_pipeline, fault="it fails"), replace(base.default_pipeline, uncosted=1)):
        assert replace(base, default_pipeline=other).warnings_on({"instructions": instructions + 1}, []) == ()


def test_operators_of_the_best_without_a_known_cost_are_named(base: CortexMBase) -> None:
    rows = [Row(0, f"{name}_{at}", name, formula, 0) for name, formula, at in (
        ("erf", "uncosted", 0), ("add", "add", 1), ("erf", "uncosted", 2), ("cumsum", "uncosted", 3),
    )]  # fmt: skip
    (line,) = base.warnings_on({"instructions": 0, "float_operators": 0}, rows)
    assert line.endswith(": 1 cumsum, 2 erf")


def test_of_two_candidates_that_are_indistinguishable_the_smaller_file_counts_less(programs: CortexMPrograms) -> None:
    # Both differ from the default lowering by a convolution whose gain is known. GCC and clang disagree on the layer.
    column = by(programs, "row-along-height,square-as-product,drop-unused-constants")
    both = by(programs, "row-along-height,square-as-product,linear-to-convolution,drop-unused-constants")
    default, first, second = (programs.cost(one) for one in (programs.default, column, both))
    assert first["decided_instructions"] == first["instructions"] != second["instructions"]
    assert first.flash_bytes < second.flash_bytes
    cheapest = both if second["instructions"] < first["instructions"] else column
    value = BACKEND.objectives["instructions"].value
    for one, cost in ((column, first), (both, second)):
        assert programs.tied(one, cheapest)
        assert value(cost, default) < value(default, default)
    assert not programs.tied(programs.default, cheapest)  # it is known to take more


def test_a_model_whose_numbers_stay_unquantised_has_a_right_recipe(job: Job[Target]) -> None:
    job = replace(job, source=job.source.replace("squares", "gated"))
    programs = BACKEND.programs(job, BACKEND.lower(job))
    default = programs.default
    assert not programs.executed(default, whole=True, on_all=True, is_default=True).equal
    (mend, *_) = [one for one in programs.starting_points() if "quantise-numbers" in one]
    assert BACKEND.is_workaround(mend)
    mended = by(programs, mend)
    assert programs.executed(mended, whole=True, on_all=True, is_default=False).equal
    assert programs.equal(mended, default, whole=True).equal
    assert not programs.equal(by(programs, "drop-unused-constants"), mended, whole=True).equal
