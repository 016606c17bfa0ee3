"""Where in a user's model something went wrong, from what torch and ExecuTorch say about it."""

from __future__ import annotations

import re
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from workers.errors import one_line, printable

if TYPE_CHECKING:
    from torch.fx import Node

#: torch.fx, about the node that an interpreter was at.
_EXECUTING = re.compile(
    r"While executing %(?P<node>\S+) : .*?call_\w+\[target=(?P<target>[^\]]+)\]\(args = \((?P<arguments>.*?)\), kwargs"
)
#: torch.export, about code whose result it cannot know.
_CALL = re.compile(r'The following call raised this error:\n\s*File "(?P<file>[^"]+)", line (?P<line>\d+)')
#: Of a traceback as torch.export keeps it for every operator.
_FRAME = re.compile(r'File "([^"]+)", line (\d+)')
#: ExecuTorch's and torch.fx's pass managers, whose own message tells all passes that went before.
_PASS = re.compile(r"An error occurred when running the '(?P<name>\w+)' pass")

_NOT_FINITE = "has it NaN or infinity in its weights, masks or inputs?"
_COMPUTED_WEIGHTS = (
    "does it compute the weights of a layer? store what they come to, as by "
    "torch.nn.utils.parametrize.remove_parametrizations"
)
#: Parts of messages of torch, torchao and ExecuTorch -> what to do.
_ADVICE = {
    "not finite": _NOT_FINITE,
    "cannot convert float infinity": _NOT_FINITE,
    "cannot convert float NaN": _NOT_FINITE,
    "Expected get_attr node, got call_function": _COMPUTED_WEIGHTS,
    "unsupported param type, call_function": _COMPUTED_WEIGHTS,
    "assumes symmetric weight quantization": _COMPUTED_WEIGHTS,
}

_OURS = [Path(__file__).parents[2] / room for room in ("results", "search_space", "tuner", "velatune", "workers")]


def with_place(error: BaseException) -> str:
    """The error's own line, with its place if known: a user's line, an operator, or a pass."""
    in_pass = _PASS.match(str(error))
    if in_pass and error.__cause__ is not None:
        return f"{with_place(error.__cause__)} (in ExecuTorch's {in_pass['name']})"
    place = _operator(str(error)) or _users_line(error) or _layer(error)
    return f"{one_line(error)} ({place})" if place else one_line(error)


def line_of(node: Node) -> str:
    """Where in the user's model an operator of an exported program is: `net.py, line 7`; without one, its name."""
    frames = _FRAME.findall(str(node.meta.get("stack_trace", "")))
    users = [(file, line) for file, line in frames if _is_users(file)]
    return printable(f"{Path(users[-1][0]).name}, line {users[-1][1]}" if users else node.name)


def advice(error: BaseException) -> str:
    """What to do, for the end of a message; empty where nothing is known of the error."""
    told, cause = str(error), error.__cause__
    found = next((f"; {what}" for said, what in _ADVICE.items() if said in told), "")
    return found or (advice(cause) if cause is not None else "")


def _users_line(error: BaseException) -> str:
    if call := _CALL.search(str(error)):
        return printable(f"{Path(call['file']).name}, line {call['line']}")
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename)]
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""


def _layer(error: BaseException) -> str:
    """`in layer 2.conv, a Conv2d`: the innermost module that was being called, by its name in the outermost one."""
    from torch import nn
    from torch.fx import GraphModule

    called = [frame.f_locals.get("self") for frame, _ in traceback.walk_tb(error.__traceback__)]
    modules = [one for one in called if isinstance(one, nn.Module)]
    if not modules or isinstance(modules[-1], GraphModule):
        return ""
    names: list[str] = []
    with suppress(Exception):  # a module that could not be asked for its parts before cannot now
        names = [name for name, one in modules[0].named_modules() if one is modules[-1]]
    # torch.export calls the user's module from one of its own.
    name = names[0].removeprefix("_export_root").removeprefix(".") if names else ""
    kind = type(modules[-1]).__name__
    return printable(f"in layer {name}, a {kind}" if name else f"in a {kind}")


def _is_users(file: str) -> bool:
    """Whether a file is neither a library nor ours."""
    if file.startswith("<"):  # generated code
        return False
    path = Path(file)
    libraries = (Path(sys.prefix), Path(sys.base_prefix), *_OURS)
    return not any(path.is_relative_to(one) for one in libraries)


def _operator(message: str) -> str:
    found = _EXECUTING.search(message)
    if found is None:
        return ""
    operands = ", ".join(re.findall(r"%(\w+)", found["arguments"])[:3])
    operator = found["target"].removeprefix("torch.ops.")
    return printable(f"in {operator} of {operands}" if operands else f"in {operator}")
