"""Starts a command of the user's that runs programs on a device."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from workers.errors import ModelError


def output_of(command: Sequence[str], name: str, timeout_seconds: float) -> str:
    """Run a command to its end.

    Args:
        command: the program and its arguments; no shell sees them.
        name: of the command, for messages.
        timeout_seconds: it is ended then.

    Returns:
        What it wrote to its standard output.

    Raises:
        ModelError: it cannot be started, takes too long, or ends with a status that is not 0.
    """
    try:
        ended = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=timeout_seconds)
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{name}: did not end within {timeout_seconds:g} seconds") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(f"{name}: cannot be started ({reason})") from error
    if ended.returncode:
        last = (ended.stderr.strip() or ended.stdout.strip() or "it said nothing").rpartition("\n")[2]
        raise ModelError(f"{name}: ended with status {ended.returncode}, {last.strip()}")
    return ended.stdout
