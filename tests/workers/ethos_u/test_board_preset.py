"""Boards as files: each that ships is taken by Vela, fills options, and counts by its facts alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from support.samples.sample_results import IDENTITY, best, mutated

from results.nightly.night import Limits, Night, NightEntry
from results.nightly.night_report import night_markdown, night_page
from results.records.clock import timed
from results.reports.report import ReportExtras, report_html, write_index
from results.reports.summary import markdown_table
from tuner.cli import cli
from tuner.commands.options import board_options, objective_options, target_option
from tuner.tuning.objective import Objective
from velatune.testing.program import Program
from workers.errors import ModelError
from workers.ethos_u.boards import preset as board_preset
from workers.ethos_u.boards.preset import BoardPreset, preset_names, read_preset
from workers.ethos_u.target import Target

SHIPPED = Path(board_preset.__file__).parent


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def tosa(tmp_path: Path) -> str:
    p = Program()
    path = tmp_path / "small.tosa"
    path.write_bytes(p.tosa(p.conv(p.input(1, 8, 8, 16), 16, (3, 3))))
    return str(path)


def cost(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["cost", *arguments])


def target_of(board: BoardPreset, folder: Path) -> Target:
    return Target.parse(board.npu, board.system_config, board.memory_mode, str(board.written(folder)))


@pytest.mark.parametrize("name", preset_names())
def test_vela_takes_each(name: str, tmp_path: Path) -> None:
    board = read_preset(name)
    target = target_of(board, tmp_path)
    assert target.clock_hz == board.clock_hz == target.vela_architecture().core_clock
    assert board.sources and all(board.sources)


@pytest.mark.parametrize("name", ["alif-e7-hp", "nxp-imx93", "corstone-320-u85-2048"])
def test_the_name_is_no_part_of_an_identity_and_the_facts_are(name: str, tmp_path: Path) -> None:
    copy = tmp_path / "mine.toml"
    text = (SHIPPED / f"{name}.toml").read_text()
    copy.write_text(text.replace("description = ", "description = 'mine' #"))
    same = target_of(read_preset(str(copy)), tmp_path / "a")
    assert same.identity() == target_of(read_preset(name), tmp_path / "b").identity()
    copy.write_text(text.replace("Sram_read_latency = ", "Sram_read_latency = 1"))
    assert target_of(read_preset(str(copy)), tmp_path / "c").identity() != same.identity()


def test_it_fills_the_options_that_are_not_given(tosa: str) -> None:
    board = read_preset("alif-e7-hp")
    reported = json.loads(cost(tosa, "--board", "alif-e7-hp", "--json").stdout)
    config = str(board.written(Path(tosa).parent))
    given = ("--target", board.npu, "--system-config", board.system_config, "--memory-mode", "Shared_Sram")
    assert json.loads(cost(tosa, *given, "--vela-config", config, "--json").stdout) == reported
    assert reported["clock_hz"] == board.clock_hz
    other = json.loads(cost(tosa, "--board", "alif-e7-hp", "--memory-mode", "Sram_Only", "--json").stdout)
    assert other["stream_cycles"] != reported["stream_cycles"]


def test_its_limits_are_those_of_the_objective() -> None:
    @click.command()
    @target_option
    @board_options
    @objective_options
    def show(target: str, objective: Objective, **_: object) -> None:
        click.echo(f"{target}: SRAM {objective.max_sram_bytes}, flash {objective.max_flash_bytes}")

    def shown(*arguments: str) -> str:
        return CliRunner().invoke(show, arguments).output

    assert "ethos-u55-256" in shown("--board", "nuvoton-m55m1")
    assert "SRAM 1376256, flash 2097152" in shown("--board", "nuvoton-m55m1")
    assert "SRAM 9, flash 2097152" in shown("--board", "nuvoton-m55m1", "--max-sram", "9")
    assert "ethos-u55-32" in shown("--board", "nuvoton-m55m1", "--target", "ethos-u55-32")


def test_cycles_are_reported_as_milliseconds_at_the_boards_clock(tosa: str) -> None:
    reported = json.loads(cost(tosa, "--board", "himax-we2", "--json").stdout)
    line = next(line for line in cost(tosa, "--board", "himax-we2").stdout.splitlines() if "command stream" in line)
    assert f"{reported['stream_cycles'] / 400e3:,.3f} ms at 400 MHz" in line
    assert " ms" not in cost(tosa, "--target", "ethos-u55-64").stdout
    assert timed("1,234,000 cycles", 1_234_000, 160e6) == "1,234,000 cycles, 7.713 ms at 160 MHz"


def test_the_table_of_a_run_has_milliseconds_where_a_board_is_known() -> None:
    one = best(cycles=60_000)
    there = {one.identity.target: 400e6}
    heading, _, line = markdown_table([one], clocks=there).splitlines()[:3]
    assert "best ms" in heading and "| 0.150 |" in " ".join(line.split())
    assert "best ms" not in markdown_table([one])
    elsewhere = mutated(IDENTITY.target, ("facts", "memory_mode"), "Sram_Only")
    assert "0.150" not in markdown_table([one], clocks={elsewhere: 400e6})


def test_pages_have_milliseconds_where_a_board_is_known(tmp_path: Path) -> None:
    one = best(cycles=60_000)
    there = {one.identity.target: 400e6}
    assert "0.150 ms at 400 MHz" in report_html(one, ReportExtras(clock_hz=400e6))
    assert "0.150 ms at 400 MHz" in write_index([one], tmp_path / "index.html", clocks=there).read_text()
    assert " ms at " not in report_html(one, ReportExtras()) + write_index([one], tmp_path / "plain.html").read_text()
    entry = NightEntry("net", "ethos-u55-128", "tuned", "never tuned", default_cycles=80_000, best_cycles=60_000)
    for clock_hz, reported in ((400e6, True), (None, False)):
        night = Night(
            "s", "2026-11-21T01", "2026-11-21T02", 60.0, 5, Limits(), {}, (replace(entry, clock_hz=clock_hz),)
        )
        assert (
            ("0.150 ms at 400 MHz" in night_page(night))
            == ("(0.200 ms at 400 MHz)" in night_markdown(night))
            == reported
        )


def changed(before: str, after: str) -> Callable[[str], str]:
    return lambda text: text.replace(before, after)


BROKEN: dict[str, tuple[Callable[[str], str], str]] = {
    "no TOML": (lambda text: "what?", "is no TOML file"),
    "nothing": (lambda text: "", "has no 'description'"),
    "no memories": (changed("[system]", "[other]"), "has no 'system'"),
    "an unknown fact": (changed("npu =", "colour = 'red'\nnpu ="), "'colour' is unknown"),
    "a number for words": (changed('memory_mode = "Shared_Sram"', "memory_mode = 3"), "memory_mode must not be 3"),
    "another memory mode": (changed("Shared_Sram", "Shared"), "memory_mode must be one of"),
    "no SRAM at all": (changed("npu =", "sram_bytes = 0\nnpu ="), "sram_bytes must be more than 0"),
    "another NPU": (changed("ethos-u55-256", "tpu"), "npu must be such as"),
    "no clock": (changed("core_clock = 400e6", ""), "core_clock must be the clock"),
    "a CPU that stands": (changed("core_clock =", "cpu_clock = 0\ncore_clock ="), "cpu_clock must be the clock"),
    "a clock that stands": (changed("400e6", "0"), "core_clock must be the clock"),
    "a line more": (changed('"OffChipFlash"', '"OffChipFlash\\n[x]"'), "axi1_port must be a number or the name"),
    "a latency in words": (changed("Sram_read_latency = 29", "Sram_read_latency = [1]"), "Sram_read_latency must be"),
    "not a number": (changed("Sram_clock_scale = 0.762", "Sram_clock_scale = nan"), "Sram_clock_scale must be"),
}  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_preset_is_reported_in_a_line(broken: str, tmp_path: Path) -> None:
    damage, expected = BROKEN[broken]
    path = tmp_path / "mine.toml"
    path.write_text(damage((SHIPPED / "alif-e7-hp.toml").read_text()))
    with pytest.raises(ModelError) as error:
        read_preset(str(path))
    assert expected in str(error.value) and str(error.value).isprintable()


def test_an_unknown_board_is_reported_with_those_that_are_near(tosa: str) -> None:
    error = cost(tosa, "--board", "alif-e7").exception
    assert isinstance(error, ModelError) and "alif-e7-hp" in str(error)
    error = cost(tosa, "--board", "missing.toml").exception
    assert isinstance(error, ModelError) and "cannot be read" in str(error)


def test_boards_are_listed() -> None:
    lines = CliRunner().invoke(cli, ["boards"]).stdout.splitlines()
    assert [line.split()[0] for line in lines] == preset_names()
    assert all("MHz" in line for line in lines)
