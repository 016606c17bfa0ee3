"""`velatune disasm`"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from tabulate import tabulate

from results.reports.prediction_error import labelled, shipped_error
from tuner.commands.options import board_options, json_option, stream_target_option
from tuner.deploy.board_options import BoardOptions
from tuner.ethos_u.priced_streams import PricedStream, kind_of, priced_streams
from tuner.tuning.objective import Objective
from workers.ethos_u.command_stream import FeatureMap, Kind, Operation, Span, plain


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="MODEL.PTE|MODEL.TOSA|MODEL.TFLITE")
@stream_target_option
@board_options
@json_option
def disasm(
    file: Path, target: str | None, board: BoardOptions,
    as_json: bool,
) -> None:  # fmt: skip
    """List the operations that the NPU performs, read off the command stream.

    A .pte, or a .tflite that Vela wrote, is listed delegate by delegate. The second column is what each operation adds
    to the predicted cycles of the stream. A copy that runs beside operations adds none. A .tosa is compiled first. The
    last columns have the TOSA operator and the cycles of each row of Vela's performance table. They stand on the row's
    first operation.
    """
    programs = priced_streams(file, target, board)
    if as_json:
        click.echo(json.dumps([_json(program) for program in programs], indent=2))
        return
    for number, program in enumerate(programs):
        operations = program.decoded.operations
        error = shipped_error(
            program.decoded.accelerator, Objective("stream").on(program.board.backend).facts(), program.cycles_by_kind()
        )
        label = labelled("predicted", error)
        cycles = f"{program.cost.total_cycles:,} cycles ({label})"
        click.echo(f"delegate {number}, {program.decoded.accelerator}, {len(operations)} operations, {cycles}")
        for line in _table(program):
            click.echo(line)


def _json(program: PricedStream) -> dict[str, Any]:
    operations = [plain(operation) for operation in program.decoded.operations]
    for operation, cost in zip(operations, program.cost.operations, strict=True):
        operation |= {"stream_cycles": cost.cycles, "start_cycles": cost.start_cycles}
    answer: dict[str, Any] = {
        "accelerator": program.decoded.accelerator,
        "stream_cycles": program.cost.total_cycles,
        "operations": operations,
    }
    if program.compiled is not None:
        for operation, row in zip(operations, program.row_of, strict=True):
            operation["row"] = row
        answer["rows"] = [
            {"name": row.name, "source_op": row.source_op, "npu_op": row.npu_op, "vela_cycles": row.cycles}
            for row in program.compiled.operators
        ]
    return answer


def _table(program: PricedStream) -> list[str]:
    """One line per operation, columns as wide as they need to be."""
    priced = zip(program.decoded.operations, program.cost.operations, strict=True)
    lines = [[str(index), f"{cost.cycles:,}", *_columns(operation)] for index, (operation, cost) in enumerate(priced)]
    operators = program.compiled.operators if program.compiled is not None else ()
    seen: set[int] = set()
    for line, row in zip(lines, program.row_of, strict=False):
        cost = operators[row]
        line += [f"{cost.source_op} {cost.name}", "" if row in seen else f"{cost.cycles:,}"]
        seen.add(row)
    sides = ["right", "right", "left", "left", "left", "left", "left", *(["left", "right"] if operators else [])]
    return tabulate(lines, tablefmt="plain", colalign=sides, disable_numparse=True).splitlines()


def _columns(operation: Operation) -> list[str]:
    """Kind, shapes, kernel, block and activation."""
    name = kind_of(operation)
    if operation.kind is Kind.DMA:
        dma = operation.dma
        assert dma is not None  # a copy has one
        moved = f"{dma.length_bytes:,} bytes {_place(dma.source)} -> {_place(dma.destination)}"
        return [name, moved, "", "", dma.indexed and f"{dma.indexed} by index"]
    inputs = ", ".join(_feature_map(one) for one in (operation.ifm, operation.ifm2) if one is not None)
    ofm, block, activation = operation.ofm, operation.block, operation.activation
    assert ofm is not None and block is not None and activation is not None  # what computes has them
    return [
        name,
        f"{inputs} -> {_feature_map(ofm)}",
        _kernel(operation),
        f"block {_sizes(block)}",
        {"none": "", "lut": f"lut {activation.table}", "clamp": f"clamp {activation.low}..{activation.high}"}.get(
            activation.function, activation.function
        ),
    ]


def _feature_map(one: FeatureMap) -> str:
    kind = f"{'s' if one.signed else 'u'}{8 * one.element_bytes}"
    if one.scalar is not None:
        return f"{kind} {one.scalar}"
    turned = f" as {one.transpose}" if one.transpose != "HWC" else ""
    where = "" if one.in_memory else f" {one.storage.lower()}"
    return f"{kind} {_sizes(one.shape)}{turned}{where}"


def _kernel(operation: Operation) -> str:
    kernel = operation.kernel
    if kernel is None:
        return ""
    words = [f"{kernel.height}x{kernel.width}"]
    if (kernel.stride_y, kernel.stride_x) != (1, 1):
        words.append(f"stride {kernel.stride_y}x{kernel.stride_x}")
    if (kernel.dilation_y, kernel.dilation_x) != (1, 1):
        words.append(f"dilation {kernel.dilation_y}x{kernel.dilation_x}")
    if operation.upscale not in (None, "NONE"):
        words.append(f"upscale {str(operation.upscale).lower()}")
    return " ".join(words)


def _place(span: Span) -> str:
    return f"NPU:{span.address:#x}" if span.region is None else f"region {span.region}:{span.address:#x}"


def _sizes(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
