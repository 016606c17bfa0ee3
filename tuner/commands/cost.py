"""`velatune cost`"""

from __future__ import annotations

import json
from pathlib import Path

import click

from results.prediction_error import labelled, shipped_error
from tuner.commands.options import board_options, json_option, target_option
from tuner.objective import Kind, Objective
from workers.command_stream import decode
from workers.errors import ModelError
from workers.stream_cost import stream_cycles
from workers.target import Target
from workers.vela import VelaRefused, compile_tosa


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.TOSA")
@target_option
@board_options
@json_option
def cost(
    file: Path, target: str, system_config: str | None, memory_mode: str | None, vela_config: str | None, as_json: bool
) -> None:
    """Compile a TOSA program and print both estimates of it: Vela's, and that of the command stream it becomes."""
    board = Target.parse(target, system_config, memory_mode, vela_config)
    try:
        compiled = compile_tosa(file.read_bytes(), board, operators=False)
    except OSError as error:
        raise ModelError(f"{file}: cannot be read ({error.strerror})") from error
    except VelaRefused as refusal:
        raise ModelError(f"{file}: Vela refuses it for {board.label}: {refusal}") from refusal
    decoded = decode(compiled.command_stream)
    figures = {
        "vela_cycles": compiled.vela_cycles,
        "stream_cycles": stream_cycles(decoded, board).total_cycles,
        "operations": len(decoded.operations),
        "sram_bytes": compiled.sram_bytes,
        "flash_bytes": compiled.flash_bytes,
    }
    kinds: dict[str, Kind] = {"vela_cycles": "vela", "stream_cycles": "stream"}
    errors = {name: shipped_error(board.accelerator, str(Objective(kind))) for name, kind in kinds.items()}
    if as_json:
        told = {f"{name}_error": error.to_json() if error is not None else None for name, error in errors.items()}
        click.echo(json.dumps({**figures, **told, "clock_hz": board.board_clock_hz}))
        return
    described = {
        "vela_cycles": f"cycles by Vela ({labelled('predicted', errors['vela_cycles'])})",
        "stream_cycles": f"cycles by the command stream ({labelled('predicted', errors['stream_cycles'])})",
        "operations": "operations of the NPU, copies counted",
        "sram_bytes": "bytes of SRAM",
        "flash_bytes": "bytes of flash",
    }
    clock_hz = board.board_clock_hz
    if clock_hz is not None:
        for name in kinds:
            described[name] += f", {1000 * figures[name] / clock_hz:,.3f} ms at {clock_hz / 1e6:g} MHz"
    width = max(len(f"{value:,}") for value in figures.values())
    for name, value in figures.items():
        click.echo(f"{value:>{width},}  {described[name]}")
