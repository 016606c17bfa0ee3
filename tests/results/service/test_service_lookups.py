"""Lookups over HTTP on both databases: what is remembered and for how long, and what a database's moods do to them."""

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests
from support.processes.service_stand_in import made, serving
from support.samples.sample_results import IDENTITY, best, evaluation, mutated

from benchmarks.store.postgresql import binaries, server
from results.records.evaluation import Simulation
from results.records.identity import Identity
from results.service.service import Service
from results.store.store import Store

OLDER = mutated(IDENTITY, ("versions", "torch"), "2.12.0")


class Asked:
    """A service that is asked. questions: those that it asked its stores."""

    def __init__(self, url: str, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url, self.service = url, service
        self.questions: list[Identity] = []
        look_up = service.asking.look_up
        monkeypatch.setattr(
            service.asking, "look_up", lambda identity: self.questions.append(identity) or look_up(identity)
        )

    def post(self, identity: Identity = IDENTITY) -> requests.Response:
        return requests.post(f"{self.url}/v1/lookup", json=identity.to_json(), timeout=60)

    def answer(self, identity: Identity = IDENTITY) -> dict:
        found = self.post(identity)
        assert found.status_code == 200, found.text
        return found.json()


@contextmanager
def served(folder: Path, monkeypatch: pytest.MonkeyPatch, **stores: Path | str) -> Iterator[Asked]:
    with made(folder, **stores) as service, serving(service) as url:
        yield Asked(url, service, monkeypatch)


@pytest.fixture
def asked(where, tmp_path, monkeypatch):
    with served(tmp_path, monkeypatch, store=where) as one:
        yield one


def test_an_answer_is_remembered_until_something_is_committed(asked, where):
    assert [asked.answer()["answer"] for _ in range(3)] == ["miss"] * 3
    assert len(asked.questions) == 1
    with Store.open(where) as another:
        another.bests.record(best(identity=OLDER))
        stale = asked.answer()
        assert stale["answer"] == "stale" and stale == asked.answer() and len(asked.questions) == 2
        assert [one["field"] for one in stale["differences"]] == ["torch"]
        another.bests.record(best())
        hit = asked.answer()
    assert (hit["answer"], hit["best"]["recipe"], hit["simulated"]) == ("hit", "fuse-transposes", [])
    assert asked.answer() == hit and len(asked.questions) == 3


def test_after_a_commit_each_answer_is_asked_for_once_more(asked, where):
    asked.answer(), asked.answer(OLDER)
    with Store.open(where) as another:
        another.bests.record(best())
    for _ in range(2):
        assert (asked.answer()["answer"], asked.answer(OLDER)["answer"]) == ("hit", "stale")
    assert asked.questions == [IDENTITY, OLDER] * 2


def test_what_takes_more_than_one_statement_is_answered_too(asked, where, caplog):
    with Store.open(where) as another:
        another.bests.record(best())
        another.simulations.record(Simulation(IDENTITY.key, "fuse-transposes", "FVP", "aa" * 32, 91))
        assert [one["npu_cycles"] for one in asked.answer()["simulated"]] == [91]
        another.bests.record(best("older", identity=OLDER))
        with another.database.write() as connection:
            connection.exec_driver_sql("UPDATE bests SET evaluations = -1 WHERE identity_id = 1")
    with caplog.at_level(logging.WARNING):
        assert asked.answer()["best"]["recipe"] == "older"
    assert caplog.text.count("skipped best of identity") == 1


def test_many_at_once_are_all_answered(asked):
    others = [mutated(IDENTITY, ("model_hash",), f"{number:064x}") for number in range(100)]
    with ThreadPoolExecutor(25) as pool:
        assert {one["identity"] for one in pool.map(asked.answer, others)} == {one.key for one in others}


def test_a_body_that_is_no_identity_is_reported_what_is_wrong(asked):
    def sent(body: str, kind: str = "application/json") -> tuple[int, str]:
        answer = requests.post(f"{asked.url}/v1/lookup", data=body, headers={"Content-Type": kind}, timeout=60)
        return answer.status_code, answer.json().get("message", "")

    whole = IDENTITY.to_json()
    assert sent("{") == (422, "body.1: JSON decode error")
    assert sent("[]")[0] == 422 and sent("")[0] == 422
    status, message = sent(json.dumps({**whole, "target": {}}))
    assert status == 422 and message.startswith("body.target.")
    assert sent(json.dumps(whole), "text/plain")[0] == 422, "any website's page may send that"
    assert sent(json.dumps(whole)) == (200, "")
    assert sent(json.dumps(whole), "application/json; charset=utf-8") == (200, "")


def test_a_second_store_is_asked_where_the_users_has_nothing_better(where, tmp_path, monkeypatch):
    """The system store is the one that is tried on both databases."""
    with Store.open(where) as team, served(tmp_path, monkeypatch, system=where) as asked:
        assert asked.answer()["answer"] == "miss"
        team.bests.record(best("of the team", 50))
        assert asked.answer()["best"]["recipe"] == "of the team"
        asked.service.store.bests.record(best("of the user", 60))
        assert asked.answer()["best"]["recipe"] == "of the user"
        before = len(asked.questions)
        team.identities.register(mutated(IDENTITY, ("objective", "minimised"), "another"))
        asked.answer()
        assert len(asked.questions) == before, "it does not hang on the team's store"


@pytest.mark.parametrize("where", ["postgresql"], indirect=True)
def test_the_users_store_on_postgresql_with_a_second_one(where, tmp_path, monkeypatch):
    team = tmp_path / "team.sqlite"
    with Store.open(team) as store:
        store.bests.record(best())
    with served(tmp_path, monkeypatch, store=where, system=team) as asked:
        assert asked.answer()["answer"] == "hit"
        asked.service.store.identities.register(IDENTITY)
        asked.service.store.evaluations.record(evaluation("fuse-transposes"))
        asked.service.store.simulations.record(Simulation(IDENTITY.key, "fuse-transposes", "FVP", "aa" * 32, 91))
        assert [one["npu_cycles"] for one in asked.answer()["simulated"]] == [91]


@pytest.mark.parametrize("where", ["postgresql"], indirect=True)
def test_lookups_outlive_their_connections(asked, where):
    with Store.open(where) as another:
        another.bests.record(best())
        assert asked.answer() == asked.answer()
        for identity in (IDENTITY, OLDER):  # one that is remembered, one that is not
            with another.database.write() as connection:
                others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid != pg_backend_pid()"
                connection.exec_driver_sql(f"{others} AND datname = current_database()")
            assert asked.answer(identity)["answer"] in ("hit", "stale"), "as after a restart of the server"


def test_a_database_that_is_down_is_reported_in_one_line(tmp_path, monkeypatch):
    if binaries() is None:
        pytest.skip("no PostgreSQL server is installed")
    with ExitStack() as running:
        url = running.enter_context(server())
        with served(tmp_path, monkeypatch, store=url) as asked:
            assert asked.answer()["answer"] == "miss"
            running.close()
            for identity in (IDENTITY, OLDER):  # one that is remembered, one that is not
                answer = asked.post(identity)
                assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")
                assert answer.json()["message"] == "the results store cannot be used at the moment"
            assert requests.get(f"{asked.url}/ready", timeout=60).status_code == 503
