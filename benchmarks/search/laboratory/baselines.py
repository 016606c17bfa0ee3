"""The searches that local-search is compared with, replayed once and kept.

    python -m benchmarks.search.laboratory.baselines

Optuna's samplers take minutes for what local-search does in seconds. Their results change only with Optuna, with the
recorded spaces, and with the few files that call them. The record says which Optuna and which spaces it is of.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import click

from benchmarks.search.laboratory.contest import Series, compared, run
from benchmarks.search.laboratory.replay import Curve
from benchmarks.search.laboratory.table import Table
from tuner.search.samplers import SAMPLERS, SamplerName

PATH = Path(__file__).with_name("baselines.json.xz")
BASELINES: tuple[SamplerName, ...] = tuple(name for name in SAMPLERS if name != "local-search")


@dataclass(frozen=True)
class Baselines:
    """Recorded searches of Optuna's samplers.

    Attributes:
        made_with: Optuna's version, and the content hash of each space by its name.
        curves: of a sampler on the space of that name, started seeded or not; one for each seed.
    """

    made_with: Mapping[str, str]
    curves: Mapping[tuple[str, bool, str], tuple[Curve, ...]]

    def series(self, sampler: SamplerName, seeded: bool, spaces: Sequence[Table]) -> list[Series]:
        """Space by space."""
        return [Series(table, sampler, seeded, self.curves[sampler, seeded, table.name]) for table in spaces]

    def write(self, path: Path = PATH) -> None:
        curves = [[*key, [_packed(curve) for curve in of]] for key, of in self.curves.items()]
        text = json.dumps({"made with": self.made_with, "curves": curves}, separators=(",", ":"))
        path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))


def read(path: Path = PATH) -> Baselines:
    """As `Baselines.write` wrote it."""
    fields = json.loads(lzma.decompress(path.read_bytes()))
    curves = {(sampler, seeded, name): tuple(map(_unpacked, of)) for sampler, seeded, name, of in fields["curves"]}
    return Baselines(fields["made with"], curves)


def makers(spaces: Sequence[Table]) -> dict[str, str]:
    """What a record would be made with today."""
    return {"optuna": version("optuna"), **{table.name: table.fingerprint for table in spaces}}


def _packed(curve: Curve) -> list[object]:
    """Only where it rises: at which distinct compile, and to what part of the best gain."""
    before = (None, *curve.gains)
    rises = [[at, gain] for at, gain in enumerate(curve.gains) if gain != before[at]]
    return [rises, curve.programs]


def _unpacked(fields: tuple[list[tuple[int, float]], int]) -> Curve:
    rises, programs = fields
    ends = [at for at, _ in rises[1:]] + [programs]
    gains = (gain for (at, gain), end in zip(rises, ends, strict=True) for _ in range(at, end))
    return Curve(tuple(gains), programs)


@click.command()
def main() -> None:
    """Replay the baselines on the recorded spaces and write the record; minutes."""
    spaces = compared()
    jobs = [(name, seeded, table) for name in BASELINES for seeded in (True, False) for table in spaces]
    curves: dict[tuple[str, bool, str], tuple[Curve, ...]] = {}
    with click.progressbar(jobs, item_show_func=lambda job: f"{job[0]} {job[2].name}" if job else "") as bar:
        for name, seeded, table in bar:
            curves[name, seeded, table.name] = run(table, name, seeded).curves
    Baselines(makers(spaces), curves).write()
    click.echo(f"{len(curves)} series, {PATH.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
