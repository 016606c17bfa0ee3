"""`velatune disasm`"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.programs.lowered import Lowered

from tuner.cli import cli
from velatune.testing.program import Program
from workers.errors import ModelError
from workers.ethos_u.files.pte import delegates_of


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["disasm", *arguments])


@pytest.fixture
def tosa(tmp_path: Path) -> Path:
    p = Program()
    image = p.input(1, 3, 8, 8)
    path = tmp_path / "small.tosa"
    path.write_bytes(p.tosa(p.table(p.conv(p.transpose(image, 0, 2, 3, 1), 16, (3, 3)))))
    return path


def test_lists_the_operations_of_a_tosa_program_with_the_rows_they_belong_to(tosa: Path) -> None:
    result = run(str(tosa), "--target", "ethos-u85-256")
    assert result.exit_code == 0, result.output
    head, *lines = result.output.splitlines()
    assert head.startswith(f"delegate 0, ethos-u85-256, {len(lines)} operations, ")
    (total,) = re.findall(r"([\d,]+) cycles \(predicted, ±\d+ % where evidence covers it; \d+ % [^)]*\)\)", head)
    assert sum(int(line.split()[1].replace(",", "")) for line in lines) == int(total.replace(",", "")) > 0
    (conv,) = (line for line in lines if " conv " in line)
    assert "s8 8x8x3 -> s8 8x8x16" in conv and "3x3" in conv and "lut" in conv
    assert any(" dma " in line and "256 bytes" in line and "-> NPU:" in line for line in lines)
    assert "Transpose" in lines[0]


def test_json_has_every_property_and_the_rows(tosa: Path) -> None:
    result = run(str(tosa), "--target", "ethos-u55-128", "--json")
    (program,) = json.loads(result.output)
    assert program["accelerator"] == "ethos-u55-128"
    kinds = [one["kind"] for one in program["operations"]]
    assert kinds.count("pool") >= 1 and kinds.count("conv") == 1
    assert {program["rows"][one["row"]]["npu_op"] for one in program["operations"] if one["kind"] == "pool"} == {
        "Transpose"
    }
    assert sum(row["vela_cycles"] for row in program["rows"]) > 0
    assert sum(one["stream_cycles"] for one in program["operations"]) == program["stream_cycles"] > 0
    assert all(0 <= one["start_cycles"] <= one["stream_cycles"] for one in program["operations"])


def test_lists_every_delegate_of_a_pte(stock: Callable[[str], Lowered], tmp_path: Path) -> None:
    path = tmp_path / "small.pte"
    path.write_bytes(stock("ethos-u55-128").pte)
    result = run(str(path))
    assert result.exit_code == 0, result.output
    heads = [line for line in result.output.splitlines() if line.startswith("delegate ")]
    assert len(heads) == len(delegates_of(stock("ethos-u55-128").pte, "stock")) == 2
    assert all("ethos-u55-128" in head for head in heads)
    assert isinstance(run(str(path), "--target", "ethos-u85-256").exception, ModelError)


@pytest.mark.parametrize(
    ("name", "content", "arguments", "said"),
    [
        ("a.onnx", b"", (), "is none of .tosa, .pte, .tflite"),
        ("a.tosa", b"", (), "--target"),
        ("a.tosa", b"nothing", ("--target", "ethos-u55-128"), "Vela refuses"),
        ("a.pte", b"nothing", (), "a.pte"),
    ],
)
def test_bad_input_is_reported_in_a_line(
    tmp_path: Path, name: str, content: bytes, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    error = run(str(tmp_path / name), *arguments).exception
    assert isinstance(error, ModelError) and said in str(error) and "\n" not in str(error)
    missing = run(str(tmp_path / f"missing{name[1:]}"), "--target", "ethos-u55-128").exception
    assert isinstance(missing, ModelError) and "missing" in str(missing)
