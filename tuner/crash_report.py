"""A fault of velatune's own: one line for people, the traceback where it can be found."""

from __future__ import annotations

import traceback
from pathlib import Path

from workers.errors import one_line


def unexpected(error: BaseException, log_dir: Path) -> str:
    """Append the traceback of an error that is a fault of velatune's own to `unexpected.log`.

    Args:
        error: what was raised.
        log_dir: of the log; made if it is missing.

    Returns:
        One line that says what happened and where the traceback is.
    """
    log = log_dir / "unexpected.log"
    try:
        log_dir.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8", errors="replace") as file:
            file.write("".join(traceback.format_exception(error)))
    except OSError as refused:  # the disk may be full: that may even be the fault
        return f"failed unexpectedly, {one_line(error)}; the traceback cannot be written to {log} ({refused.strerror})"
    return f"failed unexpectedly, {one_line(error)}; the traceback is in {log}"
