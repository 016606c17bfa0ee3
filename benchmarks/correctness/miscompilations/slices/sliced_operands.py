"""Elementwise operators of two slices of one tensor."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing
from velatune.testing.program import Program
from workers.ethos_u.command_stream import decode
from workers.ethos_u.npu_model.waits.hazards import hazards
from workers.ethos_u.vela.compiler import Compiled

_SHAPE = (1, 1, 256, 16)
_HALF = (1, 1, 128, 16)
_JOINED = (1, 4, 4, 4)


def _halves(p: Program) -> tuple[int, int]:
    """Of the results of a convolution: the first and the second."""
    whole = p.conv(p.input(*_SHAPE), _SHAPE[-1])
    return p.slice(whole, (0, 0, 0, 0), _HALF), p.slice(whole, (0, 0, _HALF[2], 0), _HALF)


def _product(p: Program, first_half_first: bool = False) -> int:
    first, second = _halves(p)
    return p.mul(first, second) if first_half_first else p.mul(second, first)


def _sum(p: Program) -> int:
    first, second = _halves(p)
    return p.add(second, first)


def _neighbours(p: Program, axis: int) -> int:
    """The sum of what is next to each other along the axis of a CONCAT, whose first operand is a single one."""
    rest = tuple(7 if at == axis else size for at, size in enumerate(_JOINED))
    single = tuple(1 if at == axis else size for at, size in enumerate(_JOINED))
    joined = p.concat(axis, p.input(*single), p.input(*rest))
    start = tuple(int(at == axis) for at in range(len(_JOINED)))
    return p.add(p.slice(joined, (0, 0, 0, 0), rest), p.slice(joined, start, rest))


def _observe(compiled: Compiled) -> Observed:
    """How many blocks the operation with two operands may be ahead."""
    found = {one.offset for one in hazards(compiled.npu_program, decode(compiled.command_stream))}
    one = next(o for o in computing(compiled) if o.ifm2 is not None)
    return Observed(one.offset in found, f"{one.mode} with BLOCKDEP {one.blockdep}")


MISCOMPILATION = Miscompilation(
    name="sliced-operands",
    summary="An operator of two slices of one tensor can start before its first slice is written.",
    affected={"5.1.0": (U55, U65, U85), "5.2.0": (U55, U65)},
    make=_product,
    others={
        "ADD": _sum,
        "neighbouring channels of a CONCAT": lambda p: _neighbours(p, 3),
        "neighbouring columns of a CONCAT": lambda p: _neighbours(p, 2),
    },
    observe=_observe,
    cause=(
        "`CalcBlockDep` (architecture/ethosu55/ethos_u55_register_cs_generator.cpp and "
        "architecture/ethosu85/ethos_u85_register_cs_generator.cpp) compares the previous operation's last blocks with "
        "the first blocks of one operand. It takes the second where that has the address of that operation's OFM, and "
        "the first otherwise. Two slices have the same such address, that of the whole tensor. The first blocks of "
        "the first operand are then not looked at. Version 5.2.0 looks at all operands on Ethos-U85 alone."
    ),
    effect=(
        "The operation reads the first blocks of its first operand while they are still being computed. Whether it "
        "comes to that depends on the time that each takes."
    ),
    workaround=(
        "The operands exchanged, where that changes nothing and the slice that is written last is then second. "
        "velatune's `exchange-operands` does that."
    ),
    instead=lambda p: _product(p, first_half_first=True),
)
