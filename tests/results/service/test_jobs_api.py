"""Jobs and model files over HTTP, with a toolchain of small scripts behind; and whether the description is true."""

import contextlib
import socket
import time
from unittest import SkipTest

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance
from support.processes.service_process import bearer
from support.processes.service_stand_in import made, serving
from support.samples.sample_results import IDENTITY, best, failed

from results.service.tokens import Role
from results.store.store import Store

REQUEST = {"model": "net", "target": "ethos-u55-128"}


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stand-in")
    with made(folder, upload_bytes=100_000, queued_jobs=2) as service, serving(service) as url:
        yield service, url


@pytest.fixture(scope="module")
def tokens(stand_in):
    service, _ = stand_in
    return {role.name: bearer(service.tokens.create(role.name, role)) for role in Role}


def send(url, method, path, headers, **arguments):
    return requests.request(method, url + path, headers=headers, timeout=60, **arguments)


def state_of(url, id):
    return requests.get(f"{url}/v1/jobs/{id}", timeout=60).json()["state"]


def test_roles_each_may_do_what_those_below_may(stand_in, tokens):
    _, url = stand_in
    wanted = {
        ("POST", "/v1/jobs"): "submit",
        ("POST", "/v1/models?kind=pt2"): "submit",
        ("DELETE", f"/v1/jobs/{'0' * 16}"): "submit",
        ("DELETE", f"/v1/models/{'0' * 64}"): "admin",
    }
    for (method, path), role in wanted.items():
        statuses = {name: send(url, method, path, headers).status_code for name, headers in tokens.items()}
        assert {name for name, status in statuses.items() if status != 403} == {
            one.name for one in Role if one >= Role[role]
        }, (method, path, statuses)
        assert send(url, method, path, {}).status_code == 403, "who reads without a token may not write"


def test_a_job_is_started_followed_and_found(stand_in, tokens):
    _, url = stand_in
    started = send(url, "POST", "/v1/jobs", tokens["submit"], json=REQUEST)
    assert started.status_code == 202, started.text
    id = started.json()["id"]
    with requests.get(f"{url}/v1/jobs/{id}/events", stream=True, timeout=60) as events:
        assert events.headers["Content-Type"].startswith("text/event-stream")
        lines = [line for line in events.iter_lines(decode_unicode=True) if line.startswith("event:")]
    assert lines == ["event: lowering", "event: end"]
    assert requests.get(f"{url}/v1/jobs", timeout=60).json()["jobs"][0]["state"] == "done"
    assert ">done<" in requests.get(f"{url}/jobs", timeout=60).text


def test_a_job_is_its_owner_s_or_an_administrator_s_to_cancel(stand_in, tokens):
    service, url = stand_in
    id = send(url, "POST", "/v1/jobs", tokens["submit"], json={**REQUEST, "board": {"what": "wait"}}).json()["id"]
    other = bearer(service.tokens.create("another", Role.submit))
    assert send(url, "DELETE", f"/v1/jobs/{id}", other).status_code == 403
    assert send(url, "DELETE", f"/v1/jobs/{id}", tokens["admin"]).status_code == 202
    deadline = time.monotonic() + 30
    while state_of(url, id) != "cancelled":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert send(url, "DELETE", f"/v1/jobs/{id}", tokens["submit"]).status_code == 409


def test_an_answer_is_remembered_only_until_the_store_changes(stand_in):
    service, url = stand_in

    def answer() -> str:
        return requests.post(f"{url}/v1/lookup", json=IDENTITY.to_json(), timeout=60).json()["answer"]

    assert [answer(), answer()] == ["miss", "miss"]
    with Store.open(service.store.location) as other:
        other.bests.record(best())
        assert [answer(), answer()] == ["hit", "hit"]
        other.evaluations.record(failed("fuse-transposes", "wrong"))
        assert answer() == "miss", "what turned out wrong is handed out by nobody"


def test_a_full_queue_is_reported(stand_in, tokens):
    _, url = stand_in
    asked = {**REQUEST, "board": {"what": "wait"}}
    answers = [send(url, "POST", "/v1/jobs", tokens["submit"], json=asked) for _ in range(4)]
    assert answers[-1].status_code == 429 and answers[-1].headers["Retry-After"] == "60"
    for answer in answers:
        if answer.status_code == 202:
            send(url, "DELETE", f"/v1/jobs/{answer.json()['id']}", tokens["submit"])


@pytest.mark.parametrize(
    "change",
    [{"model": "file.py:make"}, {"model": "os:system"}, {"model": "/etc/passwd"}, {"model": "upload:" + "0" * 64},
     {"target": "ethos-u55-128; id"}, {"board": {"what": "../x"}}, {"board": {"../x": "x"}}, {"target": "another"},
     {"objective": "a b"}, {"trials": 0}, {"timeout_seconds": "nan"},
     {"vela_config": "/etc/passwd"}, {"seed": 2**70}, {"calibration_data": "/etc/passwd"},
     {"calibration_data": "upload:" + "0" * 64}, {"allow_requant": -1}, {"allow_requant": 1, "allow_precision": 1},
     {"allow_requant": 1, "metric": "/etc/own.py:f", "min_metric": 0}],
)  # fmt: skip
def test_nothing_is_tuned_but_what_the_service_knows(stand_in, tokens, change):
    _, url = stand_in
    answer = send(url, "POST", "/v1/jobs", tokens["admin"], json={**REQUEST, **change})
    assert answer.status_code == 422 and answer.json()["error"] == "invalid"


def test_model_files_are_bounded_declared_or_not(stand_in, tokens):
    service, url = stand_in
    path = "/v1/models?kind=tosa"
    assert send(url, "POST", path, tokens["submit"], data=b"x" * 100_001).status_code == 413
    assert send(url, "POST", path, tokens["submit"], data=(b"x" * 1000 for _ in range(101))).status_code == 413
    assert send(url, "POST", path, tokens["submit"], data=b"").status_code == 422
    refused = send(url, "POST", path, tokens["submit"], data=b"x" * 1000)
    assert refused.status_code == 422 and refused.json()["message"] == "it is none"
    assert not list((service.state.folder / "uploads").iterdir()), "nothing is left of what was not taken"


def test_a_sender_that_hangs_up_leaves_nothing(stand_in, tokens):
    service, url = stand_in
    port = int(url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as sender:
        token = tokens["submit"]["Authorization"]
        head = f"POST /v1/models?kind=pt2 HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nContent-Length: 5000\r\n\r\n"
        sender.sendall(head.encode() + b"x" * 1000)
        time.sleep(0.3)
    deadline = time.monotonic() + 30
    while list((service.state.folder / "uploads").iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert requests.get(f"{url}/health", timeout=60).status_code == 200


def test_the_service_does_what_its_description_says(stand_in, tokens):
    """Schemathesis sends what fits the OpenAPI document, and what does not, to every operation."""
    service, url = stand_in
    done = ended_job(service, url, tokens["submit"])
    schema = schemathesis.openapi.from_url(f"{url}/v1/openapi.json")
    operations = [one.ok() for one in schema.get_all_operations()]
    assert len(operations) > 15
    for operation in operations:
        for mode in GenerationMode:
            # There is nothing wrong to send where nothing is sent.
            with contextlib.suppress(Unsatisfiable, SkipTest):
                send_all(operation, mode, tokens["admin"], done)


def ended_job(service, url, headers):
    """One whose events come to an end."""
    id = send(url, "POST", "/v1/jobs", headers, json=REQUEST).json()["id"]
    deadline = time.monotonic() + 30
    while state_of(url, id) != "done":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return id


def send_all(operation, mode, headers, done):
    excluded = [ignored_auth]
    if operation.label in ("POST /v1/models", "POST /v1/jobs"):
        # Which models there are, and whether bytes are one, is not for a schema to say.
        excluded.append(positive_data_acceptance)

    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def answers_as_described(case):
        if operation.label.endswith("/events") and mode is GenerationMode.POSITIVE:
            case.path_parameters["id"] = done
        case.call_and_validate(headers=headers, excluded_checks=excluded, timeout=60)

    answers_as_described()
