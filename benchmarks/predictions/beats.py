"""Bytes that the model says are moved, beside what counters counted.

python -m benchmarks.predictions.beats [--data FOLDER]
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from pathlib import Path

import click

from benchmarks.markdown import row as line
from workers.ethos_u.command_stream import Decoded, Operation, decode
from workers.ethos_u.cost.evidence import SHIPPED
from workers.ethos_u.cost.stream_cost.hardware.npu import Npu, npu_of
from workers.ethos_u.cost.stream_cost.operation.traffic import transfers
from workers.ethos_u.cost.stream_cost.work.reading import work_of
from workers.ethos_u.cost.stream_cost.work.work import Channel
from workers.ethos_u.target import Target


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), default=SHIPPED)
def beats(data: Path) -> None:
    """Print, as Markdown, beats of SRAM of each whole model in totals.csv."""
    for text in line("model", "target", "read, counted", "read", "written, counted", "written", header=True):
        click.echo(text)
    with (data / "totals.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["stream"]]
    for row in rows:
        accelerator = row["accelerator"]
        target = Target.parse(accelerator, row["system_config"], row["memory_mode"], str(data / "boards.ini"))
        decoded = decode(gzip.decompress((data / "streams" / f"{row['stream']}.cs.gz").read_bytes()))
        size = 8 if accelerator.startswith("ethos-u55") else 16
        read, written = (round(moved / size) for moved in moved_sram(npu_of(target), decoded))
        cells = (f"{int(row['rd0_beats']):,}", f"{read:,}", f"{int(row['wr0_beats']):,}", f"{written:,}")
        click.echo(next(iter(line(row["model"], accelerator, *cells))))


def moved_sram(npu: Npu, decoded: Decoded) -> tuple[float, float]:
    """Bytes that a stream reads from SRAM and writes to it."""
    moved: Counter[bool] = Counter()
    chain: list[Operation] = []
    for operation in decoded.operations:
        dma = operation.dma
        if dma is not None:
            for writes, end in ((False, dma.source), (True, dma.destination)):
                if end.region is not None and npu.memory(end.region).name == "Sram":
                    moved[writes] += dma.length_bytes
            continue
        chain.append(operation)
        if operation.ofm is not None and operation.ofm.storage == "CHAINED":
            continue
        for one in transfers(npu, work_of(npu, chain)):
            if one.memory.name == "Sram":
                moved[one.channel is Channel.WRITE] += round(one.moved_bytes)
        chain = []
    return moved[False], moved[True]


if __name__ == "__main__":
    beats()
