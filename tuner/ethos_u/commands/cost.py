"""`velatune cost`"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from tabulate import tabulate

from results.records.clock import time_at
from results.reports.prediction_error import PredictionError, labelled, shipped_error
from tuner.commands.options import board_options, json_option, stream_target_option
from tuner.deploy.board_options import BoardOptions
from tuner.ethos_u.priced_streams import PricedStream, kind_of, priced_streams
from tuner.tuning.objective import Objective
from workers.errors import ModelError
from workers.ethos_u.target import Target

#: The predictions among the figures, and the objective that counts alike.
_PREDICTED: Mapping[str, str] = {"vela_cycles": "vela", "stream_cycles": "stream"}

_DESCRIBED = {
    "vela_cycles": "cycles by Vela",
    "stream_cycles": "cycles by the command stream",
    "operations": "operations of the NPU, copies counted",
    "sram_bytes": "bytes of SRAM",
    "flash_bytes": "bytes of flash",
}


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="MODEL.PTE|MODEL.TOSA|MODEL.TFLITE")
@stream_target_option
@board_options
@json_option
def cost(
    file: Path, target: str | None, board: BoardOptions,
    as_json: bool,
) -> None:  # fmt: skip
    """Predict what a program costs, in all and by kind of operation.

    The file is a .pte, a .tflite that Vela wrote, or a .tosa, which is compiled first. A .tosa also has Vela's own
    estimate and its need of memory. velatune disasm prices each operation.
    """
    streams = priced_streams(file, target, board)
    if not streams:
        raise ModelError(f"{file}: nothing of it runs on an Ethos-U")
    figures, kinds, device = _figures(streams), _by_kind(streams), streams[0].board
    cycles = [one for stream in streams for one in stream.cycles_by_kind()]
    errors = {
        name: shipped_error(device.accelerator, Objective(kind).on(device.backend).facts(), cycles)
        for name, kind in _PREDICTED.items()
        if name in figures
    }
    if as_json:
        as_data = {f"{name}_error": one.to_json() if one is not None else None for name, one in errors.items()}
        click.echo(json.dumps({**figures, **as_data, "clock_hz": device.clock_hz, "kinds": kinds}))
        return
    for line in _description(figures, errors, device):
        click.echo(line)
    for line in _table(kinds, figures["stream_cycles"]):
        click.echo(line)


def _figures(streams: Sequence[PricedStream]) -> dict[str, int]:
    """Sums over the streams; what only Vela knows is there if all of them were compiled just now."""
    figures = {
        "stream_cycles": sum(one.cost.total_cycles for one in streams),
        "operations": sum(len(one.decoded.operations) for one in streams),
    }
    compiled = [one.compiled for one in streams if one.compiled is not None]
    if len(compiled) < len(streams):
        return figures
    return {
        "vela_cycles": sum(one.vela_cycles for one in compiled),
        **figures,
        "sram_bytes": max(one.sram_bytes for one in compiled),
        "flash_bytes": sum(one.flash_bytes for one in compiled),
    }


def _by_kind(streams: Sequence[PricedStream]) -> list[dict[str, Any]]:
    """Kinds of operations with their number and cycles, the dearest first."""
    count: Counter[str] = Counter()
    cycles: Counter[str] = Counter()
    for stream in streams:
        for operation, one in zip(stream.decoded.operations, stream.cost.operations, strict=True):
            count[kind_of(operation)] += 1
            cycles[kind_of(operation)] += one.cycles
    kinds = sorted(count, key=lambda kind: (-cycles[kind], kind))
    return [{"kind": kind, "operations": count[kind], "stream_cycles": cycles[kind]} for kind in kinds]


def _description(figures: Mapping[str, int], errors: Mapping[str, PredictionError | None], board: Target) -> list[str]:
    width = max(len(f"{value:,}") for value in figures.values())
    lines = []
    for name, value in figures.items():
        described = _DESCRIBED[name]
        if name in errors:
            described += f" ({labelled('predicted', errors[name])})"
            if time := time_at(value, board.clock_hz):
                described += f", {time}"
        lines.append(f"{value:>{width},}  {described}")
    return lines


def _table(kinds: Sequence[Mapping[str, Any]], total: int) -> list[str]:
    rows = [
        (f"{one['stream_cycles']:,}", f"{100 * one['stream_cycles'] / max(1, total):.1f} %", f"{one['operations']:,}",
         one["kind"])
        for one in kinds
    ]  # fmt: skip
    headings = ("cycles", "share", "operations", "kind")
    sides = ("right", "right", "right", "left")
    return tabulate((headings, *rows), tablefmt="plain", colalign=sides, disable_numparse=True).splitlines()
