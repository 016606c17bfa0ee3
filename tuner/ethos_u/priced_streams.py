"""The command streams of a file, with the cost of their operations on a board."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tuner.deploy.board_options import BoardOptions
from workers.errors import ModelError
from workers.ethos_u.command_stream import Decoded, Operation, decode, rows_of
from workers.ethos_u.cost.evidence.operation_kinds import kinds_of
from workers.ethos_u.cost.stream_cost import StreamCost, stream_cycles
from workers.ethos_u.cost.stream_cost.evidence_kinds import has_evidence
from workers.ethos_u.files.program_streams import program_streams
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import Compiled, VelaRefused, compile_tosa

#: Files that are read; a `.tosa` is compiled first.
SUFFIXES = (".tosa", ".pte", ".tflite")


@dataclass(frozen=True)
class PricedStream:
    """One command stream.

    Attributes:
        board: what it was priced for.
        cost: of its operations, in their order.
        compiled: what Vela made of a `.tosa`; None for a file that holds streams.
        row_of: of a `.tosa`, for each operation the index of its row in `compiled.operators`.
    """

    decoded: Decoded
    board: Target
    cost: StreamCost
    compiled: Compiled | None = None
    row_of: tuple[int, ...] = ()

    def cycles_by_kind(self) -> Iterator[tuple[str, int]]:
        """Kinds of operation, as tables per operator call them, and their cycles.

        An operation may do two things at once, such as a convolution with a table. If one of them was not measured, it
        counts as that one. Copies of weights are measured with what they are for.
        """
        for operation, one in zip(self.decoded.operations, self.cost.operations, strict=True):
            kinds = kinds_of(operation) or ["MemoryCopy"]
            unmeasured = (kind for kind in kinds if not has_evidence(operation.family, kind))
            yield next(unmeasured, kinds[0]), one.cycles


def priced_streams(file: Path, target: str | None, board: BoardOptions) -> list[PricedStream]:
    """The streams of a file in the order in which they run.

    Args:
        file: a `.tosa`, `.pte` or `.tflite`.
        target: what to compile a `.tosa` for. For other files, what they are expected to be for, or None.
        board: what its other facts are.

    Returns:
        Decoded streams with their predicted cycles; one of a `.tosa`, one for each Vela delegate of the others.

    Raises:
        ModelError: the file cannot be read, is of another kind or for another accelerator, or Vela refuses it.
    """
    if file.suffix == ".tosa":
        if target is None:
            raise ModelError(f"{file}: say what to compile it for: --target ethos-u55-128")
        return [_compiled(file, Target.parse(target, **board.facts))]
    if file.suffix not in SUFFIXES:
        raise ModelError(f"{file}: is none of {', '.join(SUFFIXES)}")
    found = []
    for stream in program_streams(file):
        decoded = decode(stream)
        if target is not None and target.lower() != decoded.accelerator:
            raise ModelError(f"{file}: compiled for {decoded.accelerator}, not for {target}; leave --target out")
        device = Target.parse(decoded.accelerator, **board.facts)
        found.append(PricedStream(decoded, device, stream_cycles(decoded, device)))
    return found


def kind_of(operation: Operation) -> str:
    """What an operation is called: its kind, with its mode if it has one, as in `pool MAX`."""
    return f"{operation.kind} {operation.mode}" if operation.mode else str(operation.kind)


def _compiled(file: Path, board: Target) -> PricedStream:
    try:
        compiled = compile_tosa(file.read_bytes(), board)
    except OSError as error:
        raise ModelError(f"{file}: cannot be read ({error.strerror})") from error
    except VelaRefused as refusal:
        raise ModelError(f"{file}: Vela refuses it for {board.label}: {refusal}") from refusal
    decoded = decode(compiled.command_stream)
    return PricedStream(
        decoded, board, stream_cycles(decoded, board), compiled, tuple(rows_of(decoded, compiled.operators))
    )
