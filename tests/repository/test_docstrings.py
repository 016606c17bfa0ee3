"""Docstrings say what a caller has to know: every parameter, what is returned, and what is raised.

The rule holds for every public function and method with two or more parameters in FOLDERS. A method without a docstring
of its own inherits that of the method it overrides. Routes and commands are exempt: a framework calls them, and shows
their docstrings to people who know nothing of Python.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from support import REPOSITORY

#: Folders in which the rule holds.
FOLDERS = ("results", "search_space", "tuner", "velatune", "workers")

_FEWEST = 2

#: Attributes of the decorators that make a function a route of the service or a command of the command line.
_ROUTES = frozenset({"get", "post", "delete", "command", "group"})

#: Names of methods that nobody calls: private ones, and tests that a subclass inherits.
_NOT_CALLED = ("_", "test_")
_SECTION = re.compile(r"^(Args|Returns|Yields|Raises):$", re.MULTILINE)
_ENTRY = re.compile(r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*): +\S", re.MULTILINE)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def complaints(source: str) -> Iterator[str]:
    """Function: what its docstring lacks, of the public functions and methods of a module."""
    for name, function, inherits in _public(ast.parse(source)):
        parameters = _parameters(function)
        text = ast.get_docstring(function)
        if len(parameters) < _FEWEST or (text is None and inherits):
            continue
        lacking = list(_lacking(function, parameters, text or ""))
        if lacking:
            yield f"{name}: its docstring lacks {', '.join(lacking)}"


def _public(module: ast.Module) -> Iterator[tuple[str, Function, bool]]:
    """Name, function and whether it may inherit its docstring."""
    for node in module.body:
        if isinstance(node, Function) and not node.name.startswith("_") and not _is_route(node):
            yield node.name, node, False
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for one in node.body:
                if isinstance(one, Function) and (one.name == "__init__" or not one.name.startswith(_NOT_CALLED)):
                    yield f"{node.name}.{one.name}", one, bool(node.bases) and one.name != "__init__"


def _is_route(function: Function) -> bool:
    names = (one.func for one in function.decorator_list if isinstance(one, ast.Call))
    return any(isinstance(name, ast.Attribute) and name.attr in _ROUTES for name in names)


def _parameters(function: Function) -> list[str]:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    rest = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    return [one.arg for one in (*named, *rest) if one.arg not in ("self", "cls")]


def _lacking(function: Function, parameters: list[str], text: str) -> Iterator[str]:
    pieces = _SECTION.split(text)
    sections = dict(zip(pieces[1::2], pieces[2::2], strict=True))
    entries = re.sub(r"^ {4}", "", sections.get("Args", ""), flags=re.MULTILINE)
    named = {name.strip("* ") for entry in _ENTRY.finditer(entries) for name in entry[1].split(",")}
    for parameter in parameters:
        if parameter not in named:
            yield f"'{parameter}' under Args"
    for name in sorted(named.difference(parameters)):
        yield f"a parameter '{name}', which it describes"
    returned = "" if function.returns is None else ast.unparse(function.returns)
    if returned not in ("", "None") and not {"Returns", "Yields"} & sections.keys():
        yield "Returns" if "Iterator" not in returned else "Yields"
    raises = any(isinstance(node, ast.Raise) and node.exc is not None for node in ast.walk(function))
    if raises and "Raises" not in sections:
        yield "Raises"


@pytest.mark.parametrize("folder", FOLDERS)
def test_public_functions_say_what_a_caller_has_to_know(folder: str) -> None:
    files = sorted((REPOSITORY / folder).rglob("*.py"))
    assert files
    found = [f"{path.relative_to(REPOSITORY)}: {one}" for path in files for one in complaints(path.read_text())]
    assert not found, "\n".join(found)


BAD = '''
def f(a: int, b: int) -> int:
    """Add.

    Args:
        a: the first one.
        c: nothing.
    """
    raise ValueError(a)

class C:
    def m(self, a: int, b: int) -> None:
        ...

class D(C):
    def m(self, a: int, b: int) -> None:
        ...

    def n(self, a: int, b: int) -> Iterator[int]:
        """Args named in one line.

        Args:
            a, b: two numbers.

        Yields:
            Nothing.
        """

def g(a: int) -> int:
    return a

def _h(a: int, b: int) -> int:
    return a

@router.get("/v1/x")
async def route(a: int, b: int) -> int:
    """What people read in the description of the service."""
'''


def test_what_lacks_is_named() -> None:
    assert list(complaints(BAD)) == [
        "f: its docstring lacks 'b' under Args, a parameter 'c', which it describes, Returns, Raises",
        "C.m: its docstring lacks 'a' under Args, 'b' under Args",
    ]
