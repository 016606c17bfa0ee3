"""The command line."""

from __future__ import annotations

import os
import signal
import sys
from collections import UserDict
from contextlib import suppress
from importlib import import_module
from typing import Any

import click

from results.errors import StoreError
from search_space.errors import SpaceError
from search_space.termination import Terminated, raise_at_sigterm
from tuner.crash_report import unexpected
from tuner.interrupted_import import begin
from tuner.paths import cache_folder
from workers.errors import ModelError, one_line

_CONTEXT = {"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "VELATUNE", "show_default": True}


_NAMES = (
    "tune", "nightly", "sweep", "lookup", "apply", "export", "import", "verify", "run", "compare", "simulate",
    "validate", "serve", "token", "models", "boards", "space", "cost", "disasm", "opt", "count", "measure",
)  # fmt: skip

#: What module and function of a command are called, where that is not the command's name.
_FUNCTIONS = {"import": "import_recipes"}

#: In which part of `tuner.commands` a command is, where it is in one.
_PARTS = {
    **dict.fromkeys(("nightly", "sweep"), "suites"),
    **dict.fromkeys(("export", "import"), "recipes"),
    **dict.fromkeys(("serve", "token"), "service"),
}

#: Tools for the files, boards and evidence of one family of targets, by its package.
_OF_FAMILIES = {
    **dict.fromkeys(("boards", "cost", "disasm", "opt", "run", "simulate", "validate"), "ethos_u"),
    **dict.fromkeys(("count", "measure"), "cortex_m"),
}


class _Commands(UserDict[str, Any]):
    """Each is imported when it is asked for: all together take a second that `velatune run` has no use for."""

    def __getitem__(self, name: str) -> Any:
        if self.data[name] is None:
            function = _FUNCTIONS.get(name, name)
            family, part = _OF_FAMILIES.get(name), _PARTS.get(name)
            package = f"tuner.{family}.commands" if family else f"tuner.commands.{part}" if part else "tuner.commands"
            self.data[name] = getattr(import_module(f"{package}.{function}"), function)
        return self.data[name]


@click.group(commands=_Commands(dict.fromkeys(_NAMES)), context_settings=_CONTEXT)
@click.version_option(package_name="velatune")
def cli() -> None:
    """Find the way of lowering a PyTorch model that costs an embedded target the fewest cycles.

    Every option can be set in the environment as well: VELATUNE_TUNE_TRIALS, VELATUNE_TUNE_STORE, ...
    """
    begin()  # click has imported the command by now


def main() -> None:
    """Run the command line.

    Bad input ends in one line on stderr and exit status 2. The status is 130 for an interruption, 143 for SIGTERM, and
    70 for a fault of velatune's own.
    """
    raise_at_sigterm()  # a way out that closes the pool and the terminal's table
    try:
        cli.main(prog_name="velatune", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        click.echo(f"error: {_one_line_of_usage(error)}", err=True)
        sys.exit(error.exit_code)
    except (ModelError, SpaceError, StoreError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # this is the end already
        click.echo("interrupted; the same command goes on from here", err=True)
        # Everything that is to be kept is written and closed. On a busy machine, threads of libraries take many seconds
        # to end with the interpreter.
        with suppress(OSError):
            sys.stdout.flush()
        os._exit(130)
    except Terminated:
        click.echo("terminated; the same command goes on from here", err=True)
        raise
    except BrokenPipeError:
        # Who reads the output has enough of it. What is still in the buffer must not be tried again at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"error: {where}{error.strerror or one_line(error)}", err=True)
        sys.exit(2)
    except Exception as error:
        click.echo(f"error: {unexpected(error, cache_folder() / 'logs')}", err=True)
        sys.exit(70)


def _one_line_of_usage(error: click.ClickException) -> str:
    """click's message, and where to read on."""
    message = " ".join(error.format_message().split())
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f"{message.rstrip('.')}; {error.ctx.command_path} --help lists what it takes"
    return message


if __name__ == "__main__":
    main()
