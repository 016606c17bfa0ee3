"""Compile with a Vela of another version than the one that velatune uses.

The two cannot be imported in one process. Each version compiles in a process of its own, with its folder first on the
path. It answers in JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64encode
from functools import cache
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import benchmarks
from benchmarks.predictions.vela_versions.plain import compiled_from
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import Compiled, VelaRefused

#: The version of `requirements.lock`, which is the only one that velatune itself uses, and those that are installed
#: beside it, each from a lock file of its own.
VERSIONS = ("5.1.0", "5.2.0")


class VelaCrashed(Exception):
    """Vela ended its process; the message says with which version and how."""


def compile_with(version: str, tosa: bytes, target: Target) -> Compiled:
    """As `workers.ethos_u.vela.compiler.compile_tosa`, with this version of Vela: one of VERSIONS.

    Raises:
        VelaRefused: the program or target is not taken.
        VelaCrashed: the process ended.
        LookupError: the version is not installed.
    """
    return _process(version).compile(tosa, target)


class _Process:
    """One version at work, for as long as this process lives or until it crashes."""

    def __init__(self, version: str) -> None:
        self._version = version
        root = str(Path(benchmarks.__path__[0]).parent)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.predictions.vela_versions.compiling_process"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([*map(str, _folder(version)), root])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if (found := self._answer()["version"]) != version:
            raise LookupError(f"Vela {found} was found instead of {version}: run `make setup`")

    def compile(self, tosa: bytes, target: Target) -> Compiled:
        assert self._process.stdin is not None
        print(json.dumps({"tosa": b64encode(tosa).decode(), **vars(target)}), file=self._process.stdin, flush=True)
        answer = self._answer()
        if "refused" in answer:
            raise VelaRefused(answer["refused"])
        return compiled_from(answer["compiled"])

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            _process.cache_clear()
            raise VelaCrashed(f"Vela {self._version} ended its process with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


_process = cache(_Process)


def _folder(version: str) -> list[Path]:
    """Where the version is, besides what is installed; nothing for the installed one."""
    if version == installed_version("ethos-u-vela"):
        return []
    folder = Path(sys.prefix) / f"vela-{version}"
    if not folder.is_dir():
        raise LookupError(f"Vela {version} is not in {folder}: run `make setup`")
    return [folder]
