"""The operations of a stream as columns of numbers.

Operations are made from them when they are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from workers.ethos_u.command_stream.commands import SECOND_WORD_FOLLOWS
from workers.ethos_u.command_stream.operation import Kind, Operation
from workers.ethos_u.command_stream.registers import registers
from workers.ethos_u.command_stream.state import Layout, RegisterState

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
_ADDRESS_BITS = (1 << 40) - 1


class Meanings:
    """What the commands of a family are for.

    Attributes:
        layout: of its registers.
        of_code: command code -> position of the register that it sets, or a negative number: `STARTS` for those that
            start an operation, `HALTS` for those that decoding ends at, unknown ones too.
        kind_of_code: code of a command that starts an operation -> its kind.
        is_address: position of a register -> whether it says where something is within its region.
        runs: code of a command that starts an operation -> whether it can be in a run, see `Run`.
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
    each other, each is a run by itself. So is a copy.

    Attributes:
        first: the first of them.
        offsets: of all of them, as `Operation.offset`.
        number: of the first one among all operations of the stream, from 0.
    """

    first: Operation
    offsets: Sequence[int]
    number: int


class Issued:
    """The columns."""

    def __init__(self, meanings: Meanings, words: np.ndarray, starts: np.ndarray, meaning: np.ndarray) -> None:
        """Read the columns off a stream.

        Args:
            meanings: of the family's commands.
            words: uint32, of the whole stream.
            starts: `[n]`, the index in `words` that each command begins at, up to the last that starts an operation.
            meaning: `[n]`, of each of these commands, see `Meanings.of_code`.
        """
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
        self._set_positions, self._set_values = meaning[sets], values[sets]
        self._positions: list[int] = self._set_positions.tolist()
        self._values: list[int] = self._set_values.tolist()
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
        """See `workers.ethos_u.command_stream.Decoded.addresses`."""
        set_before = np.array(self._set_before[run.number : run.number + len(run.offsets)])
        begin, end = set_before[0], set_before[-1]
        # Between the operations of a run, nothing else is set.
        at = np.searchsorted(set_before, np.arange(begin, end), side="right")
        positions, values = self._set_positions[begin:end], self._set_values[begin:end]
        names = self._meanings.layout.names
        found = {}
        for position in np.unique(positions).tolist():
            mine = np.flatnonzero(positions == position)
            # Where it is not set anew, an operation has what the one before it had.
            latest = np.zeros(len(set_before), np.int64)
            latest[at[mine]] = mine + 1
            latest = np.maximum.accumulate(latest)
            before = run.first.registers.get(names[position], 0)
            found[names[position]] = np.where(latest > 0, values[latest - 1], before) & _ADDRESS_BITS
        return found

    def operations_of(self, run: Run) -> Iterator[Operation]:
        """All operations of a run."""
        names = self._meanings.layout.names
        registers = [run.first.registers.get(name) for name in names]
        yield run.first
        for number in range(run.number + 1, run.number + len(run.offsets)):
            begin, end = self._set_before[number - 1], self._set_before[number]
            for position, value in zip(self._positions[begin:end], self._values[begin:end], strict=True):
                registers[position] = value
            yield replace(
                run.first,
                offset=self.offsets[number],
                registers=RegisterState(self._meanings.layout, tuple(registers)),
                kernel_wait=None,
                dma_wait=None,
            )

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
    """Number of an operation -> the least of the waits before it."""
    found: dict[int, int] = {}
    for number, value in zip(np.searchsorted(started, waits).tolist(), values[waits].tolist(), strict=True):
        found[number] = min(value, found.get(number, value))
    return found
