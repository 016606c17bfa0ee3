"""Folders that are broken, or made to do harm, end in one line that says where."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.samples.evidence_folder import change, copy_of_evidence, rows_of, write_rows

from workers.errors import ModelError
from workers.ethos_u.cost.evidence import read_evidence

STREAM = "kws_micronet_m.ethos-u55-128"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = copy_of_evidence(tmp_path, "totals.csv", "per_launch.csv", "micro.csv", "ta_sweeps.csv")
    # so that what a test puts into a stream's place is looked at
    (copy / "streams.csv").unlink()
    return copy


def set_in(table: str, **cells: str) -> Callable[[Path], None]:
    return lambda folder: change(folder / table, lambda row: row.update(cells))


def stream_of(content: bytes) -> Callable[[Path], None]:
    def put(folder: Path) -> None:
        (folder / "streams" / f"{STREAM}.cs.gz").write_bytes(content)

    return put


def without_column(folder: Path) -> None:
    rows = rows_of(folder / "totals.csv")
    write_rows(folder / "totals.csv", [{key: cell for key, cell in row.items() if key != "stream"} for row in rows])


def cut_row(folder: Path) -> None:
    text = (folder / "totals.csv").read_text()
    (folder / "totals.csv").write_text(text[: text.rindex(",ethos-u85-256")] + "\n")


def text_in(name: str, text: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(text) and None


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "no column": (without_column, "totals.csv: has no column 'stream'"),
    "a row that is cut off": (cut_row, "line 15: has 1 cells"),
    "words for cycles": (set_in("totals.csv", fvp_active="many"), "line 2: fvp_active is 'many'"),
    "no cycles": (set_in("totals.csv", fvp_active="0"), "line 2: fvp_active is 0"),
    "cycles below nothing": (set_in("micro.csv", fvp_total="-5"), "fvp_total is '-5'"),
    "cycles that are no number": (set_in("micro.csv", fvp_active="nan"), "fvp_active is 'nan'"),
    "endless cycles": (set_in("micro.csv", fvp_active="inf"), "fvp_active is 'inf'"),
    "another label": (set_in("totals.csv", label="guessed"), "label is 'guessed'"),
    "another accelerator": (set_in("totals.csv", accelerator="ethos-u55-256"), "has no price on ethos-u55-256"),
    "no accelerator": (set_in("totals.csv", accelerator="warp-9", system_config="Warp"), "System_Config.Warp"),
    "no memory mode": (set_in("totals.csv", memory_mode="None_Such"), "no section Memory_Mode.None_Such"),
    "a stream elsewhere": (set_in("totals.csv", stream="../../../etc/passwd"), "cannot be the name of a stream"),
    "control characters": (set_in("totals.csv", stream="\x1b[31m"), "cannot be the name of a stream"),
    "operations beyond the stream": (set_in("per_launch.csv", operations="0-99999"), "operations end at 99999"),
    "operations backwards": (set_in("per_launch.csv", operations="0-0"), "operations end at 0"),
    "operations in words": (set_in("per_launch.csv", operations="all"), "operations must be such as 3-5"),
    "an unknown setting": (set_in("micro.csv", ta_overrides="EXT_SPEED=9"), "no setting of a timing adapter"),
    "a setting of nothing": (set_in("micro.csv", ta_overrides="fast"), "no setting of a timing adapter"),
    "a latency in words": (set_in("ta_sweeps.csv", EXT_RLATENCY="slow"), "no setting of a timing adapter"),
    "not gzip": (stream_of(b"COP1 and nothing else"), "not a whole gzip file"),
    "gzip that is cut off": (stream_of(gzip.compress(bytes(5000))[:20]), "not a whole gzip file"),
    "no command stream": (stream_of(gzip.compress(b"nothing")), f"{STREAM}.cs.gz"),
    "a bomb": (stream_of(gzip.compress(bytes(100 << 20), 9)), "unpacks to more than 64 MiB"),
    "bytes for text": (text_in("totals.csv", b"model,\xff\xfe"), "totals.csv: cannot be read"),
    "an endless cell": (text_in("totals.csv", b'a,"' + b"x" * (1 << 20)), "totals.csv: cannot be read"),
    "an empty table": (text_in("totals.csv", b""), "totals.csv: has no column"),
    "no configuration": (text_in("boards.ini", b"what?"), "not a Vela configuration"),
    "an adapter without numbers": (set_in("timing_adapter.csv", RLATENCY=""), "'RLATENCY' is empty"),
    "an adapter that never pulses": (set_in("timing_adapter.csv", PULSE_ON="0", PULSE_OFF="0"), "bandwidth"),
}  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN)
def test_what_is_broken_is_reported_in_a_line(broken: str, folder: Path) -> None:
    damage, expected = BROKEN[broken]
    damage(folder)
    with pytest.raises(ModelError) as error:
        read_evidence(folder)
    assert expected in str(error.value)
    assert str(error.value).isprintable()


def test_a_stream_that_is_not_the_listed_one_is_noticed(tmp_path: Path) -> None:
    folder = copy_of_evidence(tmp_path, "totals.csv")
    streams = folder / "streams"
    shutil.copy(streams / "kws_micronet_m.ethos-u55-64.cs.gz", streams / "kws_micronet_m.ethos-u55-32.cs.gz")
    with pytest.raises(ModelError, match=r"is not the stream that streams\.csv lists"):
        read_evidence(folder)


def test_a_folder_without_evidence_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no evidence"):
        read_evidence(tmp_path)
    with pytest.raises(ModelError, match="is no folder"):
        read_evidence(tmp_path / "missing")


def test_rows_without_a_stream_are_counted(folder: Path) -> None:
    before = read_evidence(folder)
    change(folder / "totals.csv", lambda row: row.update(stream=""), lambda row: row["model"] == "kws_micronet_m")
    (folder / "streams" / "yolo-fastest_192_face_v4.ethos-u55-128.cs.gz").unlink()
    after = read_evidence(folder)
    assert after.skipped["rows without a command stream"] == 12
    assert len(before.comparisons) - len(after.comparisons) == 12
    shutil.rmtree(folder / "streams")
    with pytest.raises(ModelError, match=r"nothing in it can be priced: .* rows without a command stream"):
        read_evidence(folder)


def test_only_chips_in_a_folder(tmp_path: Path) -> None:
    """Silicon, by several streams that run one after another, without a boards.ini of its own."""
    folder = copy_of_evidence(tmp_path, "silicon.csv")
    for name in ("boards.ini", "timing_adapter.csv"):
        (folder / name).unlink()
    row = {
        "model": "two nets", "hardware": "a chip", "accelerator": "ethos-u55-128",
        "system_config": "Ethos_U55_High_End_Embedded", "memory_mode": "Shared_Sram", "measured_cycles": "2500000",
        "vela_cycles": "", "stream": f"{STREAM}|yolo-fastest_192_face_v4.ethos-u55-128",
    }  # fmt: skip
    write_rows(folder / "silicon.csv", [row, {**row, "measured_cycles": ""}, {**row, "hardware": "FVP"}])
    evidence = read_evidence(folder)
    assert [one.label for one in evidence.comparisons] == ["measured", "simulated"]
    assert evidence.skipped == {"rows without a number of cycles": 1}
    each = {
        one.stream: one.predicted_cycles
        for one in read_evidence(copy_of_evidence(tmp_path / "whole", "totals.csv")).comparisons
    }
    assert evidence.comparisons[0].predicted_cycles == sum(each[name] for name in row["stream"].split("|"))


def test_the_command_ends_with_status_2(tmp_path: Path) -> None:
    folder = copy_of_evidence(tmp_path, "totals.csv")
    change(folder / "totals.csv", lambda row: row.update(fvp_active="many"))
    command = [sys.executable, "-m", "tuner.cli", "validate", "--data", str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert ended.returncode == 2 and not ended.stdout
    assert ended.stderr.startswith("error: ") and len(ended.stderr.splitlines()) == 1
