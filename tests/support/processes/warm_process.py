"""Commands in processes that have imported the toolchain already, which takes longer than most commands do."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_TOOLCHAIN = (
    "torch",
    "torchao.quantization.pt2e.quantize_pt2e",
    "executorch.exir",
    "executorch.backends.arm.ethosu",
    "executorch.backends.arm.quantizer",
)

_warm = multiprocessing.get_context("forkserver")
_warm.set_forkserver_preload(list(_TOOLCHAIN))


def run(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], seconds: float
) -> tuple[int | None, str, str]:
    """`velatune` with these arguments, in a folder: exit status (None: it was not done in time), stdout and stderr."""
    out, err = folder / "stdout.txt", folder / "stderr.txt"
    process = _warm.Process(target=_command, args=(arguments, folder, dict(environment), out, err))
    process.start()
    process.join(seconds)
    process.kill()
    return process.exitcode, out.read_text(), err.read_text()


def _command(arguments: Sequence[str], folder: Path, environment: dict[str, str], out: Path, err: Path) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for path, descriptor in ((out, 1), (err, 2)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, descriptor)
        os.close(file)
    sys.path[0] = ""
    sys.argv = ["velatune", *arguments]
    sys.stdout, sys.stderr = (os.fdopen(descriptor, "w", closefd=False) for descriptor in (1, 2))
    from tuner.cli import main

    try:
        main()
    finally:
        atexit._run_exitfuncs()  # multiprocessing leaves them out
        sys.stdout.flush()
        sys.stderr.flush()
