"""The timeline of a stream.

Operations follow each other; copies run beside them as far as waits and bandwidth allow.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workers.ethos_u.cost.stream_cost.hardware.board import Memory
from workers.ethos_u.cost.stream_cost.hardware.npu import Npu

#: Of a memory's bandwidth that a copy gets beside an operation that could take all of it.
FAIR_SHARE = 0.5


@dataclass(frozen=True)
class _Copy:
    issued: float
    cycles: int
    shares: Mapping[Memory, float]


@dataclass
class Timeline:
    """The NPU from the start of a program.

    Commands are read in order. An operation or copy is handed on, and the next command is read while it runs. This
    stops at a wait, or when as many are under way as the NPU keeps. A copy takes what bandwidth the operations leave
    it; Vela's schedule hides copies behind the operation before them in the same way (`slackBufferingCycles`).
    """

    npu: Npu
    commands: float = 0.0
    free: float = 0.0
    # Of each operation: when it runs, and the share of each memory that it takes; None if it takes no time at all.
    _begins: list[float] = field(default_factory=list)
    _ends: list[float] = field(default_factory=list)
    _shares: list[Mapping[Memory, float] | None] = field(default_factory=list)
    _at: int = 0
    _copies: list[_Copy] = field(default_factory=list)
    _copy_ends: list[float] = field(default_factory=list)

    def read_commands(self, words: int) -> None:
        """Fetch and decode commands."""
        self.commands += self._reading(words)

    def _reading(self, words: int) -> float:
        """A word each cycle, or as fast as the memory that holds them."""
        return max(words, 4 * words / self.npu.command_memory.bytes_per_cycle)

    def wait_for_operations(self, left: int) -> None:
        """Until at most `left` operations are under way."""
        if len(self._ends) > left:
            self.commands = max(self.commands, self._ends[-1 - left])

    def copies_end(self, left: int) -> float:
        """When at most `left` copies are under way; 0 if it is so already."""
        wanted = len(self._copies) - left
        while len(self._copy_ends) < wanted:
            self._copy_ends.append(self._end_of_copy(self._copies[len(self._copy_ends)]))
        return self._copy_ends[wanted - 1] if wanted > 0 else 0.0

    def start_copy(self, cycles: int, shares: Mapping[Memory, float]) -> None:
        """Hand on a copy.

        Args:
            cycles: that it takes if nothing holds it up.
            shares: the part of each memory's time that it needs if nothing holds it up.
        """
        self.commands = max(self.commands, self.copies_end(self.npu.copies_queued - 1))
        self._copies.append(_Copy(self.commands, cycles, shares))

    def run(self, cycles: int, shares: Mapping[Memory, float], beside: int = 0) -> float:
        """Run an operation.

        Args:
            cycles: that it takes.
            shares: the part of each memory's time that it takes.
            beside: cycles of it that run before that, if its commands were read in time.

        Returns:
            The time, in cycles, at which the one before has ended and it has begun.
        """
        beside = min(beside, max(0, int(self.free - self.commands)))
        self.wait_for_operations(self.npu.kernels_queued - 1)
        begin = max(self.commands, self.free)
        self.free = begin + cycles - beside
        self._begins.append(begin)
        self._ends.append(self.free)
        self._shares.append(shares if cycles else None)
        return begin

    def run_each(
        self, words: Sequence[int], cycles: int, shares: Mapping[Memory, float], beside: int = 0
    ) -> list[float]:
        """Read words of commands and run an operation, several times.

        Args:
            words: read before each operation.
            cycles: that each operation takes.
            shares: the part of each memory's time that it takes.
            beside: as of `run`.

        Returns:
            When the operations end, in cycles.
        """
        # As `read_commands` and `run`, but tens of thousands of times for a large transpose.
        reading = {count: self._reading(count) for count in set(words)}
        commands, free, begins, ends = self.commands, self.free, self._begins, self._ends
        queued, before = self.npu.kernels_queued, len(ends)
        for count in words:
            commands += reading[count]
            early = min(beside, max(0, int(free - commands))) if beside else 0
            if len(ends) >= queued and ends[-queued] > commands:
                commands = ends[-queued]
            begin = commands if commands > free else free
            free = begin + cycles - early
            begins.append(begin)
            ends.append(free)
        self._shares += [shares if cycles else None] * len(words)
        self.commands, self.free = commands, free
        return ends[before:]

    def end(self) -> float:
        """When everything is done."""
        return max(self.free, self.copies_end(0))

    def _end_of_copy(self, copy: _Copy) -> float:
        now = max(copy.issued, self._copy_ends[-1] if self._copy_ends else 0.0)
        left = float(copy.cycles)
        self._at = bisect_right(self._ends, now, self._at)
        beside, speed = None, 1.0
        while self._at < len(self._ends):
            begin, end, shares = self._begins[self._at], self._ends[self._at], self._shares[self._at]
            if end > now and shares is not None:
                alone = max(0.0, begin - now)
                if left <= alone:
                    return now + left
                left -= alone
                now = max(now, begin)
                if shares is not beside:
                    beside, speed = shares, _speed(copy.shares, shares)
                if left <= speed * (end - now):
                    return now + left / speed
                left -= speed * (end - now)
                now = end
            self._at += 1
        return now + left


def _speed(wanted: Mapping[Memory, float], taken: Mapping[Memory, float]) -> float:
    speed = 1.0
    for memory, share in wanted.items():
        if share > 0:
            speed = min(speed, max(FAIR_SHARE, 1.0 - taken.get(memory, 0.0)) / share)
    return speed
