"""What counts as drift and as a regression between versions, and the reports that say so."""

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from support.samples.sample_results import IDENTITY, best, evaluation, failed, mutated

from results.nightly.night import Limits, Night, NightEntry, changes_between, comparable, drift_between, reference_of
from results.nightly.night_report import NAMES, night_json, night_junit, night_markdown, regression_text, write_night
from results.store.nights import JobNote, OpenNight
from results.store.store import Store


def under(vela: str, **others: str):
    identity = mutated(IDENTITY, ("versions", "ethos-u-vela"), vela)
    return replace(identity, **others)


OLD, NOW = under("5.0.0"), under("5.2.0")


@pytest.mark.parametrize(
    ("earlier", "expected"),
    [
        (NOW, False),  # nothing changed
        (OLD, True),
        (replace(OLD, search_space_version="0"), True),
        (replace(NOW, search_space_version="0"), True),
        (mutated(OLD, ("objective", "minimised"), "something else"), False),
        (mutated(OLD, ("quantisation", "scheme"), "int16"), False),
        (replace(OLD, io_layout="nhwc"), False),
        (replace(OLD, model_name="another name"), True),
        (replace(OLD, model_hash="b2" * 32), False),  # somebody changed the model
        (mutated(replace(OLD, model_hash="b2" * 32), ("versions", "torch"), "2.12.0"), True),
        (mutated(OLD, ("target", "facts", "memory_mode"), "Sram_Only"), False),
        (mutated(OLD, ("versions", "a-pass-of-others"), "1.0"), True),
    ],
)
def test_cycles_are_compared_where_only_versions_differ(earlier, expected):
    assert comparable(earlier, NOW) is expected


def test_every_version_is_a_change():
    for name in ("ethos-u-vela", "torch", "not there now"):
        changed = mutated(NOW, ("versions", name), "0")
        assert [change.name for change in changes_between(changed, NOW)] == [name]
    others = dict.fromkeys(NOW.versions, "a")
    assert len(changes_between(replace(NOW, versions=others), NOW)) == len(NOW.versions)


def test_the_reference_is_the_cheapest_of_all_earlier_versions():
    cheap, latest = best(cycles=50, identity=under("5.0.0")), best(cycles=70, identity=under("5.1.0"))
    reference = reference_of([latest, cheap])
    assert reference is not None
    assert (reference.best_cycles, reference.default_cycles) == (50, 100)
    assert "5.0.0" in reference.best_versions
    assert reference_of([]) is None


def entry(model: str, best_cycles: int, **others) -> NightEntry:
    fields = {
        "default_cycles": 100,
        "before_cycles": 60,
        "recipe": "sink-transposes",
        "reference": reference_of([best()]),
    }
    return NightEntry(model, "ethos-u55-128", "tuned", "never tuned", best_cycles=best_cycles, **(fields | others))


def night(*entries: NightEntry, **limits: float) -> Night:
    return Night("s", "2026-11-21T01:00:00", "2026-11-21T02:00:00", 60.0, 5, Limits(**limits), {"torch": "2"}, entries)


def test_a_regression_is_more_than_an_earlier_best_by_more_than_the_limit():
    dearer = entry("a", 63)
    assert dearer.best_regression == pytest.approx(5.0)
    assert night(dearer, best_percent=4.9).regressions == [dearer]
    assert night(dearer, best_percent=5.0).regressions == []
    assert night(entry("a", 59), best_percent=0.0).regressions == []
    assert night(entry("a", 90, reference=None), best_percent=0.0).regressions == []


def test_the_default_regresses_only_where_a_limit_is_set():
    dearer = entry("a", 60, default_cycles=120)
    assert night(dearer, best_percent=1.0).regressions == []
    assert night(dearer, best_percent=1.0, default_percent=10.0).regressions == [dearer]


def test_a_new_best_is_cheaper_than_what_the_night_began_with():
    drift = drift_between(best(identity=OLD), best(identity=NOW), evaluation("fuse-transposes", 55, NOW))
    assert entry("a", 59).is_new_best
    assert not entry("a", 60).is_new_best
    assert entry("a", 99, before_cycles=None).is_new_best
    assert not entry("a", 100, before_cycles=None).is_new_best
    assert not entry("a", 55, before_cycles=None, drift=drift).is_new_best
    assert entry("a", 54, before_cycles=None, drift=drift).is_new_best


def test_a_default_that_is_wrong_is_no_bar_and_is_reported():
    wrong = entry("a", 120, before_cycles=None, default_fault="191 of 192 values differ")
    assert wrong.is_new_best and not entry("a", 120, before_cycles=None).is_new_best
    assert not replace(wrong, before_cycles=120).is_new_best and not replace(wrong, best_cycles=None).is_new_best
    assert "100 cycles, wrong outputs" in night_markdown(night(wrong))
    assert wrong.account.endswith("the default computes wrong outputs")


def test_numbers_have_the_unit_of_their_family(tmp_path):
    dearer = entry("a", 63, family="cortex-m")
    assert "the best costs 63 instructions, 5.0 % more than 60" in regression_text(dearer)
    assert "instructions" in night_markdown(night(replace(dearer, best_cycles=50)))
    alone = write_night(night(dearer), tmp_path).read_text()
    assert '<th class="n">best instructions</th>' in alone and "cycles" not in alone
    both = write_night(night(dearer, entry("b", 63, family="ethos-u")), tmp_path).read_text()
    assert '63 <span class="label">instructions</span>' in both and '63 <span class="label">cycles</span>' in both


def test_drift_tells_what_both_recipes_cost_before_and_now():
    now = best("other", 50, NOW, default=evaluation("default", 110, NOW))
    drift = drift_between(best(identity=OLD), now, evaluation("fuse-transposes", 66, NOW))
    assert (drift.default_percent, drift.best_percent, drift.fault) == (pytest.approx(10), pytest.approx(10), "")
    broken = drift_between(best(identity=OLD), now, failed("fuse-transposes", "wrong", identity=NOW))
    assert (broken.best_now, broken.fault) == (None, "wrong: it wrong")
    assert drift_between(best(identity=OLD), now, None).fault == "there is no such recipe any more"


def full_night() -> Night:
    drift = drift_between(best(identity=OLD), best(identity=NOW), evaluation("fuse-transposes", 66, NOW))
    return night(
        entry("worse <b>", 80, drift=drift),
        entry("better", 40),
        NightEntry("broken | file.py:f", "ethos-u55-128", "failed", "it | does not export", failures=2),
        NightEntry("hangs", "ethos-u55-128", "quarantined", "failed in 3 nights in a row", failures=3),
        NightEntry("later", "ethos-u55-128", "waiting", "never tuned; the budget is spent"),
        NightEntry("calm", "ethos-u55-128", "fresh", "exhausted", default_cycles=9, best_cycles=9, before_cycles=9),
        entry("better", 30, options="up to precision"),
    )


def test_a_build_server_reads_the_report():
    suite = ElementTree.fromstring(night_junit(full_night())).find("testsuite")
    assert suite is not None
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "7", "failures": "1", "errors": "1", "skipped": "2"}
    cases = {case.get("name"): [child.tag for child in case] for case in suite}
    assert cases["worse <b>"] == ["failure", "system-out"]
    assert cases["better"] == cases["better (up to precision)"] == cases["calm"] == []


def test_machines_read_the_report():
    document = json.loads(json.dumps(night_json(full_night())))
    assert [one["options"] for one in document["entries"]] == [""] * 6 + ["up to precision"]
    assert [one["regressed"] for one in document["entries"]] == [True] + [False] * 6
    assert [one["new_best"] for one in document["entries"]] == [False, True] + [False] * 4 + [True]
    assert document["entries"][0]["best_regression_percent"] == pytest.approx(33.333)


def test_people_read_the_report(tmp_path):
    page = write_night(full_night(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)
    html = page.read_text()
    assert "worse &lt;b&gt;" in html
    assert "5.0.0 → 5.2.0" in html
    assert html.count(">up to precision<") == 1
    assert "://" not in html
    markdown = night_markdown(full_night())
    assert r"broken \| file.py:f" in markdown
    assert "| better (up to precision) " in markdown and "| better " in markdown
    for heading in ("Regressions", "Failures", "Drift", "New bests", "Waiting for the next night"):
        assert f"## {heading}" in markdown


def test_a_night_without_anything_to_do_says_so():
    calm = replace(entry("calm", 60), outcome="fresh")
    assert night(calm).headline == "nothing changed: all 1 are fresh"
    assert "nothing changed" not in night(replace(calm, best_cycles=80)).headline


def test_the_store_remembers_nights(tmp_path, caplog):
    note = JobNote("a job", "2026", 60, 5, entry("a", 55), seen_key="k", failures=1, failed_under="versions")
    with Store.open(tmp_path / "store.sqlite") as store:
        assert store.nights.get("s") is None
        store.nights.record(OpenNight("s", "2026"))
        store.nights.record(OpenNight("s", "2026", "2027", 5.0))
        assert store.nights.get("s") == OpenNight("s", "2026", "2027", 5.0)
        store.nights.record_note("s", JobNote("a job"))
        store.nights.record_note("s", note)
        store.nights.record_note("other", JobNote("a job"))
        assert store.nights.notes("s") == {"a job": note}
        with store.database.write() as connection:
            connection.exec_driver_sql("UPDATE night_jobs SET note_json = '{' WHERE suite = 's'")
        assert store.nights.notes("s") == {}
    assert "skipped a note on suite s" in caplog.text


def test_bests_of_other_versions_come_newest_first(tmp_path):
    with Store.open(tmp_path / "store.sqlite") as store:
        for vela in ("5.1.0", "5.0.0", "5.2.0"):
            store.bests.record(best(identity=under(vela)))
        store.bests.record(best(identity=mutated(OLD, ("target", "name"), "ethos-u65-256")))
        store.bests.record(best(identity=under("5.1.0")))  # stored again, met long ago
        found = [one.identity.versions["ethos-u-vela"] for one in store.bests.of_model(NOW)]
        assert found == ["5.2.0", "5.0.0", "5.1.0"]
        assert store.bests.updated(NOW.key) is not None
        assert store.bests.updated("nobody's") is None
