"""Compiles what it is given with the Vela that is first on the path. It reads a line of JSON for each program, and
answers a line."""

from __future__ import annotations

import json
import os
import sys
from base64 import b64decode
from importlib.metadata import version
from typing import Any

from benchmarks.predictions.vela_versions.plain import plain
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import VelaRefused, compile_tosa


def main() -> None:
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what Vela prints is no answer
    print(json.dumps({"version": version("ethos-u-vela")}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line))), file=answers, flush=True)


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"compiled": plain(compile_tosa(b64decode(asked.pop("tosa")), Target(**asked)))}
    except VelaRefused as refused:
        return {"refused": str(refused)}


if __name__ == "__main__":
    main()
