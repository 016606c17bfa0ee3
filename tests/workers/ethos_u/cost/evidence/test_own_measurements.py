"""Measurements that users add are kept once, survive a kill, and say how far predictions are off on their device."""

from __future__ import annotations

import gzip
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.programs.lowered import Lowered
from support.samples import fvp_log
from support.samples.sample_results import IDENTITY, mutated

from results.errors import StoreError
from results.records.measurement import Measurement
from results.store.store import Store
from tuner.cli import cli
from tuner.ethos_u.validation.own_measurements import own_comparisons, predicted_again
from workers.errors import ModelError
from workers.ethos_u.cost.evidence import SHIPPED
from workers.ethos_u.cost.stream_cost import MODEL_VERSION

KWS = "kws_micronet_m.ethos-u55-128.cs.gz"
YOLO = "yolo-fastest_192_face_v4.ethos-u55-128.cs.gz"
ONE = Measurement(
    IDENTITY.target, "a board", "measured", "net.pte",
    "a1" * 32, 100, 110, "0", (), "",
)  # fmt: skip


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "velatune" / "store.sqlite"


@pytest.fixture
def streams(tmp_path: Path) -> Path:
    """A folder with two programs for ethos-u55-128: one as it ships, one unpacked."""
    (tmp_path / KWS).write_bytes((SHIPPED / "streams" / KWS).read_bytes())
    (tmp_path / "yolo.cs").write_bytes(gzip.decompress((SHIPPED / "streams" / YOLO).read_bytes()))
    return tmp_path


def add(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["validate", "add", *arguments])


def added(*arguments: str) -> str:
    result = add(*arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def refused(*arguments: str) -> str:
    error = add(*arguments).exception
    assert isinstance(error, ModelError | StoreError) and "\n" not in str(error)
    return str(error)


def test_added_twice_is_kept_once(streams: Path) -> None:
    command = (str(streams / KWS), "--device", "A board", "--label", "measured", "--cycles", "404092")
    assert added(*command).startswith("1 added or changed, 0 known")
    assert added(*command).startswith("0 added or changed, 1 known")
    with Store.open() as store:
        (row,) = own_comparisons(store)
    assert (row.counted_cycles, row.label, row.family) == (404_092, "measured", "ethos-u55")


def test_measurements_of_other_families_are_left_alone() -> None:
    other = replace(ONE, target=replace(ONE.target, family="cortex-m", name="cortex-m4"), parts=("default",))
    with Store.open() as store:
        store.measurements.record_all([other])
        assert own_comparisons(store) == []
        assert store.measurements.all() == [other]


def test_a_later_count_takes_the_place_of_an_earlier_one(streams: Path) -> None:
    for cycles in ("400000", "500000"):
        added(str(streams / KWS), "--device", "A board", "--label", "measured", "--cycles", cycles)
    added(str(streams / KWS), "--device", "B board", "--label", "measured", "--cycles", "600000")
    added(str(streams / KWS), "--device", "A board", "--label", "simulated", "--cycles", "700000")
    with Store.open() as store:
        assert [one.cycles for one in store.measurements.all()] == [500_000, 700_000, 600_000]


def test_the_prediction_is_that_of_the_evidence_for_the_same_stream(streams: Path) -> None:
    added(str(streams / KWS), "--device", "FVP", "--label", "simulated", "--cycles", "404092")
    reported = json.loads(CliRunner().invoke(cli, ["validate", "--json"]).stdout)
    (own,) = reported["own_rows"]
    shipped = next(row for row in reported["rows"] if f"{row['stream']}.cs.gz" == KWS and row["subject"] == "program")
    assert own["predicted_cycles"] == shipped["predicted_cycles"]
    assert own["error_percent"] == shipped["error_percent"]
    assert not any(row["model"] == KWS for row in reported["rows"])


def test_a_pte_with_the_log_of_its_run(stock: Callable[[str], Lowered], tmp_path: Path) -> None:
    pte, log = tmp_path / "small.pte", tmp_path / "run.log"
    pte.write_bytes(stock("ethos-u55-128").pte)
    log.write_text(fvp_log.report(40_000))
    added(str(pte), "--device", "Corstone-300", "--label", "simulated", "--log", str(log))
    with Store.open() as store:
        (one,) = store.measurements.all()
    assert (one.cycles, one.source, len(one.parts)) == (40_000, "run.log", 2)
    log.write_text(fvp_log.report(40_000, delegations=3, each=3))
    reported = refused(str(pte), "--device", "Corstone-300", "--label", "simulated", "--log", str(log))
    assert "ran 3 command streams, small.pte has 2" in reported
    log.write_text(fvp_log.BEGINNING)
    assert "has no value of" in refused(str(pte), "--device", "x", "--label", "measured", "--log", str(log))


def write_csv(streams: Path, *rows: str) -> str:
    path = streams / "rows.csv"
    path.write_text("\n".join(["program,device,label,cycles,memory_mode", *rows]) + "\n")
    return str(path)


def test_all_rows_of_a_csv_file_or_none(streams: Path, own_store: Path) -> None:
    good = (f"{KWS},kit,measured,404092,", "yolo.cs,kit,measured,1992313,Sram_Only")
    for bad, complaint in (
        ("missing.cs,kit,measured,1,", "missing.cs: cannot"), (f"{KWS},kit,guessed,1,", "simulated or measured"),
        (f"{KWS},kit,measured,,", "give either the cycles"), (f"{KWS},kit,measured,0,", "cycles is 0"),
        (f"{KWS},kit,measured,5,", "is there twice"), ("yolo.cs,kit,measured,5,Nowhere", "not in Arm/vela.ini"),
        ("a.txt,kit,measured,5,", "is none of"), (f"{KWS},kit,measured", "has 3 cells"),
    ):  # fmt: skip
        assert complaint in refused(write_csv(streams, *good, bad))
    assert not own_store.exists()
    assert "2 added" in added(write_csv(streams, *good))
    assert "2 known" in added(write_csv(streams, *good))
    with Store.open() as store:
        memory_modes = [one.target.facts["memory_mode"] for one in store.measurements.all()]
    assert sorted(memory_modes) == ["Shared_Sram", "Sram_Only"]


def test_what_cannot_be_added_is_reported_in_a_line(streams: Path, tmp_path: Path) -> None:
    run = ("--device", "kit", "--label", "measured", "--cycles", "5")
    (tmp_path / "bad.cs").write_bytes(b"nothing")
    (tmp_path / "bad.pte").write_bytes(b"nothing")
    (tmp_path / "empty.csv").write_text("")
    for file in ("bad.cs", "bad.pte", "missing.cs.gz"):
        assert file in refused(str(tmp_path / file), *run)
    assert "has no column" in refused(str(tmp_path / "empty.csv"))
    assert "--device NAME and --label" in refused(str(streams / KWS), "--cycles", "5")
    assert "leave the options out" in refused(write_csv(streams), *run)
    assert "has no rows" in refused(write_csv(streams))
    assert "either the cycles" in refused(str(streams / KWS), "--device", "kit", "--label", "measured")
    assert add(str(streams / KWS), *run[:-1], "0").exit_code == 2


def test_another_version_of_the_model_predicts_again(streams: Path) -> None:
    added(str(streams / KWS), "--device", "kit", "--label", "measured", "--cycles", "404092")
    with Store.open() as store:
        (one,) = store.measurements.all()
        store.measurements.record_all([replace(one, predicted_cycles=1, model_version="before")])
        (row,) = own_comparisons(store)
        assert row.predicted_cycles == one.predicted_cycles
        (stored,) = store.measurements.all()
    assert (stored.predicted_cycles, stored.model_version) == (one.predicted_cycles, MODEL_VERSION)
    with pytest.raises(ModelError, match="is damaged"):
        predicted_again(replace(one, parts=("nothing",)))


def test_records_come_back_by_target(where: Path | str) -> None:
    elsewhere = mutated(ONE, ("target", "facts", "memory_mode"), "Sram_Only")
    with Store.open(where) as store:
        assert store.measurements.record_all([ONE, elsewhere]) == 2
        assert store.measurements.record_all([replace(ONE, created="later"), elsewhere]) == 0
        assert store.measurements.record_all([replace(ONE, cycles=90)]) == 1
        assert [one.cycles for one in store.measurements.all(ONE.target)] == [90]
        assert store.measurements.all(elsewhere.target) == [elsewhere]
        assert len(store.measurements.all()) == 2
    for wrong in ({"cycles": 0}, {"device": ""}, {"predicted_cycles": -1}):
        with pytest.raises(ValueError):
            replace(ONE, **wrong)  # type: ignore[arg-type]


def test_a_damaged_record_is_skipped(own_store: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Store.open() as store:
        store.measurements.record_all([ONE, replace(ONE, device="another")])
        with sqlite3.connect(own_store) as connection:
            connection.execute("UPDATE measurements SET record_json = '{' WHERE id = 1")
        assert [one.device for one in store.measurements.all()] == ["another"]
        assert "skipped measurement 1" in caplog.text
        assert store.measurements.record_all([ONE]) == 1 and len(store.measurements.all()) == 2


WRITER = """
import sys
from dataclasses import replace
sys.path[:0] = {path!r}
from results.store.store import Store
from test_own_measurements import ONE
with Store.open({store!r}) as store:
    for batch in range(1000):
        store.measurements.record_all([replace(ONE, device=f"{{batch}} {{at}}") for at in range(20)])
        print(batch, flush=True)
"""


@pytest.mark.slow
def test_killed_in_the_middle_nothing_is_lost_and_nothing_half_kept(own_store: Path) -> None:
    for milliseconds in (0, 3, 7, 20, 50):
        script = WRITER.format(path=sys.path, store=str(own_store))
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(milliseconds / 1000)
        process.send_signal(signal.SIGKILL)
        reported = [0, *map(int, process.stdout.read().split())]
        process.wait(60)
        with Store.open() as store:
            kept = len(store.measurements.all())
        assert kept % 20 == 0 and kept >= 20 * (max(reported) + 1)
        own_store.unlink()
