"""`velatune run`"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from tuner.commands.options import json_option
from workers.cache.array_files import described, first_difference, read_arrays, write_arrays
from workers.errors import ModelError
from workers.ethos_u.command_stream import Operation, decode
from workers.ethos_u.files.run_pte import PteProgram
from workers.ethos_u.files.run_pte.given_inputs import given_inputs
from workers.ethos_u.files.run_tflite import TfliteProgram
from workers.ethos_u.npu_model import NpuProgram, execute


@dataclass(frozen=True)
class _Line:
    """What `--trace` tells of an operation.

    Attributes:
        index: among all of its delegate's, copies counted.
        low, high: of the values that it writes.
    """

    delegate: int
    index: int
    kind: str
    shape: tuple[int, ...]
    low: int
    high: int

    def __str__(self) -> str:
        shape = "x".join(map(str, self.shape))
        return f"{self.delegate:>8} {self.index:>9}  {self.kind:<24} {shape:<16} {self.low:>11} .. {self.high}"


_HEADING = f"delegate operation  {'kind':<24} {'writes':<16} {'values from':>11} .. to"


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="MODEL.PTE|MODEL.TFLITE")
@click.option(
    "--input", "inputs", type=click.Path(path_type=Path, dir_okay=False), multiple=True, metavar="FILE.NPY|FILE.NPZ",
    help="the model's inputs, in order; may be given several times  [default: random ones]",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, help="of random inputs")
@click.option("--method", default="forward", help="which of the program's methods")
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="DIR|FILE.NPZ", help="where to write the outputs to"
)  # fmt: skip
@click.option(
    "--expect", type=click.Path(path_type=Path, dir_okay=False), multiple=True, metavar="FILE.NPY|FILE.NPZ",
    help="compare the outputs with these; what differs is an error",
)  # fmt: skip
@click.option("--trace", is_flag=True, help="also print each NPU operation with the range of the values that it writes")
@json_option
def run(
    file: Path, inputs: tuple[Path, ...], seed: int, method: str, output: Path | None, expect: tuple[Path, ...],
    trace: bool, as_json: bool,
) -> None:  # fmt: skip
    """Run a .pte on this machine.

    A model of the NPU executes its Ethos-U delegates bit for bit, PyTorch the rest.

    Any .pte will do that ExecuTorch wrote for an Ethos-U, whether by velatune or not. So will a .tflite that Vela
    wrote, if all of it runs on the NPU.
    """
    program = TfliteProgram(file) if file.suffix == ".tflite" else PteProgram.read(file)
    given = given_inputs(file, program.inputs(method), inputs, seed)
    lines: list[_Line] = []
    if trace and not as_json:
        click.echo(_HEADING)

    def run_delegate(number: int, npu: NpuProgram, arrays: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        decoded = decode(npu.command_stream)
        numbers = {one.offset: index for index, one in enumerate(decoded.operations)} if trace else {}

        def report(operation: Operation, values: np.ndarray) -> None:
            kind = f"{operation.kind} {operation.mode}" if operation.mode else str(operation.kind)
            low, high = int(values.min()), int(values.max())
            lines.append(_Line(number, numbers[operation.offset], kind, values.shape[1:], low, high))
            if not as_json:
                click.echo(str(lines[-1]))

        return execute(npu, arrays, trace=report if trace else None, decoded=decoded)

    found = program.run(given, method, run_delegate)
    if output is not None:
        write_arrays(output, found)
    if as_json:
        answer: dict[str, Any] = {"inputs": [_json(one) for one in given], "outputs": [_json(one) for one in found]}
        if trace:
            answer["operations"] = [asdict(line) for line in lines]
        click.echo(json.dumps(answer, indent=2))
    else:
        for number, array in enumerate(found):
            click.echo(f"output {number}: {_description(array)}")
    if expect:
        difference = first_difference(read_arrays(expect), found)
        if difference:
            raise ModelError(f"{file}: {difference}")
        if not as_json:
            click.echo(f"{file}: all outputs are as expected")


def _description(array: np.ndarray) -> str:
    if not array.size:
        return described(array)
    if array.size == 1:
        return f"{described(array)} {array.flat[0]!s}"
    return f"{described(array)} from {array.min()!s} to {array.max()!s}"


def _json(array: np.ndarray) -> dict[str, Any]:
    """JSON has no number for what is not finite."""
    ends = {"min": array.min().item(), "max": array.max().item()} if array.size else {}
    finite = {name: value if np.isfinite(value) else str(value) for name, value in ends.items()}
    return {"dtype": str(array.dtype), "shape": list(array.shape), **finite}
