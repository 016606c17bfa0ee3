"""A row of Vela's performance table."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OperatorCost:
    """One row of Vela's performance table: an operation as Vela schedules it.

    Attributes:
        name: the tensor it writes; `#7` and the like for tensors that Vela made up.
        source_op: the TOSA operator it comes from, in Vela's spelling (`Conv2D`, `AvgPool`, `Transpose`).
            An operator that was fused into another (RESCALE into Conv2D) has no row.
        source_index: the position of that operator in the flatbuffer's operator list, constants and shapes
            counted.
        npu_op: what Vela made of it (`Conv2D`, `LUT`, `MemoryCopy`, `Transpose`, ...). One TOSA operator
            may become several rows.
        cycles: Vela's estimate, memory traffic included; what adds up to the total.
        npu_cycles: the part the NPU computes for, memory aside; never more than `cycles`.
        macs: multiply-accumulates.
        sram_bytes: staging memory in use while it runs.
        fused: it rides in another row's hardware operation, which carries the cycles of both.
        stream_offsets: of the hardware operations that it starts, one per stripe. They are byte positions of NPU_OP
            commands, counted from the first command after the stream's 32-byte driver header. A transpose on U55 and
            U65 is a long run of operations; only the last is listed. (See `workers.ethos_u.command_stream.rows_of`.) A
            `fused` row may have none.
    """

    name: str
    source_op: str
    source_index: int
    npu_op: str
    cycles: int
    npu_cycles: int
    macs: int
    sram_bytes: int
    fused: bool
    stream_offsets: tuple[int, ...]
