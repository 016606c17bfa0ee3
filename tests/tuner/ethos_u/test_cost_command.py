"""`velatune cost`"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.programs.lowered import Lowered

from tuner.cli import cli
from velatune.testing.program import Program
from workers.cache.memo import Memo
from workers.errors import ModelError
from workers.ethos_u.command_stream import decode
from workers.ethos_u.cost.stream_cost import stream_cycles
from workers.ethos_u.files.pte import delegates_of
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa
from workers.ethos_u.vela.pricing import Pricing


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["cost", *arguments])


@pytest.fixture
def tosa(tmp_path: Path) -> Path:
    p = Program()
    path = tmp_path / "small.tosa"
    path.write_bytes(p.tosa(p.conv(p.transpose(p.input(1, 3, 8, 8), 0, 2, 3, 1), 16, (3, 3))))
    return path


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-256", "ethos-u85-256"])
def test_both_estimates_as_json(tosa: Path, accelerator: str) -> None:
    result = run(str(tosa), "--target", accelerator, "--json")
    assert result.exit_code == 0, result.output
    target = Target.parse(accelerator)
    compiled = compile_tosa(tosa.read_bytes(), target)
    decoded = decode(compiled.command_stream)
    reported = json.loads(result.output)
    errors = [reported.pop("vela_cycles_error"), reported.pop("stream_cycles_error")]
    assert all(error["mean_percent"] > 0 for error in errors) and errors[0] != errors[1]
    kinds = reported.pop("kinds")
    assert sum(one["stream_cycles"] for one in kinds) == reported["stream_cycles"]
    assert sum(one["operations"] for one in kinds) == reported["operations"]
    assert {one["kind"].split()[0] for one in kinds} == {one.kind.value for one in decoded.operations}
    assert reported.pop("clock_hz") is None
    assert reported == {
        "vela_cycles": compiled.vela_cycles,
        "stream_cycles": stream_cycles(decoded, target).total_cycles,
        "operations": len(decoded.operations),
        "sram_bytes": compiled.sram_bytes,
        "flash_bytes": compiled.flash_bytes,
    }


def test_both_estimates_for_people(tosa: Path) -> None:
    reported = json.loads(run(str(tosa), "--target", "ethos-u55-128", "--json").output)
    figures = {name: value for name, value in reported.items() if name.endswith(("_cycles", "_bytes", "operations"))}
    lines = run(str(tosa), "--target", "ethos-u55-128").output.splitlines()
    assert [int(line.split()[0].replace(",", "")) for line in lines[: len(figures)]] == list(figures.values())
    assert sum("predicted, ±" in line for line in lines) == 2


def test_the_board_counts(tosa: Path) -> None:
    def cycles(*more: str) -> int:
        reported = json.loads(run(str(tosa), "--target", "ethos-u65-256", *more, "--json").output)
        return int(reported["stream_cycles"])

    assert cycles() != cycles("--system-config", "Ethos_U65_Embedded", "--memory-mode", "Shared_Sram")


def test_a_pte_costs_what_its_delegates_cost(stock: Callable[[str], Lowered], tmp_path: Path) -> None:
    path = tmp_path / "small.pte"
    path.write_bytes(stock("ethos-u55-128").pte)
    streams = [decode(one.command_stream) for one in delegates_of(stock("ethos-u55-128").pte, "stock")]
    assert len(streams) == 2
    reported = json.loads(run(str(path), "--json").output)
    target = Target.parse("ethos-u55-128")
    assert reported["stream_cycles"] == sum(stream_cycles(one, target).total_cycles for one in streams)
    assert "vela_cycles" not in reported
    wrong = run(str(path), "--target", "ethos-u85-256").exception
    assert isinstance(wrong, ModelError) and "compiled for ethos-u55-128" in str(wrong)


def test_bad_input_is_reported_in_a_line(tmp_path: Path) -> None:
    missing = run(str(tmp_path / "missing.tosa"), "--target", "ethos-u55-128").exception
    assert isinstance(missing, ModelError) and "cannot be read" in str(missing)
    (tmp_path / "bad.tosa").write_bytes(b"nothing")
    refused = run(str(tmp_path / "bad.tosa"), "--target", "ethos-u55-128").exception
    assert isinstance(refused, ModelError) and "Vela refuses" in str(refused) and "\n" not in str(refused)
    no_target = run(str(tmp_path / "bad.tosa")).exception
    assert isinstance(no_target, ModelError) and "--target" in str(no_target)
    other = run(str(tmp_path / "net.onnx")).exception
    assert isinstance(other, ModelError) and ".pte" in str(other)


@pytest.mark.parametrize(("accelerator", "measured"), [("ethos-u55-128", True), ("ethos-u85-256", False)])
def test_what_nobody_measured_is_priced_by_vela_as_well(tmp_path: Path, accelerator: str, measured: bool) -> None:
    """Transposes have evidence on Ethos-U55 and none on Ethos-U85, convolutions on both."""
    p = Program()
    graph = p.graph(p.conv(p.transpose(p.input(1, 3, 8, 8), 0, 2, 3, 1), 16, (3, 3)))
    cost = Pricing(Target.parse(accelerator), Memo(tmp_path), {}).cost([graph], host_cycles=0)
    more = sum(row.vela_cycles - row.cycles for row in cost.rows if row.npu_op == "Transpose")
    assert more != 0
    assert cost.conservative_cycles == cost.stream_cycles + (0 if measured else more)
