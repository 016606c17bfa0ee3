"""Numbers in README and docs that repeat constants of the code are those of the code."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from support import REPOSITORY

from benchmarks.correctness.conformance.cases import U55, U85, cases
from benchmarks.search.exhausted import _USUAL
from benchmarks.search.laboratory.contest import ASKED, COMPILES, DOUBT_OF_AREA, DOUBT_OF_GAIN, FEWEST
from results.lookup.lookup import Hit, Miss, Nearest, Stale
from results.service import serve, uploads
from results.service.http.limits import Limits
from results.service.jobs import jobs
from results.service.reads import async_reads
from tuner.commands.lookup import _EXIT_STATUS
from tuner.nightly.scheduler import FRUITLESS, SLICE
from tuner.nightly.suite_file import BudgetEntry, LimitsEntry, Suite
from tuner.search.samplers.local_search import _NEAR
from tuner.search.samplers.optuna_sampler import _SLOTS
from tuner.search.search import WINDOW
from tuner.tuning.budget import LEAST_TO_SHORTEN
from tuner.tuning.objective import SRAM_GROWTH, SRAM_SLACK
from workers.checking import sqnr
from workers.checking.allowance import DEFAULT_LOSS_DB
from workers.ethos_u.lowering.checks import quality
from workers.models.file_checks import calibration_check, pt2_check
from workers.pool import ray_pool

_WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_PARTS = {Fraction(1, 2): "half"}

_MIB, _GIB = 2**20, 2**30
_LIMITS = Limits()
_MORE_SRAM = f"{float(100 * (SRAM_GROWTH - 1)):g} % or {SRAM_SLACK // 1024} KiB"


def default(model: type, name: str) -> object:
    """Of a field of a table in a suite file."""
    return model.model_fields[name].default  # type: ignore[attr-defined]


SENTENCES = {
    "README.md": [
        f"at most half as many further candidates ({LEAST_TO_SHORTEN} are always allowed)",
        f"The limit is {_PARTS[Fraction(DEFAULT_LOSS_DB)]} a dB",
        f"may need more SRAM than the default lowering: {_MORE_SRAM}, whichever is more",
    ],
    "docs/conformance.md": [f"{len(cases(U55))} programs for Ethos-U55 and U65, {len(cases(U85))} for U85"],
    "docs/exactness.md": [
        f"over all elements and the first {quality._INPUTS} calibration inputs",
        f"No noise at all is {sqnr.MOST_DB:g} dB",
    ],
    "docs/nightly.md": [
        f"one slice of {SLICE} candidates",
        f"After {_WORDS[FRUITLESS]} slices in a row without gain",
        f"| of search and random inputs; {default(Suite, 'seed')} |",
        f"is left alone; {default(Suite, 'fresh_days'):g} |",
        f"before it goes into quarantine; {default(Suite, 'attempts')} |",
        f"for one model and target in one night; {default(BudgetEntry, 'per_job')} |",
        f"than an earlier version's; {default(LimitsEntry, 'best_percent')} |",
    ],
    "docs/objective.md": [f"may exceed the default's by {_MORE_SRAM}"],
    "docs/search.md": [
        f"and {_WORDS[_SLOTS]} slots for a pass or none",
        f"up to {_WORDS[WINDOW]} candidates ahead",
        f"over {100 * _NEAR:g} % worse than the program before it",
        f"may ask for {_WORDS[ASKED]} candidates for each distinct compile",
        f"after {COMPILES} distinct compiles",
        f"fewer than {FEWEST} programs",
        f"must not begin below -{DOUBT_OF_AREA}. On the gain after {COMPILES} compiles, the mean lead must not be "
        f"negative. Its interval must not begin below -{DOUBT_OF_GAIN}.",
        f"the search of {_USUAL.trials} candidates",
    ],
    "docs/service.md": [
        f"tensors of more than 2^{pt2_check.MOST_ELEMENTS.bit_length() - 1} elements",
        f"of at most {calibration_check.MOST_BYTES // _GIB} GiB together",
        f"429 beyond | {_LIMITS.requests_per_second:g} |",
        f"413 beyond | {_LIMITS.upload_bytes // _MIB} |",
        f"jobs that wait. 429 beyond | {_LIMITS.queued_jobs} |",
        f"each uses all cores | {_LIMITS.running_jobs} |",
        f"may take {_LIMITS.uploads_bytes // _GIB} GiB, and any other body {_LIMITS.body_bytes // 1024} KiB",
        f"takes {serve._CONNECTIONS} connections at a time",
        f"whose sender pauses for {uploads._PAUSE_SECONDS:g} s",
        f"max_size {_LIMITS.upload_bytes // _MIB}MiB",
        f"went down {_WORDS[jobs._MOST_ATTEMPTS]} times",
        f"at most {_WORDS[async_reads._CONNECTIONS]} connections to PostgreSQL",
    ],
    "docs/store.md": [
        f"| hit | {_EXIT_STATUS[Hit]} |",
        f"| stale | {_EXIT_STATUS[Stale]} |",
        f"| miss | {_EXIT_STATUS[Miss]} |",
        f"| nearest | {_EXIT_STATUS[Nearest]} |",
    ],
    "docs/sweep.md": [
        f"up to {ray_pool._WORKER_BYTES // _GIB} GiB from Ray",
        f"The first {_WORDS[ray_pool._KILLED_RETRIES]} of these are not counted against the candidate",
        f"takes up to {_WORDS[2 + ray_pool._KILLED_RETRIES]} workers instead of two",
    ],
}


@pytest.mark.parametrize(
    ("page", "sentence"), [(page, one) for page, sentences in SENTENCES.items() for one in sentences]
)
def test_the_docs_say_what_the_code_does(page: str, sentence: str) -> None:
    text = re.sub(r"\s+", " ", (REPOSITORY / page).read_text())
    assert sentence in text
