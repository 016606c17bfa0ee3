"""Measurements that users add: from a run to a record in the store, then to a comparison."""

from __future__ import annotations

import base64
import configparser
import gzip
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from results.records.measurement import Measurement
from results.store.store import Store
from tuner.ethos_u.validation.counted_runs import CountedRun
from tuner.tuning.identity import target_record
from workers.errors import ModelError, one_line
from workers.ethos_u.backend import EthosU
from workers.ethos_u.command_stream import Decoded, StreamError, decode
from workers.ethos_u.cost.evidence.comparison import Comparison
from workers.ethos_u.cost.stream_cost import MODEL_VERSION, stream_cycles
from workers.ethos_u.files.program_streams import program_streams
from workers.ethos_u.target import Target as BoardTarget


def measurements_of(runs: Sequence[CountedRun]) -> list[Measurement]:
    """The records of runs, with what the model predicts for each.

    Raises:
        ModelError: a program, log or board cannot be read; or two runs are of one program and device.
    """
    found: dict[str, Measurement] = {}
    for run in runs:
        one = _measurement(run)
        if one.key in found:
            raise ModelError(
                f"{run.file}: is there twice on '{one.device}'; give one row, such as the median of its runs"
            )
        found[one.key] = one
    return list(found.values())


def own_comparisons(store: Store) -> list[Comparison]:
    """Every measurement in a store of a program for Ethos-U beside its prediction. One that another version of the
    model predicted is predicted again, and stored so."""
    held = [one for one in store.measurements.all() if one.target.family == EthosU.family]
    current = [one if one.model_version == MODEL_VERSION else predicted_again(one) for one in held]
    again = [one for one, before in zip(current, held, strict=True) if one is not before]
    if again:
        store.measurements.record_all(again)
    return [_comparison(one) for one in current]


def predicted_again(measurement: Measurement) -> Measurement:
    """The measurement with what the present model predicts.

    Raises:
        ModelError: its command streams or its board cannot be read.
    """
    target = measurement.target
    try:
        streams = [gzip.decompress(base64.b85decode(part)) for part in measurement.parts]
    except (ValueError, OSError, EOFError) as error:
        raise ModelError(f"the measurement of {measurement.program} is damaged ({one_line(error)})") from error
    with TemporaryDirectory(prefix="velatune-board-") as folder:
        config = Path(folder) / "board.ini"
        config.write_text(measurement.board_facts, encoding="utf-8")
        board = BoardTarget(target.name, target.facts["system_config"], target.facts["memory_mode"], str(config))
        predicted = _predicted(measurement.program, _decoded(measurement.program, streams), board)
    return replace(measurement, predicted_cycles=predicted, model_version=MODEL_VERSION)


def device_lines(rows: Sequence[Comparison]) -> Iterator[str]:
    """How far predictions are off on each of the user's devices, one line each."""
    by_device: dict[tuple[str, str], list[Comparison]] = {}
    for row in rows:
        by_device.setdefault((row.accelerator, row.condition), []).append(row)
    for (accelerator, condition), some in by_device.items():
        errors = [abs(row.error_percent) for row in some]
        counted = f"{len(some)} program{'s' if len(some) > 1 else ''}"
        yield (
            f"{accelerator} {condition}: predictions for {counted} are off by {fmean(errors):.1f} % on average, "
            f"{max(errors):.1f} % at most"
        )


def _measurement(run: CountedRun) -> Measurement:
    streams = program_streams(run.file)
    if not streams:
        raise ModelError(f"{run.file}: nothing in it runs on the NPU")
    programs = _decoded(str(run.file), streams)
    accelerators = sorted({one.accelerator for one in programs})
    if len(accelerators) > 1:
        raise ModelError(f"{run.file}: its command streams are for {' and '.join(accelerators)}")
    if not run.device.strip():
        raise ModelError(f"{run.file}: say what the board or simulator is called (--device)")
    board = BoardTarget.parse(accelerators[0], **run.board.facts)
    return Measurement(
        target=target_record(board),
        device=run.device.strip(),
        label=run.label,
        program=run.file.name,
        program_sha256=_hash(streams),
        cycles=run.counted_cycles(len(streams)),
        predicted_cycles=_predicted(str(run.file), programs, board),
        model_version=MODEL_VERSION,
        parts=tuple(base64.b85encode(gzip.compress(stream, mtime=0)).decode() for stream in streams),
        board_facts=board.config_text(),
        compiler_cycles=run.vela_cycles,
        source=run.source or (run.log.name if run.log else ""),
    )


def _comparison(one: Measurement) -> Comparison:
    memory = " ".join(one.target.facts.get(name, "") for name in ("system_config", "memory_mode"))
    return Comparison(
        subject="program",
        model=one.program,
        kind="",
        condition=f"on {one.device} ({memory})",
        accelerator=one.target.name,
        label=one.label,
        counted_cycles=float(one.cycles),
        step_cycles=1,
        predicted_cycles=float(one.predicted_cycles),
        vela_cycles=None if one.compiler_cycles is None else float(one.compiler_cycles),
        stream=one.program_sha256,
        memory=memory,
        clock_hz=_clock_hz(one),
        compiler="",
        source=one.source,
    )


def _clock_hz(one: Measurement) -> float | None:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(one.board_facts)
        return parser.getfloat(f"System_Config.{one.target.facts.get('system_config')}", "core_clock", fallback=None)
    except (configparser.Error, ValueError):
        return None


def _decoded(name: str, streams: Sequence[bytes]) -> list[Decoded]:
    try:
        return [decode(stream) for stream in streams]
    except StreamError as error:
        raise ModelError(f"{name}: {error}") from error


def _predicted(name: str, programs: Sequence[Decoded], board: BoardTarget) -> int:
    try:
        return max(1, sum(stream_cycles(one, board).total_cycles for one in programs))
    except StreamError as error:
        raise ModelError(f"{name}: {error}") from error


def _hash(streams: Sequence[bytes]) -> str:
    whole = hashlib.sha256()
    for stream in streams:
        whole.update(len(stream).to_bytes(8, "little") + stream)
    return whole.hexdigest()
