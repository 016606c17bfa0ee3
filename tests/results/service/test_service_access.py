"""Who may do what."""

import base64
import socket

import pytest
import requests
from support.processes.service_process import bearer, running, token, velatune
from support.samples.hostile_calibration import harmful

from results.service.http.access import Authenticator, Principal, Refused, is_loopback
from results.service.http.limits import Rate
from results.service.state import State
from results.service.tokens import Role, TokenBook

PAGES = ("/", "/regressions", "/static/style.css", "/ready", "/metrics", "/v1/openapi.json", "/no/such/page")


def own_address() -> str:
    """The machine's address in a network; no packet is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but the loopback's")
        return probe.getsockname()[0]


def test_off_loopback_nothing_but_health_works_without_a_token(service, roles):
    url = f"http://{own_address()}:{service.port}"
    described = requests.get(f"{service.url}/v1/openapi.json", timeout=60).json()["paths"]
    routes = [(method.upper(), path) for path, methods in described.items() for method in methods]
    assert len(routes) > 8
    for method, path in [*routes, *(("GET", page) for page in PAGES)]:
        path = path.replace("{identity}", "0" * 64)
        for lie in ({}, {"X-Forwarded-For": "127.0.0.1"}, {"Host": "127.0.0.1"}):
            answer = requests.request(method, url + path, headers=lie, timeout=60)
            assert answer.status_code == (200 if path == "/health" else 401), (method, path, lie)
    assert requests.get(f"{url}/", headers=roles("read"), timeout=60).status_code == 200


def test_the_description_tells_generated_clients_how_to_send_a_token(service):
    described = service.get("/v1/openapi.json").json()
    (name,) = described["components"]["securitySchemes"]
    scheme = described["components"]["securitySchemes"][name]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    open_paths = [
        path for path, methods in described["paths"].items() for one in methods.values() if "security" not in one
    ]
    assert open_paths == ["/health"]


def test_on_loopback_reading_is_free_unless_it_came_through_something(service):
    assert service.get("/v1/bests").status_code == 200
    for header in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
        assert service.get("/v1/bests", headers={header: "203.0.113.7"}).status_code == 401
    assert service.get("/v1/bests", headers={"Host": "rebound.example"}).status_code == 401


def test_a_token_that_is_wrong_is_not_better_than_none(service, roles):
    good = roles("read")["Authorization"].removeprefix("Bearer ")
    other = "A" if good[-1] != "A" else "B"
    for text in ("", "vt_", good[:-1] + other, good + "x", "vt_000000000000_" + "a" * 43, "\xff" * 60):
        assert (
            service.get("/v1/bests", headers={"Authorization": f"Bearer {text}".encode("latin-1")}).status_code == 401
        )
    assert service.get("/v1/bests", headers=bearer(good)).status_code == 200


def test_browsers_send_the_token_as_a_password_and_may_only_read(service, roles):
    text = roles("admin")["Authorization"].removeprefix("Bearer ")
    basic = {"Authorization": "Basic " + base64.b64encode(f"me:{text}".encode()).decode()}
    assert service.get("/v1/bests", headers=basic).status_code == 200
    assert requests.post(f"{service.url}/v1/lookup", json={}, headers=basic, timeout=60).status_code == 401
    assert 'Basic realm="velatune' in service.get("/", headers=bearer("x")).headers["WWW-Authenticate"]


def test_a_token_that_is_revoked_stops_at_once(service, filled):
    text = token(filled, "read")
    assert service.get("/v1/bests", headers=bearer(text)).status_code == 200
    id = text.split("_")[1]
    assert velatune("token", "revoke", id, "--store", filled).returncode == 0
    assert service.get("/v1/bests", headers=bearer(text)).status_code == 401
    assert velatune("token", "revoke", id, "--store", filled).returncode == 2
    listed = velatune("token", "list", "--store", filled).stdout
    assert f"{id}  read" in listed and "revoked" in listed and text not in listed


def test_only_hashes_of_tokens_are_kept(tmp_path):
    state = State(tmp_path / "state")
    secret = TokenBook(state).create("me", Role.read).split("_", 2)[2]
    state.close()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
    assert secret.encode() not in kept
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0


def test_a_token_expires(tmp_path):
    book = TokenBook(State(tmp_path))
    assert book.find(book.create("brief", Role.read, days=-1e-9)) is None
    found = book.find(book.create("long", Role.submit, days=1))
    assert found is not None and found.role is Role.submit


def test_callers_that_ask_too_much_are_reported_to_wait(filled, tmp_path):
    with running(filled, "--rate", "1", "--state", str(tmp_path)) as one:
        answers = [one.get("/v1/bests") for _ in range(5)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused and refused[0].headers["Retry-After"] == "1"
    assert answers[0].status_code == 200


def test_require_token_is_for_loopback_too(filled, tmp_path):
    with running(filled, "--require-token", "--state", str(tmp_path)) as one:
        assert one.get("/v1/bests").status_code == 401
        assert one.get("/health").status_code == 200
        second = velatune("serve", "--store", filled, "--state", tmp_path, "--port", 0)
        assert second.returncode == 2 and "another velatune serve" in second.stderr


def test_bodies_are_bounded(service):
    large = requests.post(f"{service.url}/v1/lookup", data=b" " * 70_000, timeout=60)
    assert large.status_code == 413
    chunked = requests.post(f"{service.url}/v1/lookup", data=(b" " * 1000 for _ in range(70)), timeout=60)
    assert chunked.status_code == 413


def test_calibration_inputs_with_a_call_in_them_leave_nothing_behind(service, roles):
    before = sorted(service.state.rglob("*"))
    url = f"{service.url}/v1/models?kind=pt&label=../../harm"
    refused = requests.post(url, data=harmful(), headers=roles("submit"), timeout=200)
    assert refused.status_code == 422 and "plain tensors only" in refused.json()["message"]
    assert sorted(service.state.rglob("*")) == before


def test_rates_come_back_with_time():
    now = [0.0]
    rate = Rate(2.0, lambda: now[0])
    assert [rate.wait_seconds("a") for _ in range(4)] == [0, 0, 0, 0]
    assert rate.wait_seconds("a") == 0.5
    assert rate.wait_seconds("b") == 0, "callers are counted apart"
    now[0] = 0.5
    assert rate.wait_seconds("a") == 0 and rate.wait_seconds("a") == 0.5


@pytest.mark.parametrize(
    "address, local",
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("::ffff:127.0.0.1", True), ("192.0.2.1", False),
     ("::ffff:192.0.2.1", False), ("localhost", False), ("", False), ("0.0.0.0", False), ("::", False)],
)  # fmt: skip
def test_what_is_loopback(address, local):
    assert is_loopback(address) is local


@pytest.mark.parametrize("host, local", [
    (b"localhost:80", True), (b"LOCALHOST", True), (b"[::1]:80", True), (b"127.0.0.1", True), (b"", False),
    (b"localhost.example", False), (b"127.0.0.1.example:80", False), (b"::1", False),
])  # fmt: skip
def test_only_local_names_are_local(tmp_path, host, local):
    door = Authenticator(TokenBook(State(tmp_path)), loopback_reads=True)
    who = door.principal("127.0.0.1", "GET", {b"host": host})
    assert isinstance(who, Principal if local else Refused)
