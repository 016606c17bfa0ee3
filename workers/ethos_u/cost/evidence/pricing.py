"""Pricing the streams that rows of evidence name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workers.errors import ModelError
from workers.ethos_u.command_stream import StreamError
from workers.ethos_u.cost.evidence.csv_rows import CsvRow
from workers.ethos_u.cost.evidence.memory_facts import MemoryFacts
from workers.ethos_u.cost.evidence.streams import Streams
from workers.ethos_u.cost.stream_cost import StreamCost, stream_cycles
from workers.ethos_u.cost.stream_cost.hardware.fitted import FITTED, Fitted
from workers.ethos_u.target import Target


@dataclass(frozen=True)
class Unpriced:
    """A row that is left out.

    Attributes:
        reason: in words that follow a count.
    """

    reason: str


NO_STREAM = Unpriced("rows without a command stream")
NO_CYCLES = Unpriced("rows without a number of cycles")


@dataclass(frozen=True)
class Priced:
    """Predicted cycles of each operation of a stream, and the clock of the NPU that they are for."""

    total_cycles: int
    operation_cycles: Sequence[int]
    clock_hz: float | None


@dataclass
class Pricer:
    """Prices command streams of one folder.

    Attributes:
        scratch: an empty folder that outlives the pricer.
        fitted: the model's.
    """

    folder: Path
    scratch: Path
    fitted: Fitted = FITTED
    _costs: dict[tuple[str, Target], StreamCost] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._streams = Streams(self.folder)
        self._facts = MemoryFacts(self.folder, self.scratch)

    def price(
        self, row: CsvRow, stream: str, system_config: str, settings: Mapping[str, str] | None = None
    ) -> Priced | None:
        """What a row's stream is predicted to take on the row's accelerator and memory mode.

        Args:
            row: names the accelerator and memory mode.
            stream: its name; several with `|` between them are run one after another.
            system_config: what it was compiled for; empty: what the accelerator's timing adapter stands for.
            settings: of the timing adapter, where the row changes them.

        Returns:
            None if the row names no stream, or the folder does not have it.

        Raises:
            ModelError: the stream is damaged, or the row contradicts it or the folder's boards.ini.
        """
        if not stream:
            return None
        accelerator, memory_mode = row.name("accelerator").lower(), row.name("memory_mode")
        target = self._facts.target(row.place, accelerator, system_config, memory_mode, settings or {})
        costs = [self._cost(row, name, target) for name in stream.split("|")]
        whole = [cost for cost in costs if cost is not None]
        if len(whole) < len(costs):
            return None
        cycles = [operation.cycles for cost in whole for operation in cost.operations]
        return Priced(sum(cost.total_cycles for cost in whole), cycles, self._facts.clock_hz(target))

    def _cost(self, row: CsvRow, name: str, target: Target) -> StreamCost | None:
        key = name, target
        if key not in self._costs:
            decoded = self._streams.find(name)
            if decoded is None:
                return None
            try:
                self._costs[key] = stream_cycles(decoded, target, self.fitted)
            except (ModelError, StreamError) as error:
                raise ModelError(f"{row.place}: {error}") from error
        return self._costs[key]
