"""Every command and every operation, against what Vela prints of the same stream and against Vela's register header."""

from __future__ import annotations

import re
from functools import cache

import pytest
from support.programs.npu_programs import Listed, everything, vela_listing

from workers.ethos_u.command_stream import Command, Operation, commands, decode
from workers.ethos_u.command_stream.registers import registers
from workers.ethos_u.target import Target

ACCELERATORS = ["ethos-u55-128", "ethos-u65-256", "ethos-u65-512", "ethos-u85-256"]
CASES = [(one, name) for one in ACCELERATORS for name in everything(one.rpartition("-")[0])]
every_case = pytest.mark.parametrize(("accelerator", "name"), CASES, ids=lambda value: value.replace(" ", "-"))


@cache
def listing(accelerator: str, name: str) -> tuple[str, list[Listed], bytes]:
    return vela_listing(everything(accelerator.rpartition("-")[0])[name], Target.parse(accelerator))


def printed(command: Command) -> Listed:
    """As Vela prints it, but for the prefix of an enumeration's value, which differs from field to field."""
    fields = {name: f"{value:#x}" if name == "addr" else str(value) for name, value in command.fields.items()}
    return Listed(command.offset, command.code, command.name, fields)


@every_case
def test_commands_are_those_that_vela_lists(accelerator: str, name: str) -> None:
    _, theirs, stream = listing(accelerator, name)
    ours = list(map(printed, commands(stream)))
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert (one.offset, one.code, one.name, list(one.fields)) == (
            other.offset, other.code, other.name, list(other.fields),
        )  # fmt: skip
        for field, value in one.fields.items():
            reported = other.fields[field]
            if one.name == "NPU_SET_OP_SCALAR" and int(value) >> 31:
                reported = str(int(reported) + 1)  # Vela prints negative scalars one too low
            assert reported == value or reported.endswith(f"_{value}"), (one, other)


_PARTS = {
    "kernel": r"size=(\d+),(\d+) stride=(\d+),(\d+), dilation=(\d+),(\d+)",
    "padding": r"padding=\[t:(\d+),l:(\d+),b:(\d+),r:(\d+),",
    "block": r"OFM Block=\[(?:1, )?(\d+), (\d+), (\d+)\]",
    "microblock": r"OFM UBlock=\[(\d+), (\d+), \d+\]",
    "traversal": r"Traversal=(\w+)",
    "accumulator": r"AccType=(?:SHRAM_)?Acc(\d+)",
}


def described(comment: str) -> dict[str, tuple[str, ...]]:
    found = ((part, re.search(pattern, comment)) for part, pattern in _PARTS.items())
    return {part: match.groups() for part, match in found if match}


def ours(operation: Operation) -> dict[str, tuple[object, ...]]:
    kernel, padding, traversal = operation.kernel, operation.padding, operation.traversal
    found: dict[str, tuple[object, ...]] = {"block": operation.block or ()}
    assert operation.accumulator is not None
    found["accumulator"] = (operation.accumulator[1:],)
    if operation.microblock is not None:
        found["microblock"] = operation.microblock
    if kernel is not None and padding is not None and traversal is not None:
        steps = kernel.stride_x, kernel.stride_y, kernel.dilation_x, kernel.dilation_y
        found["kernel"] = (kernel.width, kernel.height, *steps)
        found["padding"] = (padding.top, padding.left, padding.bottom, padding.right)
        found["traversal"] = (traversal.title().replace("_", "").removesuffix("First") + "First",)
    return found


@every_case
def test_operations_are_what_vela_says_of_them(accelerator: str, name: str) -> None:
    text, _, stream = listing(accelerator, name)
    comments = [line for line in text.splitlines() if line.startswith("// ")]
    operations = decode(stream).operations
    assert len(comments) == len(operations)
    for comment, operation in zip(comments, operations, strict=True):
        assert comment.startswith("// DMA") == (not operation.computes)
        if not operation.computes:
            assert operation.dma is not None
            length = re.search(r"length: (\d+)", comment)
            assert length is not None and operation.dma.source.length_bytes == int(length[1])
            continue
        theirs = described(comment)
        for part, value in ours(operation).items():
            reported = theirs.get(part)
            if part == "traversal":
                # What is no convolution has no weights to order; its register keeps what was there.
                if operation.kind == "conv":
                    assert reported in (value, (str(value[0]).replace("PartKernelFirst", "PartKernel"),))
            elif part == "padding" and name == "dilated more":
                pass  # Vela prints that of the undivided convolution; what the parts are set to adds up to their widths
            elif reported is not None:
                assert reported == tuple(map(str, value)), (part, comment)
        assert theirs.keys() >= {"block", "accumulator"}


def test_commands_of_u55_and_u65_are_those_of_vela_s_register_header() -> None:
    from ethosu.vela.ethos_u55_regs import ethos_u55_regs as regs

    theirs = {code.value: code.name for code in regs.cmd0}
    theirs |= {code.value | 0x4000: code.name for code in regs.cmd1}
    for family in ("ethos-u55", "ethos-u65"):
        ours = {code: register.name for code, register in registers(family).items()}
        # DMA0_SKIP is what the header calls the strides of a 2D copy on U65.
        assert {code: name for code, name in theirs.items() if "USER_DEFINED" not in name} == ours


@pytest.mark.parametrize(
    ("family", "command", "field", "header"),
    [
        ("ethos-u55", "NPU_OP_ELEMENTWISE", "elementwise_mode", "elementwise_mode"),
        ("ethos-u55", "NPU_OP_POOL", "pooling_mode", "pooling_mode"),
    ],
)
def test_modes_of_u55_are_those_of_vela_s_register_header(family: str, command: str, field: str, header: str) -> None:
    from ethosu.vela.ethos_u55_regs import ethos_u55_regs as regs

    (register,) = (one for one in registers(family).values() if one.name == command)
    names = {value.value: value.name for value in getattr(regs, header)}
    assert dict(register.fields[field].names) == names
