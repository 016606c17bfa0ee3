"""How long a lookup takes in a store of a million evaluations, on SQLite and a PostgreSQL server.

    python -m benchmarks.store.lookup [--models 2500]

Every identity has a hundred evaluations, and a best with the operator tables that a search leaves. Four models in
ten have the same structure, as when a team trains one network again and again. The aim: 99 of 100 lookups in a
millisecond, whatever the answer. Beside it is the time without what the machine's other programs did to it.

In turn with lookups as they are, SQLAlchemy runs the same statements with the same settings of connections. The last
columns say how long that takes, and how many times as long in the median. That is why
`results.store.database.fast_reads` runs statements itself.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, Select, insert

from benchmarks.store.postgresql import server
from results.lookup.lookup import Hit, Miss, Nearest, Stale, lookup
from results.records.figures import FIGURE_NAMES
from results.records.identity import Identity, Structure, Target
from results.store.database.connect import connect, store_url
from results.store.database.database import Database
from results.store.database.fast_reads import FastReads
from results.store.database.tables import identities, models, targets, toolchain_versions, toolchains
from results.store.lookups.lookups import Lookups
from results.store.rows.rows import facts_text, structure_values, target_values
from results.store.store import Store
from workers.ethos_u.backend import BACKEND

TARGETS = [
    Target(
        "ethos-u", f"ethos-{npu}", {"system_config": "system", "memory_mode": "memory", "vela_config": "Arm/vela.ini"}
    )
    for npu in ("u55-128", "u55-256", "u65-256", "u85-256")
]
TOOLCHAINS = [
    {"torch": "2.13.0", "torchao": "0.18.0", "executorch": "1.5.1", "ethos-u-vela": vela, "tosa-tools": "2026.5.0"}
    for vela in ("5.0.0", "5.1.0")
]
#: By default 2,500 models on 4 targets, each under one of the two toolchains; 100 recipes each.
MODELS, RECIPES, OPERATORS = 2_500, 100, 60
LOOKUPS = 2_000
_METRICS = json.dumps(dict.fromkeys((one.name for one in BACKEND.metrics), 1000))
#: Lookups before those: databases read their pages, and PostgreSQL makes plans until it keeps one.
_WARMING = 50
AIM_MILLISECONDS = 1.0


def identity(model: int, target: int) -> Identity:
    """That of a model of the benchmark on a target, as it is stored."""
    structure = "often" if model % 10 < 4 else f"structure {model // 3}"
    sizes = f"{structure}, sizes {model % 50}"
    return Identity(
        model_hash=_sha256(f"model {model}"),
        model_name=f"team/model-{model}",
        target=TARGETS[target],
        quantisation={"scheme": "int8 per-channel", "calibrated_on": "its own inputs"},
        versions=TOOLCHAINS[(model + target) % 2],
        search_space_version="3",
        objective={"minimised": "stream cycles", "stream_model": "1"},
        structure=Structure(_sha256(structure)[:32], _sha256(sizes)[:32]),
    )


def evaluations_of(models: int) -> int:
    """In a store of so many models."""
    return models * len(TARGETS) * RECIPES


def questions(chosen: random.Random, models: int) -> dict[type, Callable[[], Identity]]:
    """For each kind of answer, what is asked to get it of a store of so many models."""

    def known() -> Identity:
        return identity(chosen.randrange(models), chosen.randrange(len(TARGETS)))

    def but(asked: Identity, **others: Any) -> Identity:
        return dataclasses.replace(asked, **others)

    def other_model() -> str:
        return _sha256(f"new {chosen.random()}")

    newer = TOOLCHAINS[-1] | {"ethos-u-vela": "5.2.0"}
    return {
        Hit: known,
        Stale: lambda: but(known(), versions=newer),
        Nearest: lambda: but(known(), model_hash=other_model()),
        Miss: lambda: but(known(), model_hash=other_model(), structure=Structure(other_model()[:32], "0" * 32)),
    }


def fill(where: Path | str, count: int) -> None:
    """A new store with everything of so many models in it; written in bulk, so not by `Store`."""
    Store.open(where).close()
    engine = connect(store_url(where))
    recipes = [
        f"host-function=table | sink-transposes,minimise-transposed-bytes,table@profitable,select-transposes@{n}"
        for n in range(RECIPES)
    ]
    recipes[0] = "default"
    with engine.begin() as connection:
        _fill_identities(connection, count)
        connection.exec_driver_sql("CREATE TEMPORARY TABLE tried (n INTEGER, recipe TEXT, sha256 TEXT)")
        values = ",".join(f"({n}, '{recipe}', '{_sha256(recipe)}')" for n, recipe in enumerate(recipes))
        connection.exec_driver_sql(f"INSERT INTO tried VALUES {values}")
        operators = [[0, f"conv_{n}_of_a_block", "CONV2D", "Conv2D", 9_000 + n, 8_000] for n in range(OPERATORS)]
        check = json.dumps({"inputs": [{"kind": kind, "count": 2} for kind in ("random", "minimum", "maximum")]})
        for statement in _evaluations(check, json.dumps(operators)):
            connection.exec_driver_sql(statement)
    with engine.connect() as connection:
        # As a database does by itself that has been there for a while.
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(
            "ANALYZE" if connection.dialect.name == "sqlite" else "VACUUM ANALYZE"
        )
    engine.dispose()


def _fill_identities(connection: Connection, count: int) -> None:
    """Targets, toolchains, models and what they make together."""
    rows = {target: number for number, target in enumerate(TARGETS, 1)}
    connection.execute(insert(targets), [{"id": id, **target_values(one)} for one, id in rows.items()])
    chains = {facts_text(versions): number for number, versions in enumerate(TOOLCHAINS, 1)}
    connection.execute(insert(toolchains), [{"id": id, "versions": text} for text, id in chains.items()])
    connection.execute(
        insert(toolchain_versions),
        [
            {"toolchain_id": id, "name": name, "version": version}
            for id, versions in enumerate(TOOLCHAINS, 1)
            for name, version in versions.items()
        ],
    )
    made = [identity(model, target) for model in range(count) for target in range(len(TARGETS))]
    connection.execute(
        insert(models),
        [{"id": number, "hash": _sha256(f"model {number}"), "name": f"team/model-{number}"} for number in range(count)],
    )
    names = ("search_space_version", "io_layout")
    connection.execute(
        insert(identities),
        [
            {
                "id": number, "key": one.key, "model_id": number // len(TARGETS), "target_id": rows[one.target],
                "toolchain_id": chains[facts_text(one.versions)],
                "quantisation": facts_text(one.quantisation), "objective": facts_text(one.objective),
                **_fields(one, names), "created": "2026",
                **structure_values(one.structure),
            }
            for number, one in enumerate(made)
            if one.structure is not None
        ],
    )  # fmt: skip


def _evaluations(check: str, operators: str) -> Iterator[str]:
    """SQL that makes, of every identity and every recipe, an evaluation; recipe 1 is the best."""
    values = {
        "id": "i.id * 100 + n",
        "identity_id": "i.id",
        "recipe": "recipe",
        "recipe_sha256": "sha256",
        "program_hash": "sha256",
        "status": "'ok'",
        "reason": "''",
        "verified": "true",
        "exactness": "'exact'",
        "check_json": f"'{check}'",
        "label": "'predicted'",
        "cycles": "10000000 - 1000 * n",
        **{name: "1000" for name in FIGURE_NAMES if name != "cycles"},
        "metrics_json": f"'{_METRICS}'",
        "attempts": "1",
        "seconds": "0.1",
        "created": "'2026'",
    }
    yield (
        f"INSERT INTO evaluations ({', '.join(values)}) SELECT {', '.join(values.values())} "
        "FROM identities i CROSS JOIN tried"
    )
    yield "INSERT INTO command_streams SELECT e.id, 0, e.program_hash FROM evaluations e"
    yield f"INSERT INTO operator_tables SELECT i.id * 100 + n, '{operators}' FROM identities i JOIN tried ON n < 2"
    yield (
        "INSERT INTO bests SELECT id, id * 100, id * 100 + 1, 100, 60, 60.0, 'trials', 0, "
        "'2026-01-01T00:00:00' FROM identities"
    )


@dataclasses.dataclass
class Waiting:
    """How long processes have been ready to run while other programs had the processors, by Linux's own count."""

    processes: list[int]

    def milliseconds(self) -> float:
        texts = (Path(f"/proc/{process}/schedstat").read_text() for process in self.processes)
        return sum(int(text.split()[1]) for text in texts) / 1e6


class BySqlalchemy(FastReads):
    """Runs statements as SQLAlchemy does, on connections with the same settings."""

    def rows(self, statement: Select[Any], values: Mapping[str, Any]) -> list[dict[str, Any]]:
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(statement, dict(values)).mappings()]


@dataclasses.dataclass
class Taken:
    """Milliseconds of lookups, from question to answer.

    Attributes:
        undisturbed: without those in which this process or the server's waited for a processor that another program
            had.
    """

    whole: list[float] = dataclasses.field(default_factory=list)
    undisturbed: list[float] = dataclasses.field(default_factory=list)


def measured(readers: Sequence[Lookups], where: Path | str, ask: Callable[[], Identity], expected: type) -> list[Taken]:
    """For each reader; all are asked the same questions in turn."""
    found = [Taken() for _ in readers]
    waiting = Waiting([])
    for number in range(LOOKUPS + _WARMING):
        if number == _WARMING:
            waiting = Waiting([os.getpid(), *_serving(where)])
        asked = ask()
        for reader, taken in zip(readers, found, strict=True):
            waited, started = waiting.milliseconds(), time.perf_counter()
            answer = lookup(reader, asked)
            milliseconds = 1000 * (time.perf_counter() - started)
            waited = waiting.milliseconds() - waited
            assert type(answer) is expected, f"{answer} instead of {expected}"
            if number >= _WARMING:
                taken.whole.append(milliseconds)
                taken.undisturbed.append(milliseconds - waited)
    return found


def _at_99(values: Sequence[float]) -> float:
    return sorted(values)[len(values) * 99 // 100]


def _serving(where: Path | str) -> list[int]:
    """The processes of a database's server that answer clients, none of a file's."""
    if isinstance(where, Path):
        return []
    engine = connect(store_url(where))
    with engine.connect() as connection:
        asked = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid != pg_backend_pid()"
        found = list(connection.exec_driver_sql(asked).scalars())
    engine.dispose()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=MODELS, help="so many; 400 evaluations each")
    count = parser.parse_args().models
    columns = ("median", "p99", "aim", "p99 undisturbed", "by SQLAlchemy: p99 undisturbed", "median, times")
    table = Table("database", "answer", *columns, title="milliseconds per lookup")
    with tempfile.TemporaryDirectory(prefix="velatune-lookup-") as folder, server() as url:
        for database, where in (("SQLite", Path(folder) / "store.sqlite"), ("PostgreSQL", url)):
            started = time.perf_counter()
            fill(where, count)
            Console().print(
                f"{database}: {evaluations_of(count):,} evaluations in {time.perf_counter() - started:.0f} s"
            )
            by_sqlalchemy = Database(connect(store_url(where)), "the benchmark's store")
            by_sqlalchemy.fast_reads = BySqlalchemy(connect(store_url(where)), "the benchmark's store")
            with Store.open(where) as store:
                for expected, ask in questions(random.Random(1), count).items():
                    fast, other = measured([store.lookups, Lookups(by_sqlalchemy)], where, ask, expected)
                    usual = median(fast.whole)
                    row = (
                        usual, _at_99(fast.whole), AIM_MILLISECONDS, _at_99(fast.undisturbed),
                        _at_99(other.undisturbed), median(other.whole) / usual,
                    )  # fmt: skip
                    table.add_row(database, expected.__name__.lower(), *(f"{value:.2f}" for value in row))
            by_sqlalchemy.close()
    Console().print(table)


def _fields(record: object, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    main()
