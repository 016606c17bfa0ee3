"""Small int8 TOSA programs, and Vela's own listing of the command stream that becomes of them."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from dataclasses import dataclass

from velatune.testing.program import Program
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import _settings


def everything(family: str) -> dict[str, bytes]:
    """One small program for each kind of operation that the decoder knows on `ethos-u55` (and u65) or `ethos-u85`."""

    def image(program: Program, depth: int = 16, side: int = 12) -> int:
        return program.input(1, side, side, depth)

    made: dict[str, bytes] = {}
    p = Program()
    made["conv"] = p.tosa(p.conv(p.conv(image(p), 24, (3, 3), (2, 2)), 40, (1, 1)))
    p = Program()
    made["few channels"] = p.tosa(p.conv(image(p, 3), 16, (3, 3)))
    p = Program()
    made["dilated"] = p.tosa(p.conv(image(p, 16), 16, (3, 3), dilation=(2, 2)))
    p = Program()
    made["dilated more"] = p.tosa(p.conv(image(p, 16), 16, (3, 3), dilation=(1, 4)))
    p = Program()
    made["depthwise"] = p.tosa(p.conv(image(p), 16, (3, 3), depthwise=True))
    p = Program()
    made["wide"] = p.tosa(p.conv(p.input(1, 6, 6, 8, dtype="INT16"), 8, (3, 3), dtype="INT16"))
    p = Program()
    made["many weights"] = p.tosa(p.conv(p.conv(p.input(1, 4, 4, 192), 192, (3, 3)), 160, (3, 3)))
    p = Program()
    made["max pool"] = p.tosa(p.max_pool(image(p), 2))
    p = Program()
    made["transpose"] = p.tosa(p.transpose(image(p), 0, 3, 1, 2))
    p = Program()
    made["swap height and width"] = p.tosa(p.transpose(p.input(1, 5, 9, 20), 0, 2, 1, 3))
    p = Program()
    made["concat"] = p.tosa(p.concat(3, p.conv(image(p), 8), image(p, 24)))
    p = Program()
    made["slice"] = p.tosa(p.slice(image(p), (0, 1, 2, 3), (1, 5, 7, 9)))
    p = Program()
    made["sum"] = p.tosa(p.sum(image(p), 2))
    p = Program()
    made["add"] = p.tosa(p.add(image(p), image(p)))
    p = Program()
    made["broadcast"] = p.tosa(p.mul(image(p), p.input(1, 1, 1, 16)), p.add(image(p), p.input(1, 12, 1, 1)))
    p = Program()
    made["scalar"] = p.tosa(p.mul(image(p), p.data([[[[7]]]], "INT8")))
    p = Program()
    x = image(p)
    made["chain"] = p.tosa(p.add(p.conv(x, 16), x))
    p = Program()
    made["clamp"] = p.tosa(p.clamp(p.conv(image(p), 16), -20, 50))
    p = Program()
    made["table"] = p.tosa(p.table(p.conv(image(p), 16)), p.table(image(p)))
    p = Program()
    made["matmul"] = p.tosa(p.matmul(p.input(2, 10, 24), p.input(2, 24, 7)))
    if family == "ethos-u85":
        p = Program()
        made["nearest"] = p.tosa(p.resize(image(p)))
        p = Program()
        made["bilinear"] = p.tosa(p.resize(image(p), "BILINEAR"))
        p = Program()
        made["gather"] = p.tosa(p.gather(p.input(1, 10, 16), p.input(1, 6, dtype="INT32")))
        p = Program()
        made["reverse"] = p.tosa(p.op("REVERSE", (image(p),), (1, 12, 12, 16), axis=2))
    return made


@dataclass(frozen=True)
class Listed:
    """A line of Vela's listing: byte offset, command code, name and fields as printed."""

    offset: int
    code: int
    name: str
    fields: dict[str, str]


_LINE = re.compile(r"0x([0-9a-f]{6}): [0-9a-f ]{8} [0-9a-f]{4} ([0-9a-f]{4}) - (\S+) +\d*,? ?(.*)")


def vela_listing(tosa: bytes, target: Target) -> tuple[str, list[Listed], bytes]:
    """What `vela --verbose-register-command-stream` prints, the lines of it that are commands, and the stream."""
    from ethosu import regor

    settings = _settings(target)
    options = settings.options.replace("[compiler]\n", "[compiler]\nverbose_register_command_stream=true\n")
    sys.stdout.flush()
    standard_output = os.dup(1)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 1)
        try:
            model = regor.compile(settings.accelerator, tosa, "TOSA", settings.system, options=options, verbose=True)
        finally:
            os.dup2(standard_output, 1)
            os.close(standard_output)
        kept.seek(0)
        text = kept.read().decode()
    lines = []
    for match in map(_LINE.match, text.splitlines()):
        if match:
            offset, code, name, fields = match.groups()
            pairs = [field.split(" = ") for field in fields.split(", ") if field]
            lines.append(Listed(int(offset, 16), int(code, 16), name, dict(pairs)))
    return text, lines, bytes(model.command_stream)
