"""Functions in a user's own files or packages: imported because the user names them, with errors for people."""

import difflib
import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from search_space.termination import Terminated
from workers.errors import ModelError, one_line
from workers.output_capture import stdout_on_stderr


def user_function(source: str, place: str, name: str) -> Callable[..., Any]:
    """Import a function; what calling it prints goes to stderr, what it raises becomes a ModelError.

    Its file may import its neighbours, as it could if Python ran it as a script.

    Args:
        source: how errors name it: `place:name`.
        place: path of a `.py` file, or a dotted module name.
        name: of the function.

    Returns:
        The function, guarded.

    Raises:
        ModelError: there is no such file, module or function, or it cannot be imported.
    """
    is_file = place.endswith(".py") or os.sep in place
    folder = Path(place).parent if is_file else Path()
    with _importable_from(folder):
        module = _import_file(place) if is_file else _import_module(source, place)
    function = getattr(module, name, None)
    if not callable(function):
        offered = [n for n, value in vars(module).items() if callable(value) and not n.startswith("_")]
        nearest = difflib.get_close_matches(name, offered, n=3, cutoff=0.4)
        hint = f"; did you mean {' or '.join(nearest)}?" if nearest else ""
        raise ModelError(f"{place}: has no function {name or '(no name given)'}{hint}")
    called: Callable[..., Any] = function

    def guarded(*arguments: Any) -> Any:
        with _importable_from(folder), _users_code(f"{source} raised", module.__file__):
            return called(*arguments)

    return guarded


@contextmanager
def _importable_from(folder: Path) -> Iterator[None]:
    """Let the user's file import its neighbours, as it could if Python ran it as a script."""
    entry = str(folder.absolute())
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        sys.path.remove(entry)


def _import_file(path: str) -> ModuleType:
    if not Path(path).is_file():
        raise ModelError(f"{path}: no such file")
    # A name of our own: a user's `torch.py` or `types.py` must not stand in for the real one.
    spec = importlib.util.spec_from_file_location(f"velatune_source_{Path(path).stem}", path)
    if spec is None or spec.loader is None:
        raise ModelError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickling look modules up by name
    with _users_code(f"{path}: cannot be imported,", module.__file__):
        try:
            spec.loader.exec_module(module)
        except ImportError as error:
            if "relative import" in str(error):
                raise ModelError(f"{path}: imports relative to its package; name it package.module:function") from error
            raise
    return module


def _import_module(source: str, name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise ModelError(f"{source}: neither a built-in model nor file.py:function nor package.module:function")
    with _users_code(f"{source}: {name} cannot be imported,", None):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is not None and f"{name}.".startswith(f"{error.name}."):
                raise ModelError(f"{source}: no module {error.name} here or among the installed packages") from error
            raise


@contextmanager
def _users_code(what: str, file: str | None) -> Iterator[None]:
    """Run code of the user's: what it prints goes to stderr, what it raises becomes a ModelError that begins `what`.

    Args:
        file: where the code is, to tell the line.
    """
    try:
        with stdout_on_stderr():  # stdout is for results
            yield
    except (KeyboardInterrupt, ModelError, Terminated):
        raise
    except BaseException as error:  # SystemExit, and what test frameworks raise to skip, are no Exceptions
        raise ModelError(f"{what} {one_line(error)}{_where(error, file)}") from error


def _where(error: BaseException, file: str | None) -> str:
    """` (line N)`: the innermost line of the user's own file that took part in the error."""
    if isinstance(error, SyntaxError):
        return ""  # its message says the line
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    return f" (line {lines[-1]})" if lines else ""
