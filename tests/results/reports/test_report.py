"""Report pages and the index: what they say, that they escape it, that they need nothing but themselves."""

import dataclasses
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples.sample_results import (
    BEST_OPERATORS,
    DEFAULT_OPERATORS,
    IDENTITY,
    best,
    evaluation,
    figures,
    mutated,
)

from results.errors import StoreError
from results.records.best import Best
from results.records.compare import means_of, phantom_of
from results.records.figures import Bound, Figures, OperatorRow, Quality, Reuse
from results.records.identity import Target
from results.records.record import LABELS
from results.reports.brief import brief
from results.reports.estimates import Rise, differences, largest_rise_by_compiler
from results.reports.report import ReportExtras, report_name, write_index, write_report
from results.reports.summary import markdown_table
from results.reports.tune_json import TuneJson, tune_json
from workers.ethos_u.backend import BACKEND

LAWS = {
    "conv1d=wrap-h": "the same elements meet the same weights",
    "through-concat{mixed=true,axis=1}": "concatenation does not look at the elements",
}
RECIPE = "conv1d=wrap-h | through-concat{mixed=true,axis=1},fold-constants"
HOSTILE = "\"'></td></title></style><script>alert(1)</script><img src=x onerror=alert(2)>&amp;{{ 7*7 }}"
VOID = {"meta", "br", "input", "img", "link", "hr"}


class Page(HTMLParser):
    """A page taken apart; complains about elements that are not closed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.html = path.read_text(encoding="utf-8")
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(self.html)
        self.close()
        assert not self.open, f"not closed: {self.open}"
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)

    def tags(self) -> Counter[str]:
        return Counter(tag for tag, _ in self.elements)


@pytest.fixture
def report(tmp_path):
    def write(found, **others) -> Page:
        return Page(write_report(found, tmp_path / "out" / "report.html", ReportExtras(**others)))

    return write


def test_report_says_how_far_it_is_to_the_bound(report):
    bound = Bound(macs=1280, mac_cycles=10, moved_bytes=64, move_cycles=8, constant_bytes_per_cycle=4.0)
    words = " ".join(report(best(RECIPE), bound=bound).words)
    assert "Bound: 10 cycles predicted" in " ".join(words.split())
    assert "1,280 multiplications take 10" in words
    assert "Bound:" not in " ".join(report(best(RECIPE)).words)


def requantised() -> Best:
    quality = Quality(30.25, 30.5, 4, 0.9, 0.92)
    return best(RECIPE, best=evaluation(RECIPE, 60, exactness="requantising", quality=quality))


def test_what_is_not_exact_is_not_called_so(report, tmp_path):
    page = report(requantised(), explanations=LAWS)
    for said in (
        "requantising: outputs need not be equal, quality is within the limit",
        "The best recipe is requantising",
        "4 calibration inputs 30.50 dB 30.25 dB",
        "the user's metric 0.92 0.9",
        "quality simulated",
    ):
        assert said in page.text, said
    assert "equal bit for bit" not in page.text
    index = Page(write_index([requantised(), best()], tmp_path / "index.html")).text
    assert "1 of 2 equal bit for bit" in index and "1 not exact, within the limit that was allowed" in index
    assert "exhausted, requantising, -0.25 dB" in markdown_table([requantised()])
    reported = tune_json(requantised())
    assert (reported["verified"], reported["exactness"]) == (False, "requantising")
    assert reported["quality"] == {
        "label": "simulated", "sqnr_db": 30.25, "default_sqnr_db": 30.5, "inputs": 4, "metric": 0.9,
        "default_metric": 0.92, "default_label": "simulated", "runner": "",
    }  # fmt: skip
    TuneJson.model_validate(reported)
    assert "quality" not in tune_json(best())


def test_what_a_runner_measured_is_not_called_simulated(report):
    quality = Quality(30.25, 80.0, 4, label="measured", runner="run.sh")
    page = report(best(RECIPE, best=evaluation(RECIPE, 60, exactness="requantising", quality=quality)))
    assert "quality measured by run.sh" in page.text and "80.00 dB simulated" in page.text
    words = "against the model in PyTorch on 4 calibration inputs, measured by run.sh"
    assert str(quality) == f"30.25 dB SQNR (default 80.00, simulated) {words}"


def test_report_says_what_was_found(report):
    page = report(
        best(RECIPE),
        explanations=LAWS,
        warnings=["Calibrated on random inputs."],
        host_operators=["pool", "softmax", "pool"],
    )
    for said in (
        "nets/keyword.py:build on ethos-u55-128",
        "default, cycles predicted 100",
        "best, cycles predicted 60",
        "40.0 % fewer cycles, 1.67\N{MULTIPLICATION SIGN}",
        "outputs equal bit for bit",
        "on 3 sets of inputs",
        "random 2 sets, seed 7",
        "Calibrated on random inputs.",
        "on the CPU pool (2 times), softmax",
        "ethos-u-vela 5.1.0, executorch 1.5.1, torch 2.13.0, torchao 0.18.0, tosa-tools 2026.5.0, search space 1",
        "SRAM, bytes 65,536 65,536 ±0",
        "search: exhausted",
        IDENTITY.key,
        "e0" * 32,
        *LAWS.values(),
    ):
        assert said in page.text, said


def test_recipe_is_explained_element_by_element(report):
    found = best(RECIPE)
    cycles = found.best.figures.cycles
    with_rows = evaluation("without the first", cycles + 1234, operators=DEFAULT_OPERATORS)
    without = (with_rows, None, evaluation("without the last", cycles - 5))
    text = report(found, explanations=LAWS, without=without).text
    explained = (
        "1 conv1d=wrap-h 1,234 Transpose 40, Conv2D 2, Reshape \N{MINUS SIGN}2 the same elements meet the same weights "
        "2 through-concat{mixed=true,axis=1} not known concatenation does not look at the elements "
        "3 fold-constants \N{MINUS SIGN}5 no explanation recorded"
    )
    assert explained in text


def test_what_a_run_remembered_is_said(report):
    reuse = Reuse(210, 146, 420, 350, 200, 150, 411, 300)
    assert "350 of 420 prices, 150 of 200 checks, 300 of 411 lists" in " ".join(report(best(), reuse=reuse).words)
    assert tune_json(best(), reuse=reuse)["reuse"] == reuse.to_json()
    assert "lists of successors" not in " ".join(report(best()).words) and "reuse" not in tune_json(best())


def test_operators_stand_side_by_side(report):
    text = report(best()).text
    assert "Transpose 40 0 40 1 → 0" in text, "cycles by kind"
    assert "conv_1 Conv2D Conv2D 0 50 48 2" in text
    assert "transpose_1 Transpose Transpose 0 40 \N{EN DASH} 40" in text
    assert "moved_1 Reshape MemoryCopy 0 \N{EN DASH} 2 \N{MINUS SIGN}2" in text


@pytest.mark.parametrize("label", LABELS)
def test_numbers_carry_their_label(report, label):
    found = best(
        default=evaluation("default", figures=figures(100, label=label), operators=DEFAULT_OPERATORS),
        best=evaluation("fuse-transposes", figures=figures(60, label=label), operators=BEST_OPERATORS),
    )
    page = report(found)
    said = Counter(word for word in LABELS for _ in re.findall(rf"\b{word}\b", page.text))
    # The headline, three tables of two or three columns each, and the chip; in no other word.
    assert set(said) == {label} and said[label] >= 12


def test_default_as_the_best(report):
    default = evaluation("default", operators=DEFAULT_OPERATORS)
    page = report(best("default", 100, default=default, best=default))
    assert "Nothing that was tried is cheaper" in page.text
    assert "gain predicted none" in page.text


def test_evaluations_without_operators(report):
    page = report(best(default=evaluation("default"), best=evaluation("fuse-transposes", 60)))
    assert "No operators were recorded" in page.text


def test_report_warns_of_what_the_figures_hide(report):
    doubtful = best(
        best=evaluation("x", figures=figures(60, host_ops=3, sram_bytes=70000, vela_cycles=110), verified=False),
        recipe="x",
        status="interrupted",
    )
    text = report(doubtful).text
    for warning in (
        "more operators on the CPU than the default: 3, not 1",
        "70,000 bytes",
        "Vela's own estimate",
        "not checked",
        "interrupted",
    ):
        assert warning in text
    assert "equal bit for bit" not in text


def hostile_best():
    rows = tuple(OperatorRow(0, HOSTILE, HOSTILE, HOSTILE, cycles, cycles) for cycles in (5, 3))
    identity = dataclasses.replace(
        mutated(mutated(IDENTITY, ("target", "facts", "system_config"), HOSTILE), ("versions", "torch"), HOSTILE),
        model_name=HOSTILE, quantisation={HOSTILE: HOSTILE}, objective={HOSTILE: HOSTILE},
    )  # fmt: skip
    check = {HOSTILE: HOSTILE, "inputs": [{"kind": HOSTILE, "count": 1, HOSTILE: HOSTILE}]}
    return best(
        HOSTILE,
        identity=identity,
        default=evaluation("default", 100, identity, operators=rows),
        best=evaluation(HOSTILE, 60, identity, operators=rows[1:], check=check, program_hash=HOSTILE),
    )


def test_hostile_names_are_text(report):
    found = hostile_best()
    page = report(found, explanations={HOSTILE: HOSTILE}, warnings=[HOSTILE], host_operators=[HOSTILE])
    assert page.tags()["script"] == 1 and page.tags()["style"] == 1 and page.tags()["img"] == 0
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert HOSTILE in page.text


def test_hostile_names_in_the_index(tmp_path):
    page = Page(write_index([hostile_best(), best()], tmp_path / "index.html"))
    assert page.tags()["script"] == 1 and page.tags()["img"] == 0
    assert HOSTILE in page.text


@pytest.mark.parametrize("kind", ["report", "index"])
def test_pages_need_nothing_else(tmp_path, kind):
    found = [best(RECIPE), hostile_best()]
    path = tmp_path / "page.html"
    for one in found:
        page = Page(write_report(one, path, ReportExtras()) if kind == "report" else write_index([one], path))
        links = {
            value
            for _, attributes in page.elements
            for name, value in attributes.items()
            if name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster", "background")
        }
        assert links <= {report_name(one.identity)}
        assert not re.search(r"(?i)url\(|@import|https?:|//[a-z]|fetch\(|XMLHttp|import\(", page.html)
        assert not page.tags().keys() & {"link", "iframe", "object", "embed", "base", "form"}
        policy = [a["content"] for tag, a in page.elements if tag == "meta" and "http-equiv" in a]
        assert policy and policy[0].startswith("default-src 'none'")


def test_index_shows_the_run(tmp_path):
    other = dataclasses.replace(mutated(IDENTITY, ("target", "name"), "ethos-u85-256"), model_name="net b")
    runs = [best(identity=other, cycles=25), best()]
    page = Page(write_index(runs, tmp_path / "index.html"))
    rest = "transposes 4 → 4 20 9 exhausted"
    first = "nets/keyword.py:build ethos-u55-128 100 60 40.0 % 1.67\N{MULTIPLICATION SIGN} 38.1 %"
    assert f"{first} {rest}" in page.text
    second = "net b ethos-u85-256 100 25 75.0 % 4.00\N{MULTIPLICATION SIGN} 71.4 %"
    assert f"{second} {rest}" in page.text
    assert "2 of 2 equal bit for bit" in page.text
    assert [a["href"] for tag, a in page.elements if tag == "a"] == [
        report_name(best.identity) for best in sorted(runs, key=lambda run: run.identity.model_name)
    ]


def test_pages_count_what_the_family_counts(tmp_path):
    counted = best(identity=mutated(IDENTITY, ("target", "family"), "cortex-m"))
    text = Page(write_report(counted, tmp_path / "report.html", ReportExtras())).text
    assert "default, instructions predicted 100" in text and "40.0 % fewer instructions" in text
    assert "60 instructions (predicted" in brief(counted)
    alone = write_index([counted], tmp_path / "alone.html").read_text()
    assert "best instructions<br>" in alone and "fewer instructions" in alone
    both = write_index([counted, best()], tmp_path / "both.html").read_text()
    assert "best cycles or instructions<br>" in both
    for unit in ("instructions", "cycles"):
        assert both.count(f'60<br><span class="label">{unit}</span>') == 1


def orders_facts(now: dict[str, int]) -> Best:
    """Of a family whose number only orders facts: two delegates and a thousand bytes before."""
    identity, was = mutated(IDENTITY, ("target",), Target("vulkan", "vulkan", {})), dict(FACTS)
    default, tuned = (
        evaluation(recipe, identity=identity, figures=Figures(number, 0, 0, metrics))
        for recipe, number, metrics in (("default", 2_0000001000_005, was), ("half=yes", 1_0000000500_005, was | now))
    )
    return best("half=yes", identity=identity, default=default, best=tuned)


FACTS = {"host_operators": 0, "delegates": 2, "moved_bytes": 1000, "operations": 5, "transitions": 0}


def test_a_number_that_orders_facts_is_reported_by_those_that_changed(report, tmp_path):
    found = orders_facts({"delegates": 1, "moved_bytes": 500})
    changed, was = "delegates 2 → 1, bytes moved 1,000 → 500", "2 delegates, 1,000 bytes moved"
    table = markdown_table([found, best()])
    index = Page(write_index([found, best()], tmp_path / "index.html")).text
    page = report(found).text
    for text in (table, index, page):
        assert changed in text and "2,000" not in text and "100.0 %" not in text
    assert was in index and was in page
    assert tune_json(found)["gain_percent"] is None
    assert [str(one) for one in means_of([found])[0].estimates] == []
    assert means_of([found])[0].objective is None
    assert markdown_table([orders_facts({})]).count("none") == 1


def test_index_says_where_the_default_is_wrong(tmp_path):
    wrong = evaluation("default", 50, status="wrong", reason="191 of 192 values differ", verified=False)
    runs = [best(default=wrong, best=evaluation("copies", 60), recipe="copies")]
    assert "default is wrong" in Page(write_index(runs, tmp_path / "index.html")).text
    assert "default is wrong" not in Page(write_index([best()], tmp_path / "index.html")).text


def test_index_of_nothing(tmp_path):
    assert "Nothing has been tuned yet" in Page(write_index([], tmp_path / "index.html")).text


@given(st.text(), st.text())
def test_report_names_are_file_names(name, accelerator):
    identity = dataclasses.replace(mutated(IDENTITY, ("target", "name"), accelerator), model_name=name)
    assert re.fullmatch(r"[A-Za-z0-9-]{1,110}\.html", report_name(identity))


def test_report_names_differ_with_the_board():
    other = mutated(IDENTITY, ("target", "facts", "memory_mode"), "Sram_Only")
    assert report_name(other) != report_name(IDENTITY)


def test_report_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be written"):
        write_report(best(), tmp_path / "file" / "report.html", ReportExtras())
    with pytest.raises(StoreError, match="cannot be written"):
        write_report(best(), tmp_path, ReportExtras())
    assert [path.name for path in tmp_path.iterdir()] == ["file"], "nothing is left behind"


def test_the_candidate_that_vela_alone_would_choose_is_called_phantom(report):
    default = evaluation("default", figures=figures(100, vela_cycles=100))
    tuned = evaluation("fuse-transposes", figures=figures(60, vela_cycles=90))
    fooled = evaluation("remove-noops", figures=figures(120, vela_cycles=50))
    found = best(default=default, best=tuned)
    assert phantom_of(found, [default, tuned, fooled]) == fooled
    assert phantom_of(found, [default, tuned]) is None
    true = evaluation("transpose-to-reshape", figures=figures(60, vela_cycles=40))
    assert phantom_of(found, [default, tuned, fooled, true]) is None, "what Vela likes best is as cheap as the best"
    unchecked = evaluation("remove-noops", figures=figures(120, vela_cycles=50), verified=False)
    assert phantom_of(found, [default, tuned, unchecked]) is None
    page = report(found, phantom=fooled)
    assert "Phantom gain" in page.text and "remove-noops" in page.text


def test_where_the_two_estimates_differ_is_said_with_the_reason(report):
    rows = (
        OperatorRow(0, "a", "Conv2D", "Conv2D", 500, 510),
        OperatorRow(0, "b", "Transpose", "Transpose", 900, 60),
        OperatorRow(0, "c", "DepthwiseConv2D", "DepthwiseConv2D", 40, 240),
        OperatorRow(0, "d", "Transpose", "Transpose", 100, 40),
        OperatorRow(0, "e", "Table", "Table", 1, 5),
    )
    found = differences(rows, BACKEND.estimate_reasons)
    assert [(one.target_op, one.rows, one.cycles, one.compiler_cycles) for one in found] == [
        ("Transpose", 2, 1000, 100),
        ("DepthwiseConv2D", 1, 40, 240),
    ]
    assert "pools" in found[0].why and "dilated" in found[1].why
    page = report(best(default=evaluation("default", operators=rows)))
    assert "dilated by more than 2" in page.text
    assert differences((), {}) == []


def test_a_rise_by_vela_is_reported_with_its_reason(report):
    before = (
        OperatorRow(0, "a", "Conv2D", "Conv2D", 500, 510),
        OperatorRow(0, "b", "Transpose", "Transpose", 900, 60),
    )
    after = (
        OperatorRow(0, "a", "Conv2D", "Conv2D", 400, 710),
        OperatorRow(0, "c", "Conv2D", "Conv2D", 20, 90),
    )
    page = report(
        best(
            default=evaluation("default", figures=figures(1400, vela_cycles=570), operators=before),
            best=evaluation("x", figures=figures(420, vela_cycles=800), operators=after),
            recipe="x",
        )
    )
    assert "800 cycles instead of 570. Conv2D takes 290 more of them: convolutions that are dilated" in page.text
    assert largest_rise_by_compiler(after, before, {"Transpose": "many"}) == Rise("Transpose", 60, "many")
    assert largest_rise_by_compiler(before, before, {}) is None
