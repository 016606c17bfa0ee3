"""What is known, over HTTP."""

import time

import pytest
import requests
from support.samples.sample_results import IDENTITY, KEY_FIELDS, mutated

TOOLCHAIN = [path for path in KEY_FIELDS if path[0] in ("versions", "search_space_version")]


def ask(service, identity):
    answer = requests.post(f"{service.url}/v1/lookup", json=identity.to_json(), timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_hit_is_the_best_with_its_figures(service):
    found = ask(service, IDENTITY)
    assert (found["answer"], found["identity"]) == ("hit", IDENTITY.key)
    assert found["best"]["recipe"] == "fuse-transposes" and found["best"]["best"]["cycles"] == 60
    assert found["best"]["best"]["label"] == "predicted"
    assert service.get(f"/v1/lookup/{IDENTITY.key}").json() == found


def test_a_remembered_answer_has_the_headers_of_its_request_only(service):
    answers = [requests.post(f"{service.url}/v1/lookup", json=IDENTITY.to_json(), timeout=60) for _ in range(20)]
    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert len(set(ids)) == 20 and {len(id) for id in ids} == {16}, "several of one name would come as one, with commas"


@pytest.mark.parametrize("path", KEY_FIELDS, ids=".".join)
def test_no_other_identity_is_a_hit(service, path):
    found = ask(service, mutated(IDENTITY, path, "another"))
    other_model = path[0] in ("model_hash", "quantisation")
    assert found["answer"] == ("stale" if path in TOOLCHAIN else "nearest" if other_model else "miss")
    if found["answer"] != "miss":
        fields = [one["field"].split()[-1] for one in found["differences"]]
        assert path[-1] in fields and found["reason"]


def test_an_unknown_key_is_a_miss_and_a_wrong_one_is_refused(service):
    assert service.get(f"/v1/lookup/{'0' * 64}").json()["answer"] == "miss"
    assert service.get("/v1/lookup/short").json()["error"] == "invalid"
    assert service.get(f"/v1/results/{'0' * 64}").json()["error"] == "not_found"


def test_an_identity_with_an_unknown_field_is_refused(service):
    asked = {**IDENTITY.to_json(), "colour": "green"}
    assert requests.post(f"{service.url}/v1/lookup", json=asked, timeout=60).status_code == 422


def test_lists_hold_the_newest_of_each_series(service):
    answer = service.get("/v1/bests").json()
    assert answer["total"] == 2
    by_name = {one["model"]: one for one in answer["bests"]}
    assert by_name[IDENTITY.model_name]["versions"]["ethos-u-vela"] == "5.2.0"
    assert service.get("/v1/bests?model=KEYWORD").json()["total"] == 1, "names are found in any case"
    assert service.get("/v1/bests?model=%25").json()["total"] == 0, "a percent sign is a percent sign"
    assert service.get("/v1/bests?target=ethos-u85-256").json()["total"] == 0
    assert len(service.get("/v1/bests?limit=1&offset=1").json()["bests"]) == 1


def test_regressions_are_reported_with_what_changed(service):
    (one,) = service.get("/v1/regressions").json()["regressions"]
    assert (one["before"]["versions"]["ethos-u-vela"], one["after"]["versions"]["ethos-u-vela"]) == ("5.1.0", "5.2.0")
    assert (one["before"]["best_cycles"], one["after"]["best_cycles"], one["percent"]) == (60, 66, 10.0)
    assert service.get("/v1/regressions?percent=10").json()["regressions"] == []


def test_a_result_has_operators_elements_and_history(service):
    result = service.get(f"/v1/results/{IDENTITY.key}").json()
    assert [one["name"] for one in result["default_operators"]] == ["conv_1", "transpose_1", "add_1"]
    assert [one["element"] for one in result["elements"]] == ["fuse-transposes"]
    assert [one["best_cycles"] for one in result["history"]] == [80, 70, 60, 66]
    assert [one["cycles"] for one in result["pareto"]] == [60]


def test_the_report_is_a_whole_file_that_may_do_nothing(service):
    report = service.get(f"/v1/results/{IDENTITY.key}/report.html")
    assert "<style>" in report.text and IDENTITY.model_name in report.text
    assert "default-src 'none'" in report.headers["Content-Security-Policy"]
    assert "sandbox" in report.headers["Content-Security-Policy"]


def test_metrics_count_lookups_and_routes(service):
    ask(service, IDENTITY)
    service.get("/no/such/page")
    text = service.get("/metrics").text
    assert 'velatune_lookups_total{answer="hit"}' in text
    assert 'route="/v1/lookup"' in text and "/no/such/page" not in text, "callers cannot make up series"


def test_every_request_is_a_line_of_json_in_the_log(service):
    request_id = service.get("/ready").headers["X-Request-Id"]
    deadline = time.monotonic() + 30  # it is written after the answer
    while not (lines := [one for one in service.log if one.get("id") == request_id]):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    (line,) = lines
    assert (line["event"], line["path"], line["status"], line["by"]) == ("request", "/ready", 200, "loopback")
