"""Reading an evidence folder and pricing what is in it; README.md beside this file describes the format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from workers.errors import ModelError
from workers.ethos_u.cost.evidence.comparison import Comparison
from workers.ethos_u.cost.evidence.host import HostComparison, host_comparisons
from workers.ethos_u.cost.evidence.launches import launches
from workers.ethos_u.cost.evidence.pricing import Pricer, Unpriced
from workers.ethos_u.cost.evidence.programs import boards, operators, silicon, sweeps, totals, transposes
from workers.ethos_u.cost.stream_cost.hardware.fitted import FITTED, Fitted

#: What ships with velatune.
SHIPPED = Path(__file__).with_name("data")

_TABLES: dict[str, Callable[[Path, Pricer], Iterator[Comparison | Unpriced]]] = {
    "totals.csv": totals,
    "board.csv": boards,
    "silicon.csv": silicon,
    "u55_transposes.csv": transposes,
    "micro.csv": operators,
    "ta_sweeps.csv": sweeps,
    "per_launch.csv": launches,
}


@dataclass(frozen=True)
class Evidence:
    """What an evidence folder says.

    Attributes:
        comparisons: rows with a command stream, priced, in the order of the tables.
        skipped: why rows were left out -> how many.
        host: rows of the CPU's side.
    """

    comparisons: tuple[Comparison, ...]
    skipped: dict[str, int]
    host: tuple[HostComparison, ...] = ()


def read_evidence(folder: Path, fitted: Fitted = FITTED) -> Evidence:
    """Price every row of an evidence folder that has a command stream.

    Args:
        folder: in the format that README.md describes.
        fitted: parameters of stream cycles; others than its own only to fit them.

    Returns:
        The comparisons, and how many rows were skipped for which reason.

    Raises:
        ModelError: the folder or a file in it has another format or is damaged. Or no row can be priced.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder}: is no folder of evidence")
    present = [name for name in _TABLES if (folder / name).exists()]
    if not present:
        raise ModelError(f"{folder}: holds no evidence, which would be one of {', '.join(_TABLES)}")
    found: list[Comparison] = []
    skipped: Counter[str] = Counter()
    with TemporaryDirectory(prefix="velatune-evidence-") as scratch:
        pricer = Pricer(folder, Path(scratch), fitted)
        for name in present:
            for one in _TABLES[name](folder / name, pricer):
                if isinstance(one, Unpriced):
                    skipped[one.reason] += 1
                else:
                    found.append(one)
    if not found:
        reasons = ", ".join(f"{count} {reason}" for reason, count in skipped.items()) or "its tables are empty"
        raise ModelError(f"{folder}: nothing in it can be priced: {reasons}")
    return Evidence(tuple(found), dict(skipped), host_comparisons(folder))
