"""The operations of a stream as columns of numbers, from which operations are made as far as somebody asks for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from workers.command_stream.commands import SECOND_WORD_FOLLOWS
from workers.command_stream.operation import Kind, Operation
from workers.command_stream.registers import registers
from workers.command_stream.state import Layout, RegisterState

# What a command is for, where it sets no register.
STARTS, _KERNEL_WAITS, _DMA_WAITS, _PASSES, HALTS = -1, -2, -3, -4, -5

_KINDS = {
    "NPU_OP_CONV": Kind.CONV,
    "NPU_OP_DEPTHWISE": Kind.DEPTHWISE,
    "NPU_OP_POOL": Kind.POOL,
    "NPU_OP_ELEMENTWISE": Kind.ELEMENTWISE,
    "NPU_OP_RESIZE": Kind.RESIZE,
    "NPU_OP_DMA_START": Kind.DMA,
}
_DOES = {
    **dict.fromkeys(_KINDS, STARTS),
    "NPU_OP_KERNEL_WAIT": _KERNEL_WAITS,
    "NPU_OP_DMA_WAIT": _DMA_WAITS,
    "NPU_OP_STOP": HALTS,
    "NPU_OP_BRANCH": HALTS,
}
_ADDRESS = re.compile(r"NPU_SET_\w+_BASE\d?")


class Meanings:
    """What the commands of a family are for.

    Attributes:
        layout: of its registers.
        of_code: command code -> position of the register that it sets, or a negative number: `STARTS` for those that
            start an operation, `HALTS` for those that decoding ends at, unknown ones too.
        kind_of_code: code of a command that starts an operation -> its kind.
        is_address: position of a register -> whether it says where something is within its region.
        runs: code of a command that starts an operation -> whether the operation can be in a run, see `Run`.
    """

    def __init__(self, family: str) -> None:
        self.layout = Layout(family)
        self.of_code = np.full(1 << 16, HALTS, np.int16)
        self.kind_of_code = {}
        for code, one in registers(family).items():
            self.of_code[code] = self.layout.position.get(one.name, _DOES.get(one.name, _PASSES))
            if one.name in _KINDS:
                self.kind_of_code[code] = _KINDS[one.name]
        self.runs = np.isin(np.arange(1 << 16), [code for code, kind in self.kind_of_code.items() if kind != Kind.DMA])
        self.runs &= family != "ethos-u85"
        self.is_address = np.array([bool(_ADDRESS.fullmatch(name)) for name in self.layout.position])


@dataclass(frozen=True)
class Run:
    """Operations right after each other that differ in nothing but addresses, with nothing to wait for in between.

    On U55 and U65 a transpose of a large tensor is tens of thousands of them. On U85, where operations hand results to
    each other, each is a run by itself; so is a copy.

    Attributes:
        first: the first of them.
        offsets: of all of them, as `Operation.offset`.
        number: of the first one among all operations of the stream, from 0.
    """

    first: Operation
    offsets: Sequence[int]
    number: int


class Issued:
    """The columns.

    meaning: of each command up to the last that starts an operation, see `Meanings.of_code`. starts: the one of `words`
    that it begins with.
    """

    def __init__(self, meanings: Meanings, words: np.ndarray, starts: np.ndarray, meaning: np.ndarray) -> None:
        self._meanings = meanings
        first = words[starts]
        values = (first >> 16).astype(np.int64)
        long = np.flatnonzero(first & SECOND_WORD_FOLLOWS)
        values[long] = values[long] << 32 | words[starts[long] + 1]
        started = np.flatnonzero(meaning == STARTS)
        sets = meaning >= 0

        self.offsets: list[int] = (4 * starts[started]).tolist()
        self._codes: list[int] = (first[started] & 0xFFFF).tolist()
        self._parameters: list[int] = values[started].tolist()
        self._set_before: list[int] = np.cumsum(sets)[started].tolist()
        self._positions: list[int] = meaning[sets].tolist()
        self._values: list[int] = values[sets].tolist()
        self._kernel_waits = _least(started, np.flatnonzero(meaning == _KERNEL_WAITS), values)
        self._dma_waits = _least(started, np.flatnonzero(meaning == _DMA_WAITS), values)

        # An operation goes on with a run if nothing but addresses is set since the start of the one before it.
        tells = meaning != _PASSES
        tells[sets] = ~meanings.is_address[meaning[sets]]
        goes_on = (np.diff(np.cumsum(tells)[started]) == 1) & (np.diff(first[started].astype(np.int64)) == 0)
        goes_on &= meanings.runs[first[started][1:] & 0xFFFF]
        self._heads: list[int] = np.flatnonzero(np.concatenate(([True], ~goes_on))[: len(started)]).tolist()

    def runs(self) -> Iterator[Run]:
        """All operations in order."""
        bounds = pairwise((*self._heads, len(self.offsets)))
        for first, (head, end) in zip(self.operations(self._heads), bounds, strict=True):
            yield Run(first, self.offsets[head:end], head)

    def addresses(self, run: Run) -> dict[str, np.ndarray]:
        """Name of a register that holds an address -> its value under each operation of a run, `[operations]` int64.

        Only registers that are set within the run after its first operation are in it.
        """
        numbers = slice(run.number, run.number + len(run.offsets))
        begin, end = self._set_before[numbers][0], self._set_before[numbers][-1]
        positions = np.array(self._positions[begin:end], np.int64)
        values = np.array(self._values[begin:end], np.int64)
        # The operation, counted within the run, that a register is set for.
        owners = np.searchsorted(self._set_before[numbers], np.arange(begin, end), side="right")
        names = list(self._meanings.layout.position)
        found = {}
        for position in np.unique(positions).tolist():
            mine = positions == position
            changes = np.full(len(run.offsets), -1, np.int64)
            changes[owners[mine]] = np.flatnonzero(mine)
            latest = np.maximum.accumulate(changes)
            before = run.first.registers.get(names[position], 0)
            found[names[position]] = np.where(latest < 0, before, values[latest])
        return found

    def operations(self, numbers: Iterable[int]) -> Iterator[Operation]:
        """Those with these numbers, which rise."""
        layout, kinds = self._meanings.layout, self._meanings.kind_of_code
        registers: list[int | None] = [None] * len(layout.position)
        done = 0
        for number in numbers:
            upto = self._set_before[number]
            for position, value in zip(self._positions[done:upto], self._values[done:upto], strict=True):
                registers[position] = value
            done = upto
            yield Operation(
                kind=kinds[self._codes[number]],
                offset=self.offsets[number],
                parameter=self._parameters[number],
                registers=RegisterState(layout, tuple(registers)),
                kernel_wait=self._kernel_waits.get(number),
                dma_wait=self._dma_waits.get(number),
            )


def _least(started: np.ndarray, waits: np.ndarray, values: np.ndarray) -> dict[int, int]:
    """Number of an operation -> the least of the waits in front of it."""
    found: dict[int, int] = {}
    for number, value in zip(np.searchsorted(started, waits).tolist(), values[waits].tolist(), strict=True):
        found[number] = min(value, found.get(number, value))
    return found
