"""A temporary PostgreSQL server, from the binaries that are on this machine."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_START_SECONDS = 60.0
#: PostgreSQL refuses to run as root; these are there wherever it is installed, the second everywhere.
_USERS = ("postgres", "nobody")


def binaries() -> Path | None:
    """The folder with initdb and postgres: behind the PATH, or the newest one where Debian puts them."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


@contextmanager
def server(*options: str) -> Iterator[str]:
    """A fresh server that listens on a socket in its own folder only.

    Args:
        options: settings beside those that it always has, such as `autovacuum=off`.

    Yields the URL of its database.

    Raises RuntimeError if there are no binaries, or it does not start; with its last words.
    """
    programs = binaries()
    if programs is None:
        raise RuntimeError("no PostgreSQL server is installed: no initdb on the PATH or in /usr/lib/postgresql")
    user = next(name for name in _USERS if _exists(name)) if os.getuid() == 0 else None
    # Not below a folder of pytest's: those are closed to other users, and too long a name for a socket.
    folder = Path(tempfile.mkdtemp(prefix="velatune-pg-"))
    data, log = folder / "data", folder / "log"
    try:
        if user is not None:
            shutil.chown(folder, user)
        cluster = ("--auth=trust", "--no-sync", "--username=velatune", "--encoding=UTF8", "--locale=C")
        made = subprocess.run(
            [programs / "initdb", *cluster, "-D", data], user=user, cwd=folder, capture_output=True, text=True
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr.strip()[-500:]}")
        # What a crash of the machine would lose is of no interest here.
        settings = ("listen_addresses=", f"unix_socket_directories={folder}", "fsync=off", "full_page_writes=off")
        command: list[str | Path] = [
            programs / "postgres",
            "-D",
            data,
            *(word for setting in (*settings, *options) for word in ("-c", setting)),
        ]
        with log.open("w") as output:
            process = subprocess.Popen(command, user=user, cwd=folder, stdout=output, stderr=output)
        try:
            _wait_for(programs, folder, process, log)
            yield f"postgresql://velatune@/postgres?host={folder}"
        finally:
            process.send_signal(signal.SIGQUIT)  # at once: SIGTERM would wait for the last client
            process.wait(timeout=30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _wait_for(programs: Path, folder: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    ready: list[str | Path] = [programs / "pg_isready", "--quiet", "-h", folder]
    while subprocess.run(ready).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL does not start: {log.read_text()[-500:].strip()}")
        time.sleep(0.05)
